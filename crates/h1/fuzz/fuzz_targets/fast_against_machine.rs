//! Parses the same request with the fast path and without it. Both must report the same.
#![no_main]

libfuzzer_sys::fuzz_target!(
    |data: &[u8]| ferrohttp_h1_testing::fuzz::fast_against_machine::run(data)
);
