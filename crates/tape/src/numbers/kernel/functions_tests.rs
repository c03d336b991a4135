//! The functions against reference values, and at the ends of the number line.
//!
//! The reference values were computed with 60 digits (mpmath 1.4) and rounded to `f64`. Every
//! argument is exactly representable in `f32`, so that one table serves both number types.

use super::*;

/// Allowed error, in units of ε·|value|. `exp`, `ln_1p` and `erfc` contribute up to one unit, once
/// or squared; at most four roundings of half a unit follow. The derivatives with a root are sums
/// of terms up to five times the result at these arguments. A sweep over 2800 arguments a function
/// found at most 2.98 away from the roots.
const BOUND: f64 = 3.0;

/// The smallest positive number: the error allowed where results are subnormal or 0.
fn tiniest<T: Scalar>() -> f64 {
    if T::NAME == "f32" { f64::from(f32::from_bits(1)) } else { f64::from_bits(1) }
}

#[track_caller]
fn assert_close<T: Scalar>(found: T, expected: f64, what: &dyn std::fmt::Display) {
    let allowed = BOUND * (T::EPSILON.to_f64() * expected.abs() + tiniest::<T>());
    let error = (found.to_f64() - expected).abs();
    assert!(error <= allowed, "{what} in {}: {found:e}, not {expected:e}", T::NAME);
}

fn check<T: Scalar>(name: &str, f: impl Fn(T) -> T, values: &[f64]) {
    assert_eq!(values.len(), X.len());
    for (&x, &value) in X.iter().zip(values) {
        assert_close(f(T::from_f64(x)), value, &format_args!("{name}({x})"));
    }
    assert!(f(T::NAN).is_nan(), "{name}(NaN) in {}", T::NAME);
}

macro_rules! reference {
    ($name:ident, $x:ident => $f:expr, $values:expr) => {
        mod $name {
            use super::*;
            #[test]
            fn agrees_with_the_reference() {
                check::<f64>(stringify!($name), |$x| $f, &$values);
                check::<f32>(stringify!($name), |$x| $f, &$values);
            }
        }
    };
}

#[rustfmt::skip]
const X: [f64; 43] = [
    -3.0000000054977558e38, -10000.0, -1000.0, -745.0, -700.0, -354.5, -104.0, -100.0, -88.0, -40.0, -37.5,
    -21.5, -20.0, -14.0, -10.0, -3.0, -1.0, -0.5, -0.0010000000474974513, -1.0000000031710769e-30,
    -9.99994610111476e-41, 0.0, 9.99994610111476e-41, 1.0000000031710769e-30, 0.0010000000474974513, 0.5,
    1.0, 3.0, 10.0, 14.0, 20.0, 21.5, 37.5, 40.0, 88.0, 100.0, 104.0, 354.5, 700.0, 745.0, 1000.0, 10000.0,
    3.0000000054977558e38,
];

/// A function of slices, of one number.
macro_rules! of_slices {
    ($($name:ident: $into:ident $(($parameter:ident))?)*) => {
        $(fn $name<T: Scalar>(x: T $(, $parameter: T)?) -> T {
            let mut out = [T::ZERO];
            T::$into(&[x], $($parameter,)? &mut out);
            out[0]
        })*
    };
}

of_slices! {
    sigmoid: sigmoid_into
    sigmoid_derivative: sigmoid_derivative_into
    log_sigmoid: log_sigmoid_into
    tanh_derivative: tanh_derivative_into
    silu: silu_into
    silu_derivative: silu_derivative_into
    silu_second_derivative: silu_second_derivative_into
    elu: elu_into(alpha)
    elu_derivative: elu_derivative_into(alpha)
    elu_second_derivative: elu_second_derivative_into(alpha)
}

