//! A copy of a program goes on from where the program was, and neither knows of the other.

use tape::{
    Dim, EntryId, Error, Function, Matrix, Noise, Options, Program, Scalar, Shape, Tape, Var, matrix,
};

fn random<T: Scalar>(rows: usize, columns: usize, seed: u64) -> Matrix<T> {
    tape::check::Random::new(seed).matrix(rows, columns, -1.0, 1.0)
}

fn bits<T: Scalar>(program: &Program<T>, outputs: &[EntryId]) -> Vec<u64> {
    let views = outputs.iter().map(|&output| program.view(output).unwrap());
    views.flat_map(|view| view.as_slice().iter().map(|x| x.bits()).collect::<Vec<_>>()).collect()
}

struct Step<'t, T: Scalar> {
    x: Var<'t, T>,
    y: Var<'t, T>,
    w: Var<'t, T>,
    outputs: Vec<Var<'t, T>>,
}

/// J of a network, its gradients, its prediction, and leaves that are outputs too.
fn step<T: Scalar>(tape: &Tape<T>) -> Step<'_, T> {
    let (x, y) = (tape.examples("X", &random(6, 9, 1)), tape.examples_unbound("Y", 1));
    let (w1, b1) = (tape.parameter("W[1]", &random(5, 6, 2)), tape.parameter("b[1]", &random(5, 1, 3)));
    let (w2, b2) = (tape.parameter("W[2]", &random(1, 5, 4)), tape.parameter("b[2]", &random(1, 1, 5)));
    let a = (w2.matmul((w1.matmul(x) + b1).tanh()) + b2).sigmoid();
    let j = a.log_loss(y).mean();
    let outputs = j.gradients([w1, b1, w2, b2]).into_iter().chain([j, a, w1, x]).collect();
    Step { x, y, w: w1, outputs }
}

fn labels<T: Scalar>(m: usize) -> Matrix<T> {
    Matrix::from_fn(1, m, |_, i| if i % 3 == 0 { T::ONE } else { T::ZERO })
}

fn copies_have_the_same_bits<T: Scalar>(options: Options) {
    let tape = Tape::<T>::new();
    let Step { x, y, w, outputs } = step(&tape);
    let ids: Vec<EntryId> = outputs.iter().map(|output| output.id().unwrap()).collect();
    let mut program = tape.compile_with(outputs, options).unwrap();
    // From before the first run on, and of a copy of a copy.
    let mut copy = program.clone();
    for (k, m) in [2, 1, 9, 300, 3, 3, 5000, 2].into_iter().enumerate() {
        for program in [&mut program, &mut copy] {
            program.bind(x, &random(6, m, 10 + k as u64)).unwrap();
            program.bind(y, &labels(m)).unwrap();
            program.run().unwrap();
            program.parameter_mut(w).unwrap().as_mut_slice()[k] += T::from_f64(0.1);
        }
        assert_eq!(bits(&copy, &ids), bits(&program, &ids), "m = {m}");
        let expected = bits(&program, &ids);
        copy = copy.clone();
        assert_eq!(bits(&copy, &ids), expected, "m = {m}, before it runs");
        assert_eq!(copy.m(), Some(m));
        copy.run().unwrap();
        program.run().unwrap();
        assert_eq!(bits(&copy, &ids), bits(&program, &ids), "m = {m}, after it ran");
        assert_ne!(bits(&program, &ids), expected, "the parameter has changed");
    }
}

#[test]
fn the_same_bits() {
    for threads in [1, 2, 3] {
        copies_have_the_same_bits::<f64>(Options::default().threads(threads));
        copies_have_the_same_bits::<f32>(Options::default().threads(threads));
    }
    copies_have_the_same_bits::<f64>(Options::literal());
    copies_have_the_same_bits::<f32>(Options::default().tile_columns(64));
}

