//! Parses chunked bodies in up to three packets. The parser must not panic, and must not report more bytes of body than
//! it was given.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ferrohttp_h1_testing::fuzz::bodies::run(data));
