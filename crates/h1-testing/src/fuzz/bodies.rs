//! Parses chunked bodies in up to three packets. The parser must not panic, and must not report more bytes of body than
//! it was given.

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
        // The transcript escapes LF and backslash, each with one more byte.
        .map(|body| body.len().div_ceil(2))
        .sum();
    assert!(body <= input.bytes.len());
}