fn neither_knows_of_the_other<T: Scalar>() {
    let tape = Tape::<T>::new();
    let Step { x, y, w, outputs } = step(&tape);
    let ids: Vec<EntryId> = outputs.iter().map(|output| output.id().unwrap()).collect();
    let mut program = tape.compile(outputs).unwrap();
    program.bind(y, &labels(9)).unwrap();
    program.run().unwrap();
    let before = bits(&program, &ids);
    let mut copy = program.clone();
    copy.bind(x, &random(6, 4, 7)).unwrap();
    copy.bind(y, &labels(4)).unwrap();
    copy.bind(w, &random(5, 6, 8)).unwrap();
    // Leaves have their new values, results are those of the last run.
    assert_eq!(bits(&copy, &ids[..6]), bits(&program, &ids[..6]));
    copy.run().unwrap();
    assert_ne!(bits(&copy, &ids), before);
    assert_eq!(bits(&program, &ids), before);
    program.run().unwrap();
    assert_eq!(bits(&program, &ids), before);
    // The columns that one has chosen are not those of the other.
    program.select_columns(x, &[8, 0]).unwrap();
    program.bind(y, &labels(2)).unwrap();
    let mut copy = program.clone();
    program.select_columns(x, &[1, 1, 1]).unwrap();
    copy.run().unwrap();
    let x_of_copy = copy.view(x).unwrap().to_matrix();
    assert_eq!(x_of_copy, random::<T>(6, 9, 1).select_columns(&[8, 0]));
    // Many columns are read where they are.
    let tape = Tape::<T>::new();
    let wide = tape.examples("wide", &random(64, 200, 3));
    let v = tape.parameter("v", &random(5, 64, 4));
    let z = v.matmul(wide);
    let mut program = tape.compile([z]).unwrap();
    let chosen: Vec<usize> = (0..150).map(|k| (7 * k) % 200).collect();
    program.select_columns(wide, &chosen).unwrap();
    let mut copy = program.clone();
    program.select_columns(wide, &[3]).unwrap();
    program.run().unwrap();
    copy.run().unwrap();
    let mut anew = tape.compile([z]).unwrap();
    anew.bind_columns(wide, &random(64, 200, 3), &chosen).unwrap();
    anew.run().unwrap();
    let z = [z.id().unwrap()];
    assert_eq!(bits(&copy, &z), bits(&anew, &z));
}

#[test]
fn independence() {
    neither_knows_of_the_other::<f64>();
    neither_knows_of_the_other::<f32>();
}

/// A copy knows what the last run has failed with, and can be run where the cause is gone.
#[test]
fn after_errors() {
    let tape = Tape::<f64>::new();
    let Step { x, y, outputs, .. } = step(&tape);
    let j = outputs[4];
    let mut program = tape.compile(outputs).unwrap();
    let mut unbound = program.clone();
    assert!(matches!(unbound.run(), Err(Error::Unbound { .. })));
    assert!(matches!(unbound.clone().last_error(), Some(Error::Unbound { .. })));
    program.bind(y, &labels(9)).unwrap();
    program.run().unwrap();
    let expected = program.scalar(j).unwrap();
    program.bind(y, &Matrix::filled(1, 9, 7.0)).unwrap();
    assert!(matches!(program.run(), Err(Error::Label { .. })));
    let mut copy = program.clone();
    assert_eq!(copy.last_error(), program.last_error());
    assert!(matches!(copy.scalar(j), Err(Error::NotRun)));
    copy.bind(y, &labels(9)).unwrap();
    copy.run().unwrap();
    assert_eq!(copy.scalar(j).unwrap(), expected);
    assert!(program.run().is_err());
    for m in [0, 1] {
        copy.bind(x, &Matrix::zeros(6, m)).unwrap();
        copy.bind(y, &labels(m)).unwrap();
        assert_eq!(copy.run().is_ok(), m == 1);
        copy = copy.clone();
        assert_eq!(copy.last_error().is_some(), m == 0);
    }
}

/// A copy of a program whose run was left by a panic runs again.
#[test]
fn after_a_panic() {
    let tape = Tape::<f64>::new();
    let x = tape.examples_unbound("x", 1);
    let positive = Function::new("positive", |x: f64| {
        assert!(x > 0.0, "not positive");
        x
    });
    let y = x.map(&positive).square();
    let mut program = tape.compile([y]).unwrap();
    for m in [2, 3000] {
        program.bind(x, &Matrix::filled(1, m, -1.0)).unwrap();
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| program.run())).is_err());
        let mut copy = program.clone();
        copy.bind(x, &Matrix::filled(1, m, 3.0)).unwrap();
        copy.run().unwrap();
        assert_eq!(copy.view(y).unwrap().to_matrix(), Matrix::filled(1, m, 9.0));
    }
}

