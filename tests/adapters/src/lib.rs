//! Nothing but its examples: `cargo run --manifest-path tests/adapters/Cargo.toml --example candle`.
