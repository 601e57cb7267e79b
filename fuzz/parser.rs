//! The parser as a crate of its own, under the name that `tests/support` expects.

#[path = "../src/http1/mod.rs"]
pub mod http1;
