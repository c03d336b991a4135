//! Derivatives next to where they are 0: their terms cancel there, their Taylor polynomials do not.

#![allow(clippy::excessive_precision)] // constants keep the digits of their sources

use super::Real;

/// A simple zero of a function, known to twice the digits, and the function around it as c·(s₀ +
/// s₁·c + …), c the distance from it.
pub(crate) struct Zero<const N: usize> {
    at: (f64, f64),
    radius: f64,
    slopes: [f64; N],
}

impl<const N: usize> Zero<N> {
    /// Where it is in two numbers of the type, the radius, and the slopes, for those who write the
    /// function down.
    #[cfg(feature = "rust-source")]
    pub(crate) fn parts(&self, single: bool) -> ([f64; 2], f64, Vec<f64>) {
        let rounded = |x: f64| if single { (x as f32).into() } else { x };
        let high = rounded(self.at.0);
        let low = rounded(self.at.0 - high + self.at.1);
        ([high, low], rounded(self.radius), self.slopes.iter().copied().map(rounded).collect())
    }

    /// Whether x is near, and the function's value if it is.
    #[inline(always)]
    pub(crate) fn around<T: Real, const F: bool>(&self, x: T) -> (bool, T) {
        // Both parts in T: of the first an f32 holds 24 digits.
        let high = T::of(self.at.0);
        let low = T::of(self.at.0 - high.to_double() + self.at.1);
        let distance = (x - high) - low;
        let mut sum = T::of(self.slopes[N - 1]);
        for &s in self.slopes[..N - 1].iter().rev() {
            sum = sum.fused::<F>(distance, T::of(s));
        }
        (distance.magnitude() < T::of(self.radius), distance * sum)
    }

    /// The value of `otherwise`, but for numbers near the zero.
    #[inline]
    pub(crate) fn or(&self, x: f64, otherwise: impl FnOnce(f64) -> f64) -> f64 {
        match self.around::<f64, false>(x) {
            (true, value) => value,
            (false, _) => otherwise(x),
        }
    }
}

/// Of silu′.
pub(crate) const SILU_DERIVATIVE: Zero<20> = Zero {
    at: (-1.2784645427610737, -1.0946994183093437e-16),
    radius: 0.375,
    slopes: [
        0.2178117057198001,
        0.1466487969969469,
        0.018874814223782312,
        -0.015222655223188032,
        -0.006606589138356696,
        0.000126627410081122,
        0.0007985218818397998,
        0.00018570724361186496,
        -4.090534237428612e-05,
        -2.9733542213263917e-05,
        -2.942631888842464e-06,
        2.346029682463866e-06,
        8.599695028268575e-07,
        -3.051244750055421e-08,
        -9.266646309267441e-08,
        -1.8877622907727957e-08,
        4.619379769031606e-09,
        2.9177603026903803e-09,
        2.3648315053103244e-10,
        -2.251366201881081e-10,
    ],
};

/// Of silu″, which is even.
pub(crate) const SILU_SECOND_DERIVATIVE: Zero<19> = Zero {
    at: (2.3993572805154675, 1.8464872855353363e-16),
    radius: 0.375,
    slopes: [
        -0.09153052016419229,
        0.07629586548655085,
        -0.022487259234225326,
        -0.001836670144762844,
        0.003862816776830254,
        -0.0013663696912367745,
        0.0001151307019584522,
        9.644059294156357e-05,
        -4.74507427928072e-05,
        8.432377564571459e-06,
        1.2461615072251882e-06,
        -1.190460513336088e-06,
        3.144649318871996e-07,
        -9.904149230625922e-09,
        -2.2618098624368472e-08,
        8.62206138174272e-09,
        -1.139313959706701e-09,
        -2.9644608896956503e-10,
        1.9015500324901384e-10,
    ],
};

/// Of gelu′.
pub(crate) const GELU_DERIVATIVE: Zero<17> = Zero {
    at: (-0.7517915246935645, 1.4956759177009883e-17),
    radius: 0.25,
    slopes: [
        0.4314939923140469,
        0.388284982990552,
        -0.018199676398671087,
        -0.1140082332972217,
        -0.014771522148244337,
        0.019421679838189067,
        0.004539228379125415,
        -0.002239538068073497,
        -0.0007448268386746817,
        0.00018633974623233514,
        8.615947861116571e-05,
        -1.121438018842664e-05,
        -7.74846130700372e-06,
        4.3284506257392273e-07,
        5.702764979242107e-07,
        -1.6044265494246427e-09,
        -3.5459866461783865e-08,
    ],
};

/// Of gelu_tanh′.
pub(crate) const GELU_TANH_DERIVATIVE: Zero<18> = Zero {
    at: (-0.7524614220710163, 3.635560509207687e-17),
    radius: 0.25,
    slopes: [
        0.4304000910248585,
        0.38751844613578895,
        -0.01578285352184803,
        -0.11394448308095899,
        -0.01661932834305256,
        0.019682309459833118,
        0.005261059254921912,
        -0.0024227318458750974,
        -0.0009274420230205449,
        0.00026392764052681053,
        0.00012425227802639782,
        -3.4956171694436116e-05,
        -1.5950896871645105e-05,
        5.918611710894005e-06,
        2.4335516344299543e-06,
        -9.898647747433667e-07,
        -4.3102482988029016e-07,
        1.4157556987729473e-07,
    ],
};

/// Of gelu_tanh″, which is even.
pub(crate) const GELU_TANH_SECOND_DERIVATIVE: Zero<19> = Zero {
    at: (1.4185040087908283, 8.089265124388305e-17),
    radius: 0.25,
    slopes: [
        -0.4095488174124191,
        0.432081111593848,
        -0.008168951883944803,
        -0.16109481693213482,
        0.056750540975161724,
        0.020035361162701274,
        -0.01671150756085392,
        0.0007632001136916162,
        0.002643461146696662,
        -0.0007514200775098502,
        -0.00026173756856854425,
        0.00017619942054101047,
        6.138879668243466e-06,
        -2.918654105104775e-05,
        4.884341759522852e-06,
        3.568864966961748e-06,
        -1.501746538549582e-06,
        -2.3134876605993593e-07,
        2.779934168936508e-07,
    ],
};
