//! From numbers to places on a line, with the numbers that are written beside it.

/// One axis of a plot.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    pub(super) label: String,
    low: f64,
    high: f64,
    is_log: bool,
    is_whole: bool,
}

/// From this quotient of the largest and the smallest number on, a logarithmic axis shows more.
const WIDE: f64 = 50.0;

impl Axis {
    /// From `low` to `high`, which are finite.
    pub(super) fn between(label: &str, low: f64, high: f64) -> Axis {
        Axis { label: label.to_owned(), low, high, is_log: false, is_whole: false }
    }

    /// Over all values, with a little room; logarithmic where they are positive and far apart.
    /// Values that are not finite do not count.
    pub(super) fn over(label: &str, values: impl Iterator<Item = f64>) -> Axis {
        let (low, high) = ends_of(values);
        if low > 0.0 && high / low > WIDE {
            let label = format!("{label} (logarithmic)");
            return Axis { label, low, high, is_log: true, is_whole: false };
        }
        let (low, high) = apart(low, high);
        let room = 0.04 * (high / 2.0 - low / 2.0) * 2.0;
        // No room below 0 where no value is.
        let below = if low >= 0.0 { (low - room).max(0.0) } else { (low - room).max(f64::MIN) };
        Axis::between(label, below, (high + room).min(f64::MAX))
    }

    /// For n values one after the other, from number 0.
    pub(super) fn counting(label: &str, n: usize) -> Axis {
        Axis { is_whole: true, ..Axis::between(label, 0.0, n.saturating_sub(1).max(1) as f64) }
    }

    /// Over all values, with room on both sides.
    pub(super) fn around(label: &str, values: impl Iterator<Item = f64>) -> Axis {
        let (low, high) = ends_of(values);
        let (low, high) = apart(low, high);
        let room = 0.16 * (high / 2.0 - low / 2.0);
        Axis::between(label, (low - room).max(f64::MIN), (high + room).min(f64::MAX))
    }

    /// The value at a place from 0 to 1 of an axis that is not logarithmic.
    pub(super) fn value(&self, place: f64) -> f64 {
        self.low * (1.0 - place) + self.high * place
    }

    /// Where a finite value stands: 0 at the low end, 1 at the high one.
    pub(super) fn place(&self, value: f64) -> f64 {
        let [value, low, high] = [value, self.low, self.high].map(|v| match self.is_log {
            true => v.ln(),
            false => v / 2.0, // the difference of the halves is never infinite
        });
        (value - low) / (high - low)
    }

    /// The numbers that are written at the axis, from low to high, with their texts.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        if self.is_log { self.decades() } else { self.steps() }
    }

    /// Multiples of 1, 2 or 5 times a power of ten.
    fn steps(&self) -> Vec<(f64, String)> {
        let about = if self.is_whole { 8.0 } else { 5.0 };
        let rough = (self.high / 2.0 - self.low / 2.0) / (about / 2.0);
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= rough * 0.99);
        let step = step.map(|step| if self.is_whole { step.max(1.0) } else { step });
        let Some(step) = step.filter(|step| step.is_finite() && *step > 0.0) else {
            return [self.low, self.high].map(|end| (end, number(end))).into();
        };
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let is_plain = decimals <= 5 && self.low.abs().max(self.high.abs()) < 1e6;
        let first = (self.low / step).ceil();
        let at = |k: u32| (first + f64::from(k)) * step + 0.0;
        let ticks = (0..20).map(at).take_while(|tick| tick.is_finite() && *tick <= self.high + 1e-9 * step);
        ticks.map(|tick| (tick, if is_plain { format!("{tick:.decimals$}") } else { number(tick) })).collect()
    }

    /// Powers of ten, or between few of them 2 and 5 times them.
    fn decades(&self) -> Vec<(f64, String)> {
        const MOST: i32 = 6;
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        let every = (last - first) / MOST + 1;
        let of_each: &[f64] = if last - first <= 3 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let powers = (first..=last).filter(|power| power % every == 0);
        // 10⁻³ by its digits: powi rounds.
        let power_of_ten = |power: i32| format!("1e{power}").parse().unwrap_or(f64::NAN);
        let ticks = powers.flat_map(|power| of_each.iter().map(move |m| m * power_of_ten(power)));
        let inside = ticks.filter(|tick| self.low <= *tick && *tick <= self.high);
        inside.map(|tick| (tick, number(tick))).collect()
    }
}

