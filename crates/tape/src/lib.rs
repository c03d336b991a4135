//! Reverse-mode automatic differentiation of matrix operations on one list.
//!
//! A [`Tape`] is a Wengert list: each entry is an operation on entries before it. Differentiation
//! appends the vector–Jacobian products to the same list, so a gradient is an entry like any other:
//! print it, compile it, differentiate it again. A [`Program`] computes entries again and again,
//! for any number of examples m, on `f32` or `f64`.
//!
//! ```
//! use tape::{Tape, matrix};
//!
//! let tape = Tape::<f64>::new();
//! let x = tape.examples("X", &matrix![[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]]); // a column per example
//! let y = tape.examples("Y", &matrix![[0.0, 1.0, 1.0, 1.0]]);
//! let w = tape.parameter("W", &matrix![[0.3, -0.2]]);
//! let b = tape.parameter("b", &matrix![[0.1]]);
//! let a = (w.matmul(x) + b).named("Z").sigmoid().named("A");
//! let j = a.log_loss(y).mean().named("J");
//! let [dw, db] = j.gradients([w, b]); // entries of the same list
//! assert_eq!(dw.equation().to_string(), "∂J/∂W = 1/m · (∂ℒ/∂A ⊙ g′(Z)) * Xᵀ"); // eq. 26
//!
//! let mut step = tape.compile([j, dw, db])?;
//! for _ in 0..100 {
//!     step.run()?;
//!     step.update(w, dw, |w, dw| w.iter_mut().zip(dw).for_each(|(w, dw)| *w -= dw))?;
//!     step.update(b, db, |b, db| b.iter_mut().zip(db).for_each(|(b, db)| *b -= db))?;
//! }
//! assert!(step.scalar(j)? < 0.2);
//! # Ok::<(), tape::Error>(())
//! ```
//!
//! Where float literals do not tell the number type, and the compiler asks for *type annotations*
//! (E0282, E0283), write `Tape::<f64>::new()`.
//!
//! # I want to …
//!
//! | … | see |
//! |---|---|
//! | put matrices on a tape | [`Matrix`], [`matrix!`], [`Tape::parameter`], [`Tape::examples`], [`Tape::constant`] |
//! | compute with them | the methods and operators of [`Var`] |
//! | differentiate | [`Var::gradients`]; [`Var::vjp`], [`Var::jvp`], [`Var::hvp`]; [`Var::hessian`], [`Var::jacobian`] |
//! | have a gradient for every example | [`Var::per_example_gradients`] |
//! | have tokens, windows or patches of each example | [`Var::unfold`], [`Var::block_matmul`], [`Var::sum_of_blocks`] |
//! | take rows or columns by number, embed, use class numbers | [`Var::rows_at`], [`Tape::indices`], [`Var::gather`], [`Var::softmax_cross_entropy_of`] |
//! | convolve, pool | [`Var::conv2d`], [`Var::max_pool2d`] |
//! | have noise, drop out | [`Tape::noise`], [`Var::dropout`], [`Program::seed`], [`Program::expectation`] |
//! | factor a matrix, solve | [`Var::cholesky`], [`Var::solve_lower`], [`Var::solve`], [`Var::log_det`] |
//! | keep a model in a structure | [`Tape::named`], [`Tape::var`], [`EntryId`] |
//! | look at a value now | [`Var::value`] |
//! | run many times | [`Tape::compile`], [`Program::run`], [`Program::bind`], [`Program::view`], [`Program::update`] |
//! | share parameters among programs | [`Program::copy_parameters_from`] |
//! | train in mini-batches | [`Program::select_columns`], [`Program::bind_columns`], [`Threads`] |
//! | choose threads, tiles, literal evaluation | [`Options`], [`Tape::compile_with`] |
//! | find out where a NaN comes from | [`Program::run_checked`] |
//! | see what a program does | [`Program::explain`], [`Program::steps`], [`Program::rewrites`], `println!("{program}")` |
//! | read the equations | [`Var::equation`], [`Tape::equations`], `println!("{tape}")`, [`Tape::dot`] |
//! | type equations, and have them as entries | [`Tape::reader`], [`EquationReader`] |
//! | step through it in a browser, forward and backward | `Tape::to_html`, `Page`, of the feature `html` |
//! | know why a differentiation recorded an entry | [`Entry::origin`] |
//! | read entries, for a way of showing of your own | [`Tape::entries`], [`Entry`], [`Var::label`] |
//! | carry a program over: to ONNX, to Rust source | `Program::to_onnx`, `Program::to_rust`, of the features `onnx` and `rust-source` |
//! | save a list and read it back | `Tape::to_json`, `Tape::from_json`, of the feature `json` |
//! | add a function of one number | [`Function`], [`Var::map`] |
//! | add an operation | [`Operation`], [`Tape::apply`]; a linear one: [`LinearOperation`]; one with several outputs: [`SeveralOutputs`] |
//! | check derivatives | [`check`]; a table of one's own functions: [`laws!`] |
//! | have matrices of other libraries | `From` in both directions, of the features `ndarray_0_17`, `nalgebra_0_35`, `faer_0_24` |
//! | draw matrices and tapes for property tests | `check::strategies`, of the feature `proptest` |
//! | judge them without a step and a tolerance | [`check::oracle`]: dual numbers, complex steps, rationals (feature `rational`), rounding bounds |
//! | understand an error | [`Error`] |
//!
//! # How a gradient comes about
//!
//! A method of [`Var`] records exactly the entry that it names, or finds the equal one; values are
//! not computed. `gradients` goes through the list from the last entry to the first. With the
//! derivative G of J with respect to an entry it asks the entry's operation for its vector–Jacobian
//! product ([`Operation::vjp`]), which records what G contributes to each operand: Wᵀ * G for the X
//! of W * X. Contributions to one entry are added. Signs and powers of m stay in front, and are
//! recorded where a derivative is handed out: so ∂J/∂W is 1/m · δ * Aᵀ, the very entry that eq. 26
//! makes by hand.
//!
//! # How it is run
//!
//! [`Tape::compile`] takes what the outputs need, rewrites it by named rules (naive formulas become
//! stable ones), puts what has a column per example into loops over tiles that stay in the cache,
//! fuses elementwise operations, and places all values into few buffers. From the second run on at
//! an m that it has seen a program allocates nothing. Its results have the same bits for any number
//! of threads and any size of a tile.
//!
//! # Processors
//!
//! Kernels are compiled for several instruction sets, and run on the best one that the processor
//! has: `avx512` or `avx2` (with FMA) on x86-64, `neon` on aarch64, `simd128` on wasm32 if it is
//! compiled in, and `baseline` everywhere. The choice is made once, before the first kernel runs.
//! The environment variable `TAPE_SIMD` takes another one by its name, say to have the bits of
//! another machine, or to test; if the processor does not have it, [`Tape::compile`] is an error
//! ([`Error::InstructionSet`]). Empty is as unset.
//!
//! What is promised of bits is promised for one instruction set: others add in another order, and
//! without FMA a multiply-add rounds twice. All keep the same accuracy and the same laws. Products
//! and tiles follow the caches that Linux reports, which changes no bit.
//!
//! Where no thread can be started (`wasm32-unknown-unknown`), everything runs on one, whatever
//! [`Options`] and [`Threads`] ask for.
//!
//! # How it is tested
//!
//! Operations stand in a table of laws (values, derivatives of orders 1 and 2, random cotangents,
//! boundary shapes, extremes); derivatives with respect to random entries of random tapes are
//! compared with differences taken at that entry; programs with the list as it stands; functions
//! with references of 800 digits; networks with equations in plain code. The checker that does part
//! of it is public: [`check`].

