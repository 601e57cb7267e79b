//! The fuzz targets, apart from the fuzzer: `tests/corpora.rs` runs them over the inputs that are kept.

pub mod bodies;
pub mod fast_against_machine;
pub mod heads;
mod input;
pub mod split_invariance;

/// What a target does with one input. It panics on what must not be.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 4] = [
    ("heads", heads::run),
    ("bodies", bodies::run),
    ("fast_against_machine", fast_against_machine::run),
    ("split_invariance", split_invariance::run),
];