reference!(sigmoid, x => sigmoid(x), [
    0.0, 0.0, 0.0, 5e-324, 9.85967654375977e-305, 1.103077853382717e-154, 6.813556821545298e-46,
    3.720075976020836e-44, 6.054601895401186e-39, 4.248354255291589e-18, 5.175555005801868e-17,
    4.599055376537186e-10, 2.0611536181902037e-9, 8.315280276641321e-7, 4.5397868702434395e-5,
    0.04742587317756678, 0.2689414213699951, 0.37754066879814546, 0.49975000000895897, 0.5, 0.5, 0.5, 0.5,
    0.5, 0.500249999991041, 0.6224593312018546, 0.7310585786300049, 0.9525741268224333, 0.9999546021312976,
    0.9999991684719723, 0.9999999979388464, 0.9999999995400944, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0,
    1.0, 1.0,
]);
reference!(sigmoid_derivative, x => sigmoid_derivative(x), [
    0.0, 0.0, 0.0, 5e-324, 9.85967654375977e-305, 1.103077853382717e-154, 6.813556821545298e-46,
    3.720075976020836e-44, 6.054601895401186e-39, 4.248354255291589e-18, 5.175555005801868e-17,
    4.5990553744220545e-10, 2.061153613941849e-9, 8.315273362252713e-7, 4.5395807735951673e-5,
    0.04517665973091213, 0.19661193324148185, 0.2350037122015945, 0.2499999375000045, 0.25, 0.25, 0.25, 0.25,
    0.25, 0.2499999375000045, 0.2350037122015945, 0.19661193324148185, 0.04517665973091213,
    4.5395807735951673e-5, 8.315273362252713e-7, 2.061153613941849e-9, 4.5990553744220545e-10,
    5.175555005801868e-17, 4.248354255291589e-18, 6.054601895401186e-39, 3.720075976020836e-44,
    6.813556821545298e-46, 1.103077853382717e-154, 9.85967654375977e-305, 5e-324, 0.0, 0.0, 0.0,
]);
reference!(log_sigmoid, x => log_sigmoid(x), [
    -3.0000000054977558e38, -10000.0, -1000.0, -745.0, -700.0, -354.5, -104.0, -100.0, -88.0, -40.0, -37.5,
    -21.500000000459906, -20.000000002061153, -14.000000831528373, -10.000045398899218, -3.048587351573742,
    -1.3132616875182228, -0.9740769841801067, -0.6936473055837007, -0.6931471805599453, -0.6931471805599453,
    -0.6931471805599453, -0.6931471805599453, -0.6931471805599453, -0.6926473055362032, -0.4740769841801067,
    -0.3132616875182228, -0.04858735157374206, -4.539889921686465e-5, -8.315283733837542e-7,
    -2.061153620314381e-9, -4.599055377594751e-10, -5.175555005801868e-17, -4.248354255291589e-18,
    -6.054601895401186e-39, -3.720075976020836e-44, -6.813556821545298e-46, -1.103077853382717e-154,
    -9.85967654375977e-305, -5e-324, 0.0, 0.0, 0.0,
]);
reference!(softplus, x => softplus(x), [
    0.0, 0.0, 0.0, 5e-324, 9.85967654375977e-305, 1.103077853382717e-154, 6.813556821545298e-46,
    3.720075976020836e-44, 6.054601895401186e-39, 4.248354255291589e-18, 5.175555005801868e-17,
    4.599055377594751e-10, 2.061153620314381e-9, 8.315283733837542e-7, 4.539889921686465e-5,
    0.04858735157374206, 0.3132616875182228, 0.4740769841801067, 0.6926473055362032, 0.6931471805599453,
    0.6931471805599453, 0.6931471805599453, 0.6931471805599453, 0.6931471805599453, 0.6936473055837007,
    0.9740769841801067, 1.3132616875182228, 3.048587351573742, 10.000045398899218, 14.000000831528373,
    20.000000002061153, 21.500000000459906, 37.5, 40.0, 88.0, 100.0, 104.0, 354.5, 700.0, 745.0, 1000.0,
    10000.0, 3.0000000054977558e38,
]);
reference!(tanh_derivative, x => tanh_derivative(x), [
    0.0, 0.0, 0.0, 0.0, 0.0, 4.867123002493693e-308, 1.8569822624170587e-90, 5.53558610694695e-87,
    1.4663281644718252e-76, 7.219405551381661e-35, 1.0714547847232311e-32, 8.460524150364322e-19,
    1.6993417021166355e-17, 2.7657600427722563e-12, 8.244614455767397e-9, 0.00986603716544019,
    0.4199743416140261, 0.7864477329659274, 0.9999990000005716, 1.0, 1.0, 1.0, 1.0, 1.0, 0.9999990000005716,
    0.7864477329659274, 0.4199743416140261, 0.00986603716544019, 8.244614455767397e-9,
    2.7657600427722563e-12, 1.6993417021166355e-17, 8.460524150364322e-19, 1.0714547847232311e-32,
    7.219405551381661e-35, 1.4663281644718252e-76, 5.53558610694695e-87, 1.8569822624170587e-90,
    4.867123002493693e-308, 0.0, 0.0, 0.0, 0.0, 0.0,
]);
reference!(elu, x => elu(x, Scalar::ONE), [
    -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -0.9999999995400944,
    -0.9999999979388464, -0.9999991684712809, -0.9999546000702375, -0.950212931632136, -0.6321205588285577,
    -0.3934693402873666, -0.000999500214074986, -1.0000000031710769e-30, -9.99994610111476e-41, 0.0,
    9.99994610111476e-41, 1.0000000031710769e-30, 0.0010000000474974513, 0.5, 1.0, 3.0, 10.0, 14.0, 20.0,
    21.5, 37.5, 40.0, 88.0, 100.0, 104.0, 354.5, 700.0, 745.0, 1000.0, 10000.0, 3.0000000054977558e38,
]);
reference!(elu_derivative, x => elu_derivative(x, Scalar::ONE), [
    0.0, 0.0, 0.0, 5e-324, 9.85967654375977e-305, 1.103077853382717e-154, 6.813556821545298e-46,
    3.720075976020836e-44, 6.054601895401186e-39, 4.248354255291589e-18, 5.175555005801869e-17,
    4.5990553786523166e-10, 2.061153622438558e-9, 8.315287191035679e-7, 4.5399929762484854e-5,
    0.049787068367863944, 0.36787944117144233, 0.6065306597126334, 0.999000499785925, 1.0, 1.0, 1.0, 1.0,
    1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0,
]);
reference!(elu_second_derivative, x => elu_second_derivative(x, Scalar::ONE), [
    0.0, 0.0, 0.0, 5e-324, 9.85967654375977e-305, 1.103077853382717e-154, 6.813556821545298e-46,
    3.720075976020836e-44, 6.054601895401186e-39, 4.248354255291589e-18, 5.175555005801869e-17,
    4.5990553786523166e-10, 2.061153622438558e-9, 8.315287191035679e-7, 4.5399929762484854e-5,
    0.049787068367863944, 0.36787944117144233, 0.6065306597126334, 0.999000499785925, 1.0, 1.0, 1.0, 0.0,
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
]);
reference!(silu, x => silu(x), [
    0.0, 0.0, 0.0, -2.105e-321, -6.90177358063184e-302, -3.910410990241732e-152, -7.086099094407111e-44,
    -3.720075976020836e-42, -5.328049667953043e-37, -1.6993417021166355e-16, -1.9408331271757007e-15,
    -9.88796905955495e-9, -4.122307236380407e-8, -1.164139238729785e-5, -0.00045397868702434395,
    -0.14227761953270035, -0.2689414213699951, -0.18877033439907273, -0.0004997500237458103,
    -5.000000015855384e-31, -4.99997305055738e-41, 0.0, 4.99997305055738e-41, 5.000000015855384e-31,
    0.000500250023751641, 0.3112296656009273, 0.7310585786300049, 2.8577223804672998, 9.999546021312975,
    13.999988358607613, 19.99999995877693, 21.49999999011203, 37.5, 40.0, 88.0, 100.0, 104.0, 354.5, 700.0,
    745.0, 1000.0, 10000.0, 3.0000000054977558e38,
]);
reference!(silu_derivative, x => silu_derivative(x), [
    0.0, 0.0, 0.0, -2.1e-321, -6.891913904088079e-302, -3.899380211707905e-152, -7.017963526191657e-44,
    -3.682875216260628e-42, -5.267503648999031e-37, -1.6568581595637197e-16, -1.8890775771176817e-15,
    -9.428063517353699e-9, -3.9161918660646786e-8, -1.0809854679489666e-5, -0.0004085602086570823,
    -0.08810410601516962, 0.07232948812851327, 0.2600388126973482, 0.4995000000595846, 0.5, 0.5, 0.5, 0.5,
    0.5, 0.5004999999404154, 0.7399611873026518, 0.9276705118714867, 1.0881041060151697, 1.000408560208657,
    1.0000108098546794, 1.0000000391619186, 1.0000000094280634, 1.000000000000002, 1.0000000000000002, 1.0,
    1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0,
]);
reference!(gelu_tanh, x => gelu_tanh(x), [
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -2.8e-322, -3.3754509563109673e-261,
    -2.569400277353559e-94, -1.204092348209806e-37, -0.003637392081773019, -0.1588080093917233,
    -0.15428599017485609, -0.0004996010814972463, -5.000000015855384e-31, -4.99997305055738e-41, 0.0,
    4.99997305055738e-41, 5.000000015855384e-31, 0.0005003989660002051, 0.34571400982514394,
    0.8411919906082767, 2.996362607918227, 10.0, 14.0, 20.0, 21.5, 37.5, 40.0, 88.0, 100.0, 104.0, 354.5,
    700.0, 745.0, 1000.0, 10000.0, 3.0000000054977558e38,
]);
reference!(gelu_tanh_derivative, x => gelu_tanh_derivative(x), [
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -2.845e-320, -2.9424328724945027e-259,
    -1.1172002284854929e-92, -2.7576380638540315e-36, -0.011584166630969726, -0.08296408384578255,
    0.1326300964653577, 0.49920211566857753, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5007978843314225, 0.8673699035346423,
    1.0829640838457826, 1.0115841666309697, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0,
    1.0, 1.0,
]);
reference!(gelu_tanh_second_derivative, x => gelu_tanh_second_derivative(x), [
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -2.85642e-318, -2.5620732028460162e-257,
    -4.8422816509384964e-91, -6.263930626022879e-35, -0.031767658886074704, 0.24214819798377296,
    0.6155068951159849, 0.7978837589693691, 0.7978845608028654, 0.7978845608028654, 0.7978845608028654,
    0.7978845608028654, 0.7978845608028654, 0.7978837589693691, 0.6155068951159849, 0.24214819798377296,
    -0.031767658886074704, -6.263930626022879e-35, -4.8422816509384964e-91, -2.5620732028460162e-257,
    -2.85642e-318, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
]);
reference!(gelu_erf, x => gelu_erf(x), [
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.7270073785932332e-306, -1.6736453715942664e-101,
    -5.507248237212468e-88, -1.091095154686992e-43, -7.619853024160526e-23, -0.0040496940948902835,
    -0.15865525393145705, -0.15426876936299344, -0.0004996010814969171, -5.000000015855384e-31,
    -4.99997305055738e-41, 0.0, 4.99997305055738e-41, 5.000000015855384e-31, 0.0005003989660005342,
    0.34573123063700656, 0.8413447460685429, 2.99595030590511, 10.0, 14.0, 20.0, 21.5, 37.5, 40.0, 88.0,
    100.0, 104.0, 354.5, 700.0, 745.0, 1000.0, 10000.0, 3.0000000054977558e38,
]);
reference!(gelu_erf_derivative, x => gelu_erf_derivative(x), [
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -6.476271143055812e-305, -3.598304227059759e-100,
    -1.1014360483133464e-86, -1.527455646325367e-42, -7.618400096464814e-22, -0.011945647204183927,
    -0.0833154705876863, 0.13250487534383715, 0.49920211566726114, 0.5, 0.5, 0.5, 0.5, 0.5,
    0.5007978843327389, 0.8674951246561629, 1.0833154705876864, 1.011945647204184, 1.0, 1.0, 1.0, 1.0, 1.0,
    1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0,
]);
reference!(normal_pdf, x => normal_pdf(x), [
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.7282337322841054e-306, 1.6772505228543915e-101,
    5.520948362159764e-88, 1.0966065593889713e-43, 7.694598626706419e-23, 0.0044318484119380075,
    0.24197072451914334, 0.35206532676429947, 0.3989420809303234, 0.3989422804014327, 0.3989422804014327,
    0.3989422804014327, 0.3989422804014327, 0.3989422804014327, 0.3989420809303234, 0.35206532676429947,
    0.24197072451914334, 0.0044318484119380075, 7.694598626706419e-23, 1.0966065593889713e-43,
    5.520948362159764e-88, 1.6772505228543915e-101, 1.7282337322841054e-306, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
    0.0, 0.0, 0.0, 0.0,
]);
reference!(erf_derivative, x => erf_derivative(x), [
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.9944851152518358e-201, 2.1610374743867984e-174,
    8.525828772187014e-86, 4.197656231354417e-44, 0.00013925305194674786, 0.4151074974205947,
    0.8787825789354448, 1.1283780387168025, 1.1283791670955126, 1.1283791670955126, 1.1283791670955126,
    1.1283791670955126, 1.1283791670955126, 1.1283780387168025, 0.8787825789354448, 0.4151074974205947,
    0.00013925305194674786, 4.197656231354417e-44, 8.525828772187014e-86, 2.1610374743867984e-174,
    1.9944851152518358e-201, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
]);