/// The smallest and the largest finite value; 0 and 1 if there is none.
fn ends_of(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|value| value.is_finite());
    let ends = finite.fold(None, |ends: Option<(f64, f64)>, value| match ends {
        None => Some((value, value)),
        Some((low, high)) => Some((low.min(value), high.max(value))),
    });
    ends.unwrap_or((0.0, 1.0))
}

/// The ends, moved apart if they are as good as equal.
fn apart(low: f64, high: f64) -> (f64, f64) {
    let size = low.abs().max(high.abs());
    if high / 2.0 - low / 2.0 > 1e-9 * size {
        return (low, high);
    }
    let room = if size == 0.0 { 1.0 } else { (0.1 * size).max(f64::MIN_POSITIVE) };
    ((low - room).max(f64::MIN), (high + room).min(f64::MAX))
}

/// A number with four digits at most: 0.25, 12.35, 1.2e-7.
pub(super) fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "∞"
        } else {
            "−∞"
        }
        .to_owned();
    }
    let digits = format!("{value:.3e}");
    let (mantissa, exponent) = digits.split_once('e').unwrap_or((&digits, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let without_zeros = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    match exponent {
        -4..=5 => without_zeros(&format!("{value:.*}", (3 - exponent).max(0) as usize)),
        exponent => format!("{}e{exponent}", without_zeros(mantissa)),
    }
}

/// A share, or a dash where it is 0/0.
pub(super) fn share(value: Option<f64>) -> String {
    value.map_or_else(|| super::html::NOTHING.to_owned(), |value| format!("{value:.4}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<String> {
        axis.ticks().into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(texts(&Axis::between("p", 0.0, 1.0)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(&Axis::between("x", -3.0, 7.0)), ["-2", "0", "2", "4", "6"]);
        assert_eq!(texts(&Axis::counting("epoch", 1)), ["0", "1"]);
        assert_eq!(texts(&Axis::counting("epoch", 4)), ["0", "1", "2", "3"]);
        let axis = Axis::over("J", [0.002, 0.9, f64::NAN, f64::INFINITY].into_iter());
        assert_eq!(texts(&axis), ["0.002", "0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.5"]);
        assert_eq!(texts(&Axis::over("J", [1e-9, 1.0].into_iter())), ["1e-8", "1e-6", "0.0001", "0.01", "1"]);
    }

    #[test]
    fn any_finite_numbers_have_places() {
        let (max, tiny) = (f64::MAX, f64::from_bits(1));
        for values in [
            vec![],
            vec![0.0],
            vec![-2.5],
            vec![tiny],
            vec![0.0, tiny],
            vec![tiny, max],
            vec![-max, max],
            vec![max],
            vec![1.0, 1.0 + f64::EPSILON],
            vec![-1e-300, 1e300],
        ] {
            let axis = Axis::over("v", values.iter().copied());
            for value in &values {
                let place = axis.place(*value);
                assert!((0.0..=1.0).contains(&place), "{value} of {values:?} at {place}");
            }
            let around = Axis::around("v", values.iter().copied());
            assert!([around.value(0.0), around.value(0.5), around.value(1.0)].iter().all(|v| v.is_finite()));
            let ticks = axis.ticks();
            assert!(
                ticks.len() <= 20 && ticks.iter().all(|(tick, _)| tick.is_finite()),
                "{values:?}: {ticks:?}"
            );
        }
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.25, "0.25"),
            (12.3456, "12.35"),
            (1.2e-7, "1.2e-7"),
            (-0.00012, "-0.00012"),
            (100_000.0, "100000"),
            (1e300, "1e300"),
            (0.99996, "1"),
            (f64::NEG_INFINITY, "−∞"),
        ] {
            assert_eq!(number(value), text);
        }
        assert_eq!((share(None), share(Some(0.5))), ("–".into(), "0.5000".into()));
    }
}
