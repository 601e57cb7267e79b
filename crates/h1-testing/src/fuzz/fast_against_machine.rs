//! Parses the same request with the fast path and without it. Both must report the same.

use super::input;
use crate::transcript;
use ferrohttp_h1::Config;

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Some(input) = input::read(data) else {
        return;
    };
    let packets = input::packets(&input);
    let [fast, machine] = [true, false].map(|fast_path| {
        let config = Config {
            fast_path,
            ..input.config
        };
        transcript::run(config, packets.iter().copied(), input.accept, true)
    });
    assert_eq!(
        String::from_utf8_lossy(&fast),
        String::from_utf8_lossy(&machine)
    );
}
