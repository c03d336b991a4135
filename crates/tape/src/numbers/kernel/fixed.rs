//! σ(z) − y from 256 binary digits, for the few numbers that nearly all digits of both cancel in.

/// A number from 0 up to 2⁶⁴ in steps of 2⁻²⁵⁶, lowest part first.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Fixed([u64; 5]);

const ONE: Fixed = Fixed([0, 0, 0, 0, 1]);
const LN_2: Fixed =
    Fixed([0x8a0d_175b_8baa_fa2b, 0x40f3_4326_7298_b62d, 0xc9e3_b398_03f2_f6af, 0xb172_17f7_d1cf_79ab, 0]);

impl Fixed {
    /// m·2ᵉ; what is below the steps is cut off.
    fn new(m: u64, e: i32) -> Self {
        let at = e + 256;
        let mut parts = [0; 5];
        for (i, part) in (0..).zip(&mut parts) {
            let shift = at - 64 * i;
            *part = match shift {
                0..64 => m << shift,
                -63..0 => m >> -shift,
                _ => 0,
            };
        }
        Fixed(parts)
    }

    /// x·2ᵉ for a positive x.
    fn of(x: f64, e: i32) -> Self {
        let bits = x.to_bits();
        let (biased, digits) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
        match biased {
            0 => Fixed::new(digits, e - 1074),
            _ => Fixed::new(digits | 1 << 52, e + biased - 1075),
        }
    }

    fn plus(self, y: Self) -> Self {
        let mut carry = 0;
        let mut sum = [0; 5];
        for (sum, (x, y)) in sum.iter_mut().zip(self.0.into_iter().zip(y.0)) {
            let wide = u128::from(x) + u128::from(y) + carry;
            (*sum, carry) = (wide as u64, wide >> 64);
        }
        Fixed(sum)
    }

    /// x − y, where y is not greater.
    fn minus(self, y: Self) -> Self {
        let mut borrow = false;
        let mut difference = [0; 5];
        for (difference, (x, y)) in difference.iter_mut().zip(self.0.into_iter().zip(y.0)) {
            let (part, below) = x.overflowing_sub(y);
            let (part, again) = part.overflowing_sub(borrow.into());
            (*difference, borrow) = (part, below | again);
        }
        Fixed(difference)
    }

    fn times(self, y: Self) -> Self {
        let mut product = [0_u64; 10];
        for (i, &x) in self.0.iter().enumerate() {
            let mut carry = 0;
            for (j, &y) in y.0.iter().enumerate() {
                let wide = u128::from(x) * u128::from(y) + u128::from(product[i + j]) + carry;
                (product[i + j], carry) = (wide as u64, wide >> 64);
            }
            product[i + 5] = carry as u64;
        }
        Fixed(std::array::from_fn(|i| product[i + 4]))
    }

    fn over(self, n: u64) -> Self {
        let mut rest = 0;
        let mut quotient = self.0;
        for part in quotient.iter_mut().rev() {
            let wide = rest << 64 | u128::from(*part);
            (*part, rest) = ((wide / u128::from(n)) as u64, wide % u128::from(n));
        }
        Fixed(quotient)
    }

    fn is_less(self, y: Self) -> bool {
        self.0.iter().rev().lt(y.0.iter().rev())
    }

    /// e to the power of the number, by its series; the number is less than 2.
    fn exp(self) -> Self {
        let (mut sum, mut term, mut n) = (ONE, ONE, 0);
        while term != Fixed([0; 5]) {
            n += 1;
            term = term.times(self).over(n);
            sum = sum.plus(term);
        }
        sum
    }

    /// The number as m·2ᵉ.
    fn rounded(self) -> (f64, i32) {
        let Some(top) = self.0.iter().rposition(|&part| part != 0) else { return (0.0, 0) };
        let high =
            u128::from(self.0[top]) << 64 | top.checked_sub(1).map_or(0, |next| u128::from(self.0[next]));
        (high as f64, 64 * (top as i32 - 5))
    }
}

/// σ(z) − y, within 2 ulp where it is a normal number. For 0 < y < 1, where σ(z) and y, or what
/// both lack of 1, differ by less than a factor of 2³⁰.
pub(super) fn sigmoid_minus(y: f64, z: f64) -> f64 {
    // e^(−|z|) = e·2⁻ᵏ with 1 ≤ e ≤ 2.
    let x = Fixed::of(z.abs(), 0);
    let mut k = (z.abs() * std::f64::consts::LOG2_E) as u64 + 1;
    let mut multiple = LN_2.times(Fixed::new(k, 0));
    while multiple.is_less(x) {
        k += 1;
        multiple = multiple.plus(LN_2);
    }
    let (e, k) = (multiple.minus(x).exp(), k as i32);
    // q = e/(2ᵏ + e) is the lesser of σ(z) and σ(−z), w what is to be taken from it: q − w = (e·(1
    // − w) − w·2ᵏ)/(2ᵏ + e).
    let label = Fixed::of(y, 0);
    let (first, second) = match z < 0.0 {
        true => (e.times(ONE.minus(label)), Fixed::of(y, k)),
        false => (e.times(label), ONE.minus(label).times(Fixed::new(1, k))),
    };
    let below = first.is_less(second);
    let (m, exponent) = if below { second.minus(first) } else { first.minus(second) }.rounded();
    let (e, of_e) = e.rounded();
    let size = scaled(m / (1.0 + scaled(e, of_e - k)), exponent - k);
    if below == (z < 0.0) { -size } else { size }
}

/// x·2ᵏ.
fn scaled(x: f64, k: i32) -> f64 {
    let (first, second) = (k / 3, k / 3);
    x * 2.0_f64.powi(first) * 2.0_f64.powi(second) * 2.0_f64.powi(k - first - second)
}
