//! Whole requests, one packet: no panic, and offsets that lie in the packet.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ferrohttp_h1_testing::fuzz::heads::run(data));
