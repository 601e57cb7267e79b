//! Runs the inputs that were kept from fuzzing, without a fuzzer.

use std::path::Path;

use ferrohttp_h1_testing::fuzz::{TARGETS, Target};

/// Reads the inputs of a file that `crates/h1/fuzz/run.js` wrote. Before each input stands its length, in four bytes,
/// little-endian.
fn inputs(packed: &[u8]) -> Vec<&[u8]> {
    let mut rest = packed;
    let mut inputs = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = u32::from_le_bytes(*length) as usize;
        let (input, after) = after.split_at(length);
        inputs.push(input);
        rest = after;
    }
    assert!(rest.is_empty(), "the file is cut off");
    inputs
}

fn replay(name: &str, target: Target) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../h1/fuzz/corpora/{name}.bin"));
    let packed = std::fs::read(&file).unwrap();
    let inputs = inputs(&packed);
    assert!(inputs.len() > 100, "{} inputs", inputs.len());
    for input in inputs {
        if std::panic::catch_unwind(|| target(input)).is_err() {
            panic!("{name}: {}", input.escape_ascii());
        }
    }
}

#[test]
fn corpora() {
    for (name, target) in TARGETS {
        replay(name, target);
    }
}
