//! The fast path on and off say the same.
#![no_main]

mod input;
#[path = "../../tests/support/mod.rs"]
mod support;

use ferrohttp::http1::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(input) = input::read(data) else {
        return;
    };
    let packets = input::packets(&input);
    let [fast, exact] = [true, false].map(|fast_path| {
        let config = Config {
            fast_path,
            ..input.config
        };
        support::run(config, packets.iter().copied(), input.accept, true)
    });
    assert_eq!(
        String::from_utf8_lossy(&fast),
        String::from_utf8_lossy(&exact)
    );
});
