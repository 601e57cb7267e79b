//! Cuts change nothing but what they change in Node: limits and upgrades are left out.

use super::input;
use crate::transcript;
use ferrohttp_h1::Config;

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Some(input) = input::read(data) else {
        return;
    };
    let config = Config {
        max_header_size: 1 << 40,
        max_header_pairs: 0,
        ..input.config
    };
    let whole = transcript::run(config, [input.bytes], false, true);
    let text = String::from_utf8_lossy(&whole);
    // Extensions are limited as well.
    if text.contains(" upgrade ") || input.bytes.len() > 16384 {
        return;
    }
    let packets = input::packets(&input);
    let pieces = transcript::run(config, packets.iter().copied(), false, true);
    assert_eq!(
        String::from_utf8_lossy(&transcript::uncut(&pieces, &packets)),
        String::from_utf8_lossy(&transcript::uncut(&whole, &[input.bytes]))
    );
}
