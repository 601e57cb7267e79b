//! The fast path for a head that is complete in one packet. It reads the usual request line itself, lets httparse read
//! the lines after it, and checks that llhttp would read them in the same way. It gives no errors: if the two might
//! differ, it has no result, and the byte-level machine reads the same bytes.

use std::mem::MaybeUninit;

use super::classes::{eq_lower, visible_run};
use super::head::Method;
use super::machine::flag;
use super::profile::{FLUSH_GROUP, HeaderCount};
use super::{Config, methods};

/// The largest number of header lines that are tried. A head with more goes to the machine.
pub(super) const MAX_FIELDS: usize = 64;

/// The same limit for a packet of fewer bytes than [`SMALL`].
pub(super) const FEW_FIELDS: usize = 12;
const SMALL: usize = 512;

pub(super) type Few<'a> = [httparse::Header<'a>; FEW_FIELDS];
pub(super) type Many<'a> = [MaybeUninit<httparse::Header<'a>>; MAX_FIELDS];

/// What the machine would know at the end of a complete head.
pub(super) struct Found<'a> {
    pub len: usize,
    pub method: Method,
    pub target: &'a [u8],
    pub version: (u8, u8),
    pub fields: &'a [httparse::Header<'a>],
    pub flags: u16,
    pub length: u64,
}

/// Tries `rest`, which begins with the first byte of a message.
// It is inlined, because otherwise passing the result on the stack costs half as much as the checks.
#[inline(always)]
pub(super) fn parse<'a>(
    rest: &'a [u8],
    config: &Config,
    few: &'a mut Few<'a>,
    many: &'a mut Many<'a>,
) -> Option<Found<'a>> {
    let line = RequestLine::of(rest)?;
    let (len, fields) = field_lines(rest, &line, few, many)?;
    let head = rest.get(..len)?;
    // The size limit counts less than the whole head. Near the limit the machine counts.
    if len as u64 > config.max_header_size || !count_allowed(fields.len(), config) {
        return None;
    }
    let semantics = semantics(head, fields, config)?;
    if !head.ends_with(b"\r\n\r\n") {
        return None;
    }
    Some(Found {
        len,
        method: line.method,
        target: line.target,
        version: (1, line.minor),
        fields,
        flags: semantics.flags,
        length: semantics.length,
    })
}

/// The lines after the request line, and the length of the whole head.
#[inline(always)]
fn field_lines<'a>(
    rest: &'a [u8],
    line: &RequestLine<'_>,
    few: &'a mut Few<'a>,
    many: &'a mut Many<'a>,
) -> Option<(usize, &'a [httparse::Header<'a>])> {
    if rest.len() < SMALL {
        // httparse does not read the request line again, which would be a third of its work for such a head.
        let lines = rest.get(line.len..)?;
        match httparse::parse_headers(lines, few) {
            Ok(httparse::Status::Complete((len, fields))) => Some((line.len + len, fields)),
            _ => None,
        }
    } else {
        // This way httparse takes slots that are not initialised. To initialise so many would cost more than the
        // request line.
        let mut request = httparse::Request::new(&mut []);
        match request.parse_with_uninit_headers(rest, many) {
            Ok(httparse::Status::Complete(len)) => Some((len, &*request.headers)),
            _ => None,
        }
    }
}

/// What the lines mean. None if httparse and llhttp may differ about one of them.
#[inline(always)]
fn semantics(head: &[u8], fields: &[httparse::Header<'_>], config: &Config) -> Option<Semantics> {
    let mut semantics = Semantics::default();
    for (i, field) in fields.iter().enumerate() {
        // httparse also accepts a line before this one that ends with LF alone.
        let name_at = offset(head, field.name.as_bytes());
        if head.get(name_at.wrapping_sub(2)) != Some(&b'\r') {
            return None;
        }
        if matches!(field.name.len(), 7 | 10 | 14 | 16 | 17) {
            // The raw value has the blanks at its end.
            let raw = if field.value.is_empty() {
                &[]
            } else {
                let next = match fields.get(i + 1) {
                    Some(next) => offset(head, next.name.as_bytes()),
                    None => head.len() - 2,
                };
                head.get(offset(head, field.value)..next.checked_sub(2)?)?
            };
            semantics = semantics.and(field.name.as_bytes(), raw, config)?;
        }
    }
    Some(semantics)
}

/// A request line that both accept and read in the same way.
struct RequestLine<'a> {
    len: usize,
    method: Method,
    target: &'a [u8],
    minor: u8,
}

