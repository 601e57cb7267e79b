//! Parses whole requests, each in one packet. The parser must not panic, and its offsets must lie in the packet.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ferrohttp_h1_testing::fuzz::heads::run(data));
