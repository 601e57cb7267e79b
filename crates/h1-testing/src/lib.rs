//! What the tests, benches and fuzz targets of `ferrohttp-h1` share.
//!
//! | Module | What it holds |
//! |---|---|
//! | [`transcript`] | a parser driven as a connection drives it, and a text of everything it said |
//! | [`fuzz`] | what the fuzz targets do with an input |
//! | [`inputs`] | the requests that benches parse, and how |
//!
//! `examples/parser-parity-peer.rs` is the native side of `npm run parity:parser`.

pub mod fuzz;
pub mod inputs;
pub mod transcript;