impl<'a> RequestLine<'a> {
    #[inline(always)]
    fn of(rest: &'a [u8]) -> Option<RequestLine<'a>> {
        let (method, target_at) = match rest.first_chunk()? {
            b"GET " => (Method::GET, 4),
            _ => other_method(rest)?,
        };
        let after_method = rest.get(target_at..)?;
        let (target, after_target) = after_method.split_at_checked(visible_run(after_method))?;
        // llhttp accepts any of these bytes in a target that begins like this.
        if !matches!(target.first(), Some(b'/' | b'*')) {
            return None;
        }
        let version = after_target.first_chunk()?;
        let minor = match version {
            b" HTTP/1.1\r\n" => 1,
            b" HTTP/1.0\r\n" => 0,
            _ => return None,
        };
        Some(RequestLine {
            len: target_at + target.len() + version.len(),
            method,
            target,
            minor,
        })
    }
}

/// The method, and where the target begins.
fn other_method(rest: &[u8]) -> Option<(Method, usize)> {
    // No method name is longer.
    let len = rest.iter().take(16).position(|&byte| byte == b' ')?;
    let method = methods::find(rest.get(..len)?)?;
    let here = methods::of_http(method) && !matches!(method, Method::CONNECT | Method::PRI);
    here.then_some((method, len + 1))
}

fn count_allowed(count: usize, config: &Config) -> bool {
    if config.max_header_pairs <= 0 {
        return true;
    }
    match config.profile.header_count {
        HeaderCount::Refuse => count as u64 * 2 <= config.max_header_pairs as u64,
        HeaderCount::DropGroups | HeaderCount::Truncate => count <= FLUSH_GROUP,
    }
}

/// What the fields mean so far whose values the grammar reads.
#[derive(Clone, Copy, Default)]
struct Semantics {
    flags: u16,
    length: u64,
}

impl Semantics {
    /// Adds a line that may be such a field. None if the machine has to read the head.
    #[inline(always)]
    fn and(self, name: &[u8], raw: &[u8], config: &Config) -> Option<Semantics> {
        let framed = self.flags & (flag::CONTENT_LENGTH | flag::TRANSFER_ENCODING) != 0;
        match name.len() {
            10 if eq_lower(name, b"connection") => self.and_connection(raw, config),
            16 if eq_lower(name, b"proxy-connection") => self.and_connection(raw, config),
            // The machine reads heads with repeated or mixed framing.
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
    fn and_connection(self, raw: &[u8], config: &Config) -> Option<Semantics> {
        if eq_lower(raw, b"keep-alive") {
            return self.and_flags(flag::KEEP_ALIVE);
        }
        self.and_flags(connection(raw, config)?)
    }

    #[inline(always)]
    fn and_flags(self, flags: u16) -> Option<Semantics> {
        Some(Semantics {
            flags: self.flags | flags,
            ..self
        })
    }
}

/// Reads plain digits that certainly fit into the number.
fn content_length(raw: &[u8]) -> Option<u64> {
    if !(1..=19).contains(&raw.len()) || !raw.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let digits = raw.iter().map(|byte| u64::from(byte - b'0'));
    Some(digits.fold(0, |length, digit| length * 10 + digit))
}

/// The flags of a list of connection options.
fn connection(raw: &[u8], config: &Config) -> Option<u16> {
    // Versions of llhttp differ about HT after a word.
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

/// The offset at which `part` begins in `whole`. `part` must be a slice of `whole`.
#[inline(always)]
fn offset(whole: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize).wrapping_sub(whole.as_ptr() as usize)
}