/// f(−∞), f(−0), f(0) and f(∞), signs of zeros included.
fn ends<T: Scalar>(name: &str, f: impl Fn(T) -> T, values: [f64; 4]) {
    for (x, value) in [-T::INFINITY, -T::ZERO, T::ZERO, T::INFINITY].into_iter().zip(values) {
        let (found, value) = (f(x), T::from_f64(value));
        assert_eq!(found.bits(), value.bits(), "{name}({x:?}) in {}: {found:?}, not {value:?}", T::NAME);
    }
    assert!(f(T::NAN).is_nan(), "{name}(NaN) in {}", T::NAME);
}

fn all_ends<T: Scalar>() {
    const INF: f64 = f64::INFINITY;
    let (one, slope) = (T::ONE, T::from_f64(0.25));
    let sech = std::f64::consts::FRAC_2_SQRT_PI;
    let ln_2 = std::f64::consts::LN_2;
    ends::<T>("sigmoid", sigmoid, [0.0, 0.5, 0.5, 1.0]);
    ends::<T>("sigmoid_derivative", sigmoid_derivative, [0.0, 0.25, 0.25, 0.0]);
    ends::<T>("log_sigmoid", log_sigmoid, [-INF, -ln_2, -ln_2, -0.0]);
    ends::<T>("softplus", softplus, [0.0, ln_2, ln_2, INF]);
    ends::<T>("tanh_derivative", tanh_derivative, [0.0, 1.0, 1.0, 0.0]);
    ends::<T>("relu", relu, [0.0, 0.0, 0.0, INF]);
    ends::<T>("relu_derivative", relu_derivative, [0.0, 0.0, 0.0, 1.0]);
    ends::<T>("leaky_relu", |x| leaky_relu(x, slope), [-INF, -0.0, 0.0, INF]);
    ends::<T>("leaky_relu", |x| leaky_relu(x, T::ZERO), [-0.0, -0.0, 0.0, INF]);
    ends::<T>("leaky_relu_derivative", |x| leaky_relu_derivative(x, slope), [0.25, 0.25, 0.25, 1.0]);
    ends::<T>("elu", |x| elu(x, one), [-1.0, -0.0, 0.0, INF]);
    ends::<T>("elu_derivative", |x| elu_derivative(x, slope), [0.0, 0.25, 0.25, 1.0]);
    ends::<T>("elu_second_derivative", |x| elu_second_derivative(x, slope), [0.0, 0.25, 0.25, 0.0]);
    ends::<T>("silu", silu, [-0.0, -0.0, 0.0, INF]);
    ends::<T>("silu_derivative", silu_derivative, [-0.0, 0.5, 0.5, 1.0]);
    ends::<T>("silu_second_derivative", silu_second_derivative, [-0.0, 0.5, 0.5, -0.0]);
    ends::<T>("gelu_tanh", gelu_tanh, [-0.0, -0.0, 0.0, INF]);
    ends::<T>("gelu_tanh_derivative", gelu_tanh_derivative, [-0.0, 0.5, 0.5, 1.0]);
    ends::<T>("gelu_erf", gelu_erf, [-0.0, -0.0, 0.0, INF]);
    ends::<T>("gelu_erf_derivative", gelu_erf_derivative, [-0.0, 0.5, 0.5, 1.0]);
    ends::<T>("normal_pdf", normal_pdf, [0.0, PHI_0, PHI_0, 0.0]);
    ends::<T>("erf_derivative", erf_derivative, [0.0, sech, sech, 0.0]);
    ends::<T>("sign", sign, [-1.0, -0.0, 0.0, 1.0]);
    ends::<T>("clamp", |x| clamp(x, -one, one), [-1.0, -0.0, 0.0, 1.0]);
    ends::<T>("in_range", |x| in_range(x, T::ZERO, T::INFINITY), [0.0, 1.0, 1.0, 1.0]);
    for x in [-T::INFINITY, T::INFINITY] {
        assert_eq!(gelu_tanh_second_derivative(x), T::ZERO);
        for k in 0..8 {
            let far = [normal_pdf_higher(x, k), erf_higher(x, k), gelu_erf_higher(x, k)];
            assert_eq!(far, [T::ZERO; 3]);
        }
    }
}

