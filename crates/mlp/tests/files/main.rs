//! Files: archives, networks, the golden files of every version, and files that are written whole or not at all.
#![cfg(feature = "safetensors")]

mod archive;
mod examples;
mod golden;
mod network;
mod npy;
mod pipeline;
mod support;
mod whole;
