//! Minimisers beside scipy's, on certified problems, and where they must stop.

mod faults;
mod functions;
mod golden;
mod lbfgs;
mod levenberg;
mod newton;