#[test]
fn infinities_zeros_and_nan() {
    all_ends::<f64>();
    all_ends::<f32>();
}

#[test]
fn beyond_the_table() {
    assert_eq!(sigmoid_derivative(40.0), 4.248354255291589e-18);
    for (x, half) in [(1e-310, 5e-311), (-1e-310, -5e-311), (1e300, 1e300), (-1e300, 0.0)] {
        assert_eq!((silu(x), gelu_tanh(x), gelu_erf(x)), (half, half, half));
    }
    for x in [f64::MAX, -f64::MAX] {
        assert_eq!((gelu_tanh_second_derivative(x), normal_pdf(x), erf_derivative(x)), (0.0, 0.0, 0.0));
    }
    // The signs of a piecewise function's sides, and that 0 belongs to the left one.
    assert_eq!([-2.0, 2.0].map(relu), [0.0, 2.0]);
    assert_eq!([-2.0, 2.0].map(|x| leaky_relu(x, 0.25)), [-0.5, 2.0]);
    assert_eq!([-1.0, 1.0, 3.0].map(|x| in_range(x, -1.0, 1.0)), [1.0, 1.0, 0.0]);
    assert_eq!([-3.0, 0.5, 3.0].map(|x| clamp(x, -1.0, 2.0)), [-1.0, 0.5, 2.0]);
}

