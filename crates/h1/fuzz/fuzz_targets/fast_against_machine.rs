//! The fast path on and off say the same.
#![no_main]

libfuzzer_sys::fuzz_target!(
    |data: &[u8]| ferrohttp_h1_testing::fuzz::fast_against_machine::run(data)
);