/// From where it is, a copy draws what the program draws.
#[test]
fn noise_goes_on() {
    let tape = Tape::<f64>::new();
    let x = tape.examples("x", &matrix![[1.0, 2.0, 3.0]]);
    let noisy = x + tape.noise("ε", Shape::new(1, Dim::M), Noise::Normal);
    let mut program = tape.compile([noisy]).unwrap();
    program.seed(5);
    program.run().unwrap();
    let mut copy = program.clone();
    let of = |program: &Program<f64>| program.view(noisy).unwrap().to_matrix();
    assert_eq!(of(&copy), of(&program));
    for _ in 0..3 {
        let before = of(&program);
        program.run().unwrap();
        copy.run().unwrap();
        assert_eq!(of(&copy), of(&program));
        assert_ne!(of(&copy), before);
    }
    copy.expectation(true);
    copy.run().unwrap();
    program.run().unwrap();
    assert_eq!(of(&copy), matrix![[1.0, 2.0, 3.0]]);
    assert_ne!(of(&program), matrix![[1.0, 2.0, 3.0]]);
}

/// One program, compiled once, for several threads at a time.
#[test]
fn one_for_each_thread() {
    let tape = Tape::<f64>::new();
    let Step { x, y, outputs, .. } = step(&tape);
    let ids: Vec<EntryId> = outputs.iter().map(|output| output.id().unwrap()).collect();
    let program = tape.compile(outputs).unwrap();
    let (x, y) = (x.id().unwrap(), y.id().unwrap());
    let run = |program: &mut Program<f64>, m: usize| {
        program.bind(x, &random(6, m, m as u64)).unwrap();
        program.bind(y, &labels(m)).unwrap();
        program.run().unwrap();
        bits(program, &ids)
    };
    let sizes = [1, 2, 5, 64, 700];
    let expected: Vec<_> = sizes.map(|m| run(&mut program.clone(), m)).to_vec();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let (program, run, expected) = (&program, &run, &expected);
            scope.spawn(move || {
                let mut own = program.clone();
                for round in 0..20 {
                    let k = round % sizes.len();
                    assert_eq!(run(&mut own, sizes[k]), expected[k]);
                    if round == 7 {
                        own = own.clone();
                    }
                }
            });
        }
    });
}

/// A derivative that is a leaf stays what it was in the last run, there and here.
#[test]
fn results_that_are_leaves() {
    let tape = Tape::<f64>::new();
    let (w, v) = (tape.parameter("w", &matrix![[3.0]]), tape.parameter("v", &matrix![[1.0]]));
    let [dw, dv] = (w * v).gradients([w, v]); // v and w
    let mut program = tape.compile([dw, dv]).unwrap();
    program.run().unwrap();
    program.parameter_mut(v).unwrap().as_mut_slice()[0] = 5.0;
    let mut copy = program.clone();
    copy.parameter_mut(w).unwrap().as_mut_slice()[0] = 7.0;
    let of = |program: &Program<f64>| [w, v, dw, dv].map(|of| program.scalar(of).unwrap());
    assert_eq!(of(&program), [3.0, 5.0, 1.0, 3.0]);
    assert_eq!(of(&copy), [7.0, 5.0, 1.0, 3.0]);
    copy.run().unwrap();
    assert_eq!(of(&copy), [7.0, 5.0, 5.0, 7.0]);
    assert_eq!(of(&program), [3.0, 5.0, 1.0, 3.0]);
}

/// Of what is fixed there is one, and data of the tape are not copied.
#[test]
fn what_is_shared_is_not_copied() {
    let tape = Tape::<f64>::new();
    let data = Matrix::filled(100, 10_000, 0.5);
    let x = tape.examples("x", &data);
    let w = tape.parameter("w", &Matrix::filled(1, 100, 0.5));
    let program = tape.compile([w.matmul(x).mean()]).unwrap();
    let begin = std::time::Instant::now();
    let copies: Vec<_> = (0..1000).map(|_| program.clone()).collect();
    // 8 GB, if each had data of its own.
    assert!(begin.elapsed().as_secs() < 5, "{:?}", begin.elapsed());
    assert_eq!(copies[999].view(x).unwrap().to_matrix(), data);
    assert_eq!(format!("{}", copies[0]), format!("{program}"));
    assert!(copies[1].rewrites().eq(program.rewrites()));
}