/// The derivatives of a family are each other's, by differences in the middle between the numbers.
#[test]
fn families_go_on_as_they_begin() {
    type Family = (fn(f64, u32) -> f64, fn(f64) -> f64);
    let families: [Family; 3] = [
        (normal_pdf_higher, normal_pdf),
        (erf_higher, erf_derivative),
        (gelu_erf_higher, gelu_erf_derivative),
    ];
    for (higher, first) in families {
        for x in [-3.3, -1.7, -0.2, 0.6, 1.2, 4.1] {
            for k in 0..9 {
                let below = |x: f64| if k == 0 { first(x) } else { higher(x, k - 1) };
                // Richardson's: the error is of the order h⁴ = 1e-12 and ε/h = 2e-13, of terms up
                // to 10!!·|x|.
                let slope = |h: f64| (below(x + h) - below(x - h)) / (2.0 * h);
                let expected = (4.0 * slope(5e-4) - slope(1e-3)) / 3.0;
                assert!((higher(x, k) - expected).abs() < 1e-7, "{k} at {x}: {} {expected}", higher(x, k));
            }
        }
    }
}

#[test]
fn whole_powers_are_those_of_repeated_multiplication() {
    let powers = [-3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 31];
    for x in [-1.5_f64, -1.0, -0.0, 0.0, 0.75, 2.0, f64::INFINITY, f64::NEG_INFINITY] {
        for n in powers {
            let product = (0..i64::abs(n)).fold(1.0, |product, _| product * x);
            let expected = if n < 0 { 1.0 / product } else { product };
            let mut found = [f64::NAN];
            whole_power_into(&[x], n, &mut found);
            let close = (found[0] - expected).abs() <= 40.0 * f64::EPSILON * expected.abs();
            assert!(found[0] == expected || close, "{x}^{n}: {}, not {expected}", found[0]);
        }
    }
    let mut found = [0.0_f32; 2];
    whole_power_into(&[-1.0, 1.0], 16_777_217, &mut found);
    assert_eq!(found, [-1.0, 1.0]);
    whole_power_into(&[8e-155, 2.0], -2, &mut [0.0; 2]);
}

