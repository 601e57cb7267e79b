//! What the tests, benches and fuzz targets of `ferrohttp-h1` share.
//!
//! | Module | What it holds |
//! |---|---|
//! | [`transcript`] | drives a parser as a connection does, and writes down everything that it reports |
//! | [`fuzz`] | what a fuzz target does with an input |
//! | [`inputs`] | the requests that benches parse, and a sink for them |
//!
//! `npm run parity:parser` runs `examples/parser-parity-peer.rs`, which parses with ferrohttp's parser.

pub mod fuzz;
pub mod inputs;
pub mod transcript;
