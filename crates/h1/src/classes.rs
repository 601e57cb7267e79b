//! The byte classes of the request grammar, and loops that skip runs of one class.

use crate::invariant;

/// tchar: header names, chunk extension names, unquoted chunk extension values.
pub const TOKEN: u8 = 1;
/// Header values: HT, SP, VCHAR, obs-text. Also what a backslash may quote in an extension.
pub const VALUE: u8 = 1 << 1;
/// Header values under `httpValidation: 'relaxed'`: all bytes except NUL, LF and CR.
pub const RELAXED: u8 = 1 << 2;
/// Paths: VCHAR except `#` and `?`.
pub const PATH: u8 = 1 << 3;
/// Authorities, except `@`.
pub const HOST: u8 = 1 << 4;
/// Bytes of an item of a comma-separated list.
pub const LIST_ITEM: u8 = 1 << 5;
/// qdtext: between the quotes of a chunk extension's value.
pub const QDTEXT: u8 = 1 << 6;
/// Letters: URL schemes.
pub const ALPHA: u8 = 1 << 7;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let b = i as u8;
        let vchar = b > 0x20 && b < 0x7f;
        let value = b == b'\t' || b == b' ' || vchar || b >= 0x80;
        let mut class = 0;
        if b.is_ascii_alphanumeric() || among(b, b"!#$%&'*+-.^_`|~") {
            class |= TOKEN;
        }
        if value {
            class |= VALUE;
        }
        if !among(b, b"\0\n\r") {
            class |= RELAXED;
        }
        if vchar && b != b'#' && b != b'?' {
            class |= PATH;
        }
        if b.is_ascii_alphanumeric() || among(b, b"-_.!~*'()%;:&=+$,[]") {
            class |= HOST;
        }
        if value && b != b',' {
            class |= LIST_ITEM;
        }
        if value && b != b'"' && b != b'\\' {
            class |= QDTEXT;
        }
        if b.is_ascii_alphabetic() {
            class |= ALPHA;
        }
        table[i] = class;
        i += 1;
    }
    table
}

const fn among(byte: u8, set: &[u8]) -> bool {
    let mut i = 0;
    while i < set.len() {
        if set[i] == byte {
            return true;
        }
        i += 1;
    }
    false
}

/// Whether `byte` is in any of the classes of `mask`.
#[inline(always)]
pub fn is(byte: u8, mask: u8) -> bool {
    CLASSES[byte as usize] & mask != 0
}

/// SP or HT.
#[inline(always)]
pub fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The first offset from `at` on whose byte is not in `mask`.
#[inline]
pub fn skip(bytes: &[u8], at: usize, mask: u8) -> usize {
    let mut at = at;
    let mut rest = invariant!(bytes.get(at..), "a run begins within its bytes");
    // One branch is enough for eight bytes.
    while let Some((chunk, after)) = rest.split_first_chunk::<8>() {
        let all = chunk
            .iter()
            .fold(mask, |all, &byte| all & CLASSES[byte as usize]);
        if all == 0 {
            break;
        }
        rest = after;
        at += 8;
    }
    at + rest
        .iter()
        .position(|&byte| !is(byte, mask))
        .unwrap_or(rest.len())
}

/// Does what [`skip`] does with [`VALUE`], eight bytes at a time.
#[inline]
pub fn skip_value(bytes: &[u8], at: usize) -> usize {
    let mut at = at;
    while let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let del = word ^ (ONES * 0x7f);
        let del = del.wrapping_sub(ONES) & !del & HIGH;
        let stop = control | del;
        if stop != 0 {
            // The lowest hit is exact. Hits above it may be borrows.
            let hit = at + (stop.trailing_zeros() / 8) as usize;
            if bytes.get(hit) != Some(&b'\t') {
                return hit;
            }
            at = hit + 1;
        } else {
            at += 8;
        }
    }
    skip(bytes, at, VALUE)
}

/// How many bytes come before the first that is not VCHAR, eight bytes at a time.
#[inline(always)]
pub fn visible_run(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    let mut run = 0;
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*word);
        // Bytes from 0x80 on have the high bit already. The others do not carry into the next byte.
        let control = !((word & !HIGH) + ONES * (0x80 - 0x21));
        let del = (word & !HIGH) + ONES;
        let stop = (control | del | word) & HIGH;
        if stop != 0 {
            return run + (stop.trailing_zeros() / 8) as usize;
        }
        rest = after;
        run += 8;
    }
    let visible = rest.iter().take_while(|byte| byte.is_ascii_graphic());
    run + visible.count()
}

/// Whether `text` equals `lower`, ignoring case. `lower` may have letters and `-`. `text` must have only [`VALUE`]
/// bytes, because CR would equal `-`.
#[inline(always)]
pub fn eq_lower<const N: usize>(text: &[u8], lower: &[u8; N]) -> bool {
    // This needs no branch for each byte.
    <&[u8; N]>::try_from(text).is_ok_and(|text| {
        let pairs = text.iter().zip(lower);
        pairs.fold(0, |differ, (a, b)| differ | ((a | 0x20) ^ b)) == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte. Miri is slow, and what it looks for does not differ from byte to byte.
    fn bytes() -> impl Iterator<Item = u8> {
        (0..=255).step_by(if cfg!(miri) { 15 } else { 1 })
    }

    #[test]
    fn value_runs_end_at_the_same_byte_either_way() {
        for byte in bytes() {
            for position in 0..20 {
                let mut bytes = [b'a'; 20];
                bytes[position] = byte;
                bytes[19] = 0x7f;
                let end = bytes.iter().position(|&b| !is(b, VALUE));
                assert_eq!(Some(skip_value(&bytes, 0)), end, "{byte}");
                assert_eq!(Some(skip(&bytes, 0, VALUE)), end, "{byte}");
            }
        }
    }

    #[test]
    fn visible_runs_end_at_the_first_byte_that_is_not() {
        for byte in bytes() {
            for position in 0..20 {
                let mut bytes = [b'~'; 20];
                bytes[position] = byte;
                bytes[19] = b' ';
                let end = bytes.iter().position(|b| !b.is_ascii_graphic());
                assert_eq!(Some(visible_run(&bytes)), end, "{byte}");
            }
        }
        assert_eq!(visible_run(b"abc"), 3);
        assert_eq!(visible_run(b""), 0);
    }

    #[test]
    fn words_are_equal_in_any_case_only() {
        assert!(eq_lower(b"Keep-ALIVE", b"keep-alive"));
        for at in 0..10 {
            for byte in bytes().filter(|&byte| is(byte, VALUE)) {
                let mut word = *b"keep-alive";
                word[at] = byte;
                let equal = word.eq_ignore_ascii_case(b"keep-alive");
                assert_eq!(eq_lower(&word, b"keep-alive"), equal, "{at} {byte}");
            }
        }
        assert!(!eq_lower(b"keep-aliv", b"keep-alive"));
    }
}
