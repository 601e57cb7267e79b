//! Chunked bodies in up to three packets: no panic, and no more body than there were bytes.

use super::input;
use crate::transcript;

const HEAD: &[u8] = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Some(input) = input::read(data) else {
        return;
    };
    let packets = std::iter::once(HEAD).chain(input::packets(&input));
    let text = transcript::run(input.config, packets, input.accept, true);
    let body: usize = text
        .split(|&byte| byte == b'\n')
        .filter_map(|line| line.strip_prefix(b"body "))
        // LF and backslash are escaped with one more byte.
        .map(|body| body.len().div_ceil(2))
        .sum();
    assert!(body <= input.bytes.len());
}