fn losses<T: Scalar>() {
    let n = T::from_f64;
    for (y, a, loss) in [
        (1.0, 0.5, 0.6931471805599453),
        (0.0, 0.25, 0.2876820724517809),
        (0.25, 0.75, 1.1116412889528633),
        (0.0, 9.094947017729282e-13, 9.094947017733418e-13),
        (1.0, 0.9999990463256836, 9.5367477115389e-7),
        (0.5, 7.888609052210118e-31, 34.657359027997266),
        (0.0, 0.0, 0.0),
        (1.0, 1.0, 0.0),
    ] {
        assert_close(log_loss(n(y), n(a)), loss, &format_args!("log_loss({y}, {a})"));
        assert!(!log_loss(n(y), n(a)).is_sign_negative());
    }
    for (y, z, loss) in [
        (1.0, 40.0, 4.248354255291589e-18),
        (0.0, -40.0, 4.248354255291589e-18),
        (1.0, -1000.0, 1000.0),
        (0.25, 3.0, 2.298587351573742),
        (0.5, -100.0, 50.0),
        (1.0, 700.0, 9.85967654375977e-305),
        (1.0, f64::INFINITY, 0.0),
        (0.0, f64::NEG_INFINITY, 0.0),
    ] {
        assert_close(log_loss_logits(n(y), n(z)), loss, &format_args!("log_loss_logits({y}, {z})"));
    }
    assert_eq!((log_loss(T::ONE, T::ZERO), log_loss(T::ZERO, T::ONE)), (T::INFINITY, T::INFINITY));
    assert_eq!(log_loss_logits(T::ZERO, T::INFINITY), T::INFINITY);
    assert!(log_loss(T::ONE, n(1.5)).is_nan(), "a probability above 1 is not excused by 0·ln 0 = 0");
    for (y, x) in [(T::NAN, n(0.5)), (T::ZERO, T::NAN), (T::ONE, T::NAN)] {
        assert!(log_loss(y, x).is_nan() && log_loss_logits(y, x).is_nan());
    }
}

