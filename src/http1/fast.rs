//! httparse over a head that lies whole in the packet, and the checks that make its verdict
//! llhttp's. Knows no errors: whenever the two might differ there is no answer, and the exact
//! machine reads the same bytes.

use std::mem::MaybeUninit;

use super::classes::eq_lower;
use super::head::Method;
use super::profile::{FLUSH_GROUP, HeaderCount};
use super::state::flag;
use super::{Config, methods};

/// Header lines of a head that is tried; more go to the exact machine.
const MAX_FIELDS: usize = 64;

type Slots<'a> = [MaybeUninit<httparse::Header<'a>>; MAX_FIELDS];

pub(super) const fn slots<'a>() -> Slots<'a> {
    [const { MaybeUninit::uninit() }; MAX_FIELDS]
}

/// A complete head: what the exact machine would know at its end.
pub(super) struct Found<'a> {
    pub len: usize,
    pub method: Method,
    pub target: &'a [u8],
    pub version: (u8, u8),
    pub fields: &'a [httparse::Header<'a>],
    pub flags: u16,
    pub length: u64,
}

/// Tries `rest`, which begins with a message's first byte.
// Inlined, or the result crosses the stack in pieces that cost as much as half of the checks.
#[inline(always)]
pub(super) fn parse<'a>(
    rest: &'a [u8],
    config: &Config,
    slots: &'a mut Slots<'a>,
) -> Option<Found<'a>> {
    let mut request = httparse::Request::new(&mut []);
    let Ok(httparse::Status::Complete(len)) = request.parse_with_uninit_headers(rest, slots) else {
        return None;
    };
    let head = rest.get(..len)?;

    let method = methods::find(request.method?.as_bytes()).filter(|&method| {
        methods::of_http(method) && !matches!(method, Method::CONNECT | Method::PRI)
    })?;
    // In a target that begins so, both take the same bytes, but for those that are not ASCII.
    let target = request.path?.as_bytes();
    if !matches!(target.first(), Some(b'/' | b'*')) || !target.is_ascii() {
        return None;
    }
    let fields: &'a [httparse::Header<'a>] = request.headers;
    if !count_allowed(fields.len(), config) {
        return None;
    }

    let mut semantics = Semantics::default();
    // Bytes as the limit counts them: with the blanks at the end of values.
    let mut counted = target.len();
    // Where the line before ends: at its CR, for httparse also takes a bare LF.
    let mut line_end = offset(head, target) + target.len() + " HTTP/1.x".len();
    for (i, field) in fields.iter().enumerate() {
        let name_at = offset(head, field.name.as_bytes());
        if head.get(line_end..name_at) != Some(b"\r\n") {
            return None;
        }
        let next = match fields.get(i + 1) {
            Some(next) => offset(head, next.name.as_bytes()),
            None => len - 2,
        };
        line_end = next.checked_sub(2)?;
        let raw = if field.value.is_empty() {
            &[]
        } else {
            head.get(offset(head, field.value)..line_end)?
        };
        counted += field.name.len() + raw.len();
        if matches!(field.name.len(), 7 | 10 | 14 | 16 | 17) {
            semantics = semantics.and(field.name.as_bytes(), raw, config)?;
        }
    }
    if head.get(line_end..) != Some(b"\r\n\r\n") || counted as u64 >= config.max_header_size {
        return None;
    }
    Some(Found {
        len,
        method,
        target,
        version: (1, request.version?),
        fields,
        flags: semantics.flags,
        length: semantics.length,
    })
}

fn count_allowed(count: usize, config: &Config) -> bool {
    if config.max_header_pairs <= 0 {
        return true;
    }
    match config.profile.header_count {
        HeaderCount::Refuse => count as u64 * 2 <= config.max_header_pairs as u64,
        HeaderCount::DropGroups => count <= FLUSH_GROUP,
    }
}

/// What the five names whose values the grammar reads have said so far.
#[derive(Clone, Copy, Default)]
struct Semantics {
    flags: u16,
    length: u64,
}

impl Semantics {
    /// Adds a line that may have such a name. None where the exact machine should look.
    #[inline(always)]
    fn and(self, name: &[u8], raw: &[u8], config: &Config) -> Option<Semantics> {
        let framed = self.flags & (flag::CONTENT_LENGTH | flag::TRANSFER_ENCODING) != 0;
        match name.len() {
            10 if eq_lower(name, b"connection") => self.and_flags(connection(raw, config)?),
            16 if eq_lower(name, b"proxy-connection") => self.and_flags(connection(raw, config)?),
            // Repeated and mixed framing is for the other.
            14 if eq_lower(name, b"content-length") && framed => None,
            14 if eq_lower(name, b"content-length") => Some(Semantics {
                flags: self.flags | flag::CONTENT_LENGTH,
                length: content_length(raw)?,
            }),
            17 if eq_lower(name, b"transfer-encoding") => {
                if framed || !eq_lower(raw, b"chunked") {
                    return None;
                }
                self.and_flags(flag::TRANSFER_ENCODING | flag::CHUNKED)
            }
            7 if eq_lower(name, b"upgrade") && !raw.is_empty() => self.and_flags(flag::UPGRADE),
            _ => Some(self),
        }
    }

    #[inline(always)]
    fn and_flags(self, flags: u16) -> Option<Semantics> {
        Some(Semantics {
            flags: self.flags | flags,
            ..self
        })
    }
}

/// Plain digits that are sure to fit.
fn content_length(raw: &[u8]) -> Option<u64> {
    if !(1..=19).contains(&raw.len()) || !raw.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = raw.iter().map(|byte| u64::from(byte - b'0'));
    Some(digits.fold(0, |length, digit| length * 10 + digit))
}

/// The flags of a list of connection options.
fn connection(raw: &[u8], config: &Config) -> Option<u16> {
    if eq_lower(raw, b"keep-alive") {
        return Some(flag::KEEP_ALIVE);
    }
    // HT after a word means different things to different llhttps.
    if raw.contains(&b'\t') && !config.profile.tab_after_connection_token {
        return None;
    }
    let options = raw.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
    Some(options.fold(0, |flags, option| {
        flags
            | if eq_lower(option, b"keep-alive") {
                flag::KEEP_ALIVE
            } else if eq_lower(option, b"close") {
                flag::CLOSE
            } else if eq_lower(option, b"upgrade") {
                flag::CONNECTION_UPGRADE
            } else {
                0
            }
    }))
}

/// Where `part`, a slice of `whole`, begins in it. Nonsense for any other.
#[inline(always)]
fn offset(whole: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize)
}
