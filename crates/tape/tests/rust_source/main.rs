//! Source that programs are written as: compiled by rustc, as a crate without `std` and without `unsafe`, it gives the bits
//! of the program for inputs drawn at random.

mod arithmetic;
mod compiled;
mod networks;
mod operations;
