//! One trainer for every model: in pieces and in one, resumed, clipped, weighted, averaged, scheduled.

mod checkpoints;
mod gradients;
mod models;
mod pieces;
mod refusals;
mod support;
mod together;
mod weights;
