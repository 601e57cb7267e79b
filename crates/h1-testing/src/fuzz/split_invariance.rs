//! Parses the same request whole and cut into packets. Both must report the same. Limits and upgrades are left out,
//! because there Node itself reports something else for other cuts.

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
    // Chunk extensions have a limit, too.
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
