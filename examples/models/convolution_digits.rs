//! Handwritten digits by two layers of convolution and pooling (LeCun et al. 1989).
//!
//! Run it with `cargo run --release --example convolution_digits`.

#[path = "../support/data_sets.rs"]
mod data_sets;
mod support;

use mlp::{Scalar, Split};
use support::{Learner, Outcome};
use tape::{Image, Over, Shape, Tape, Var, Window};

/// Convolution with a kernel of 3 × 3 for each channel, and the greatest of each 2 × 2.
fn layer<'t, T: Scalar>(a: Var<'t, T>, l: usize, image: Image, channels: usize) -> Var<'t, T> {
    let kernels = a.tape().parameter_unbound(&format!("K[{l}]"), Shape::new(channels, image.channels * 9));
    let bias = a.tape().parameter_unbound(&format!("b[{l}]"), Shape::new(channels, 1));
    let a = a.conv2d(image, kernels, bias, Window::new(3, 3).padding(1)).relu();
    a.max_pool2d(Image { channels, ..image }, Window::new(2, 2).stride(2))
}

/// J of class numbers and images of a channel, side × side, and the logits.
pub(crate) fn record<T: Scalar>(tape: &Tape<T>, side: usize, [first, second]: [usize; 2]) -> [Var<'_, T>; 2] {
    let (x, class) = (tape.examples_unbound("X", side * side), tape.indices_unbound("class", 1));
    let parameter =
        |name: &str, rows: usize, columns: usize| tape.parameter_unbound(name, Shape::new(rows, columns));
    let image = |channels: usize, side: usize| Image { channels, height: side, width: side };
    let a = layer(x, 1, image(1, side), first);
    let a = layer(a, 2, image(first, side / 2), second);
    let last = second * (side / 4) * (side / 4);
    let z = (parameter("W", 10, last).matmul(a) + parameter("b", 10, 1)).named("Z");
    [z.softmax_cross_entropy_of(class).mean().named("J"), z]
}

fn run<T: Scalar>() -> Outcome {
    let table = data_sets::digits(include_bytes!("../data/digits.csv.gz"))?;
    let (x, y) = (table.x.map(|pixel| pixel / 16.0).cast::<T>(), table.y.cast::<T>());
    let split = Split::every(x.columns(), 5)?;
    let tape = Tape::<T>::new();
    let [j, z] = record(&tape, 8, [8, 16]);
    let right = z.argmax_over(Over::Rows).equal(tape.named("class")?).mean();
    let mut learner = Learner::new(j, &[right], 0.01, 0)?;
    let train = [&x, &y].map(|of| of.select_columns(&split.train));
    let leaves = [tape.named("X")?, tape.named("class")?];
    learner.train(&[(leaves[0], &train[0]), (leaves[1], &train[1])], 1000, 64)?;
    for (leaf, of) in leaves.into_iter().zip([&x, &y]) {
        learner.program.bind_columns(leaf, of, &split.test)?;
    }
    learner.program.run()?;
    let accuracy = learner.program.scalar(right)?.to_f64();
    println!("{}: {:.1} % of {} test digits are right", T::NAME, 100.0 * accuracy, split.test.len());
    assert!(accuracy > 0.97, "convolutions should know more than dense layers");
    Ok(())
}

fn main() -> Outcome {
    run::<f64>()?;
    run::<f32>()
}
