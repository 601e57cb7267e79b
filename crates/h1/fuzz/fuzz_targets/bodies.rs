//! Chunked bodies in up to three packets: no panic, and no more body than there were bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ferrohttp_h1_testing::fuzz::bodies::run(data));