mod tape;

mod ops;
mod program;

pub mod check;
mod compiled;
mod error;
mod numbers;
#[cfg(feature = "html")]
mod page;
mod show;
mod threads;

pub use error::printable;
pub use error::{Error, NonFinite, NotExportable, OperandRange, Place, Result, TooLarge, Unreadable};
#[cfg(feature = "kernels")]
pub use numbers::kernels;
pub use numbers::matrix::{Matrix, MatrixMut, MatrixRef};
pub use numbers::scalar::Scalar;
pub use ops::OperationKind;
pub use ops::derived::{Image, Window};
pub use ops::indices::IndexNumber;
pub use ops::leaf::LeafKind;
pub use ops::linear::LinearOperation;
pub use ops::map::{Function, FunctionKind, UserFunction};
pub use ops::noise::Noise;
pub use ops::number::{Num, num};
pub use ops::reduce::Reduction;
pub use ops::several::{Output, Outputs, SeveralOutputs, SeveralVjp};
pub use ops::zip::{IntoOperand, Zip};
#[cfg(feature = "html")]
pub use page::Page;
#[cfg(feature = "onnx")]
pub use program::export::onnx::OnnxOptions;
#[cfg(feature = "rust-source")]
pub use program::export::rust::{MultiplyAdd, RustSource};
pub use program::{Named, Options, Program, ProgramStep, Rewrite};
pub use show::equation::Equation;
pub use show::parse::{EquationError, EquationMistake, EquationReader, ReadEquation};
pub use show::system::Equations;
pub use tape::Tape;
pub use tape::describe::Parameter;
pub use tape::entry::{DerivativeOf, Entry, Origin, SourcePlace};
pub use tape::entry_id::EntryId;
pub use tape::notation::{Notation, Over};
pub use tape::operation::{Contraction, Elementwise, Fault, Identity, Mismatch, Operands, Operation};
pub use tape::shape::{Dim, Multiple, Shape};
pub use tape::var::Var;
pub use tape::variables::Variables;
pub use tape::vjp::Vjp;
pub use threads::Threads;

/// Runs the code of the README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct ReadmeDoctests;
