//! httparse over a head that lies whole in the packet, and the checks that make its verdict
//! llhttp's. Answers [`Fast::Unsure`] whenever the two might differ, never an error; the exact
//! machine then reads the same bytes.

use std::mem::MaybeUninit;

use super::exact::flag;
use super::head::{FieldSpan, Method, Span};
use super::profile::HeaderCount;
use super::scratch::Scratch;
use super::{Config, methods};

/// Header lines of a head that is tried; more go to the exact machine.
const MAX_FIELDS: usize = 64;

pub(super) enum Fast {
    /// The head is complete and in the scratch.
    Complete(Found),
    /// Nothing can be said; the scratch is as it was.
    Unsure,
}

/// What the exact machine would know at the end of the head.
pub(super) struct Found {
    pub len: usize,
    pub method: Method,
    pub version: (u8, u8),
    pub flags: u16,
    pub length: u64,
}

/// Tries `rest`, which begins with a message's first byte and lies at `base` in its packet.
pub(super) fn parse(rest: &[u8], base: usize, config: &Config, scratch: &mut Scratch) -> Fast {
    match try_parse(rest, base, config, scratch) {
        Some(found) => Fast::Complete(found),
        None => {
            scratch.clear();
            Fast::Unsure
        }
    }
}

fn try_parse(rest: &[u8], base: usize, config: &Config, scratch: &mut Scratch) -> Option<Found> {
    let mut slots = [const { MaybeUninit::<httparse::Header<'_>>::uninit() }; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut []);
    let Ok(httparse::Status::Complete(len)) = request.parse_with_uninit_headers(rest, &mut slots)
    else {
        return None;
    };
    let head = rest.get(..len)?;

    let name = request.method?;
    let method = methods::find(name.as_bytes()).filter(|method| {
        methods::of_http(*method) && *method != Method::CONNECT && *method != Method::PRI
    })?;
    // In a target that begins so, both take the same bytes, but for the non-ASCII ones.
    let target = request.path?;
    if !matches!(target.as_bytes().first(), Some(b'/' | b'*')) || !target.is_ascii() {
        return None;
    }
    let target_at = offset(head, target.as_bytes())?;
    let version = (1, request.version?);

    let headers: &[httparse::Header<'_>] = request.headers;
    if config.profile.header_count == HeaderCount::Refuse
        && config.max_header_pairs > 0
        && headers.len() as u64 * 2 > config.max_header_pairs as u64
    {
        return None;
    }
    if config.profile.header_count == HeaderCount::DropGroups
        && headers.len() > super::profile::FLUSH_GROUP
    {
        return None;
    }

    let mut found = Found {
        len,
        method,
        version,
        flags: 0,
        length: 0,
    };
    // Bytes as the limit counts them, and the end of the line before (its CR).
    let mut counted = target.len() as u64;
    let mut line_end = target_at + target.len() + " HTTP/1.x".len();
    scratch.set_target(span(base + target_at, target.len()));

    for (i, header) in headers.iter().enumerate() {
        let name_at = offset(head, header.name.as_bytes())?;
        // httparse also takes a bare LF as the end of a line.
        if name_at != line_end + 2 || head.get(line_end) != Some(&b'\r') {
            return None;
        }
        let next = match headers.get(i + 1) {
            Some(next) => offset(head, next.name.as_bytes())?,
            None => len.checked_sub(2)?,
        };
        line_end = next.checked_sub(2)?;
        let value_at = if header.value.is_empty() {
            line_end
        } else {
            offset(head, header.value)?
        };
        // With the blanks at its end, which the limit counts and Content-Length may not have.
        let raw = head.get(value_at..line_end)?;
        counted += (header.name.len() + raw.len()) as u64;
        match header.name.len() {
            7 | 10 | 14 | 16 | 17 => special(header.name, raw, config, &mut found)?,
            _ => {}
        }
        scratch.push(FieldSpan {
            name: span(base + name_at, header.name.len()),
            value: span(base + value_at, header.value.len()),
        });
    }
    // The last line's CRLF and the empty line's.
    if head.get(line_end..) != Some(b"\r\n\r\n") || counted >= config.max_header_size {
        return None;
    }
    Some(found)
}

/// The five names whose values the grammar reads. None where the exact machine should look.
fn special(name: &str, raw: &[u8], config: &Config, found: &mut Found) -> Option<()> {
    if name.eq_ignore_ascii_case("connection") || name.eq_ignore_ascii_case("proxy-connection") {
        connection(raw, config, found)
    } else if name.eq_ignore_ascii_case("content-length") {
        if found.flags & (flag::CONTENT_LENGTH | flag::TRANSFER_ENCODING) != 0
            || raw.is_empty()
            || raw.len() > 19
            || !raw.iter().all(u8::is_ascii_digit)
        {
            return None;
        }
        found.length = raw
            .iter()
            .fold(0, |length, digit| length * 10 + (digit - b'0') as u64);
        found.flags |= flag::CONTENT_LENGTH;
        Some(())
    } else if name.eq_ignore_ascii_case("transfer-encoding") {
        if found.flags & (flag::CONTENT_LENGTH | flag::TRANSFER_ENCODING) != 0
            || !raw.eq_ignore_ascii_case(b"chunked")
        {
            return None;
        }
        found.flags |= flag::TRANSFER_ENCODING | flag::CHUNKED;
        Some(())
    } else if name.eq_ignore_ascii_case("upgrade") {
        if !raw.is_empty() {
            found.flags |= flag::UPGRADE;
        }
        Some(())
    } else {
        Some(())
    }
}

fn connection(raw: &[u8], config: &Config, found: &mut Found) -> Option<()> {
    // HT after a word means different things to different llhttps.
    if raw.contains(&b'\t') && !config.profile.tab_after_connection_token {
        return None;
    }
    for item in raw.split(|&byte| byte == b',') {
        let item = item.trim_ascii();
        if item.eq_ignore_ascii_case(b"keep-alive") {
            found.flags |= flag::KEEP_ALIVE;
        } else if item.eq_ignore_ascii_case(b"close") {
            found.flags |= flag::CLOSE;
        } else if item.eq_ignore_ascii_case(b"upgrade") {
            found.flags |= flag::CONNECTION_UPGRADE;
        }
    }
    Some(())
}

/// Where `part`, a slice of `whole`, begins in it.
fn offset(whole: &[u8], part: &[u8]) -> Option<usize> {
    (part.as_ptr() as usize)
        .checked_sub(whole.as_ptr() as usize)
        .filter(|at| *at <= whole.len())
}

fn span(start: usize, len: usize) -> Span {
    Span {
        start: start as u32,
        end: (start + len) as u32,
    }
}
