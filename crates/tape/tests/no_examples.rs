//! What is divided by m is an error where there are no examples, whatever it is multiplied by.

use tape::{Matrix, Options, Scalar, Tape};

fn stays_an_error<T: Scalar>() {
    let tape = Tape::<T>::new();
    let x = tape.examples_unbound("x", 1);
    let one_over_m = tape.one_over_m();
    let m = tape.scalar(T::ONE) / one_over_m;
    let itself = one_over_m;
    for number in [one_over_m * m, m * one_over_m, one_over_m / itself] {
        let y = x.sum() + number;
        for options in [Options::default(), Options::literal()] {
            let mut program = tape.compile_with([y], options).unwrap();
            program.bind(x, &Matrix::zeros(1, 4)).unwrap();
            program.run().unwrap();
            assert_eq!(program.scalar(y).unwrap(), T::ONE);
            program.bind(x, &Matrix::zeros(1, 0)).unwrap();
            let is_error = program.run().is_err();
            assert!(is_error, "{options:?}: {}", number.equation());
        }
    }
    // A product of numbers of one sign is folded, and as much of an error.
    let square = x.sum() + one_over_m * one_over_m;
    let mut program = tape.compile([square]).unwrap();
    program.bind(x, &Matrix::zeros(1, 4)).unwrap();
    program.run().unwrap();
    assert_eq!(program.scalar(square).unwrap(), T::from_f64(0.0625));
    program.bind(x, &Matrix::zeros(1, 0)).unwrap();
    assert!(program.run().is_err());
}

#[test]
fn a_quotient_by_m_stays_an_error() {
    stays_an_error::<f64>();
    stays_an_error::<f32>();
}
