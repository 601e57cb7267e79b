//! Parses the same request whole and cut into packets. Both must report the same. Limits and upgrades are left out,
//! because there Node itself reports something else for other cuts.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ferrohttp_h1_testing::fuzz::split_invariance::run(data));
