//! What the fuzz targets do, without the fuzzer. `tests/corpora.rs` runs the kept inputs through it.

pub mod bodies;
pub mod fast_against_machine;
pub mod heads;
mod input;
pub mod split_invariance;

/// Runs a target on one input. It panics if the parser does something that it must not do.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 4] = [
    ("heads", heads::run),
    ("bodies", bodies::run),
    ("fast_against_machine", fast_against_machine::run),
    ("split_invariance", split_invariance::run),
];