#[test]
fn losses_of_probabilities_and_of_logits() {
    losses::<f64>();
    losses::<f32>();
}

#[test]
fn sums_stay_accurate_over_a_million_entries() {
    // One ulp for the block sums (32 additions a lane, their errors independent), half of one for
    // every pairing.
    let x: Vec<f32> = (0..1_000_003).map(|i| 0.1 + (i % 97) as f32 * 1e-3).collect();
    let exact: f64 = x.iter().copied().map(f64::from).sum();
    assert!((f64::from(sum(&x)) / exact - 1.0).abs() < 4.0 * f64::from(f32::EPSILON));
}

fn max<T: Scalar>(x: &[T]) -> T {
    folded(x, -T::INFINITY, greater)
}

fn min<T: Scalar>(x: &[T]) -> T {
    folded(x, T::INFINITY, smaller)
}

fn max_norm<T: Scalar>(x: &[T]) -> T {
    folded(x, T::ZERO, greater_size)
}

#[test]
fn sums_of_every_length() {
    for n in (0..70).chain(505..530).chain([1023, 1024, 1025, 1536, 1537, 5000]) {
        let x: Vec<f64> = (1..=n).map(|i| i as f64).collect();
        let count = n as f64;
        assert_eq!(sum(&x), count * (count + 1.0) / 2.0);
        assert_eq!(max(&x), if n == 0 { f64::NEG_INFINITY } else { count });
        assert_eq!(min(&x), if n == 0 { f64::INFINITY } else { 1.0 });
        let negative: Vec<f64> = x.iter().map(|x| -x).collect();
        assert_eq!((max_norm(&x), max_norm(&negative)), (count, count));
    }
}

#[test]
fn nan_is_seen_at_every_position() {
    for n in [1, 15, 16, 17, 40, 600] {
        for at in 0..n {
            let mut x = vec![1.0_f32; n];
            x[at] = f32::NAN;
            assert!([max(&x), min(&x), max_norm(&x), sum(&x)].iter().all(|y| y.is_nan()), "{at} of {n}");
        }
    }
}
