//! Cuts change nothing but what they change in Node: limits and upgrades are left out.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ferrohttp_h1_testing::fuzz::split_invariance::run(data));
