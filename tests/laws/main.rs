//! Properties that cross the two crates. One crate of all, so that the generic code of a program is compiled once.

mod support;

mod abuse;
mod closed_form;
mod errors;
mod failures;
mod faults_networks;
mod functions;
mod golden;
mod golden_models;
mod identity;
mod indices;
mod instruction_sets;
mod json;
mod literal;
mod metamorphic;
mod models;
mod noise;
mod nothing;
mod operations;
mod oracles;
mod programs;
mod recording;
mod rewrites;
mod selections;
mod several;
mod softmax;
mod subnormals;
mod texts;
mod threads;
mod touched;
mod training;
mod traits;
