//! Finds the hint for a refusal, by the first bytes of the message and the state of the parser.

use super::hints::Hint;
use crate::http1::{
    Code, Limit, METHODS, Message, Moment, Opening, ParseError, Part, Phase, Reason, Scene,
    invariant,
};

/// How many of the first bytes of a message are looked at.
const OPENING: usize = 64;

/// How many bytes of a line are looked at.
const LINE: usize = 256;

/// A longer body is not looked at.
const BODY: usize = 4096;

/// The hint for a refused packet.
pub fn classify(error: &ParseError, moment: &Moment<'_>) -> Option<Hint> {
    use Reason as R;
    match error.code {
        Code::HeaderOverflow | Code::ChunkExtensionsOverflow => {
            return Some(limit(moment.scene()));
        }
        Code::ClosedConnection => return Some(Hint::DataAfterClose),
        Code::PausedH2Upgrade => return Some(Hint::Http2Preface),
        Code::InvalidEofState => return fin(moment.scene().phase),
        _ => {}
    }
    if let R::InvalidMethod | R::SpaceAfterMethod = error.reason {
        // These are the most frequent floods.
        return opening(&moment.opening());
    }
    let scene = moment.scene();
    match error.reason {
        R::InvalidMethod | R::SpaceAfterMethod => None,
        R::H2Preface => Some(Hint::Http2Preface),
        R::UrlStart | R::UrlSchema | R::UrlServer | R::UrlDoubleAt => target(scene),
        R::UrlPath | R::UrlQuery | R::UrlFragment | R::UrlCharacters => target(scene),
        R::Protocol => protocol(scene),
        R::HttpMethod | R::RtspMethod | R::IceMethod => Some(Hint::RtspMethod),
        R::MajorVersion | R::VersionDot | R::MinorVersion | R::Version => {
            Some(Hint::UnsupportedVersion)
        }
        R::CrlfAfterVersion => Some(match byte(scene) {
            _ if error.code == Code::Strict => Hint::BareCr,
            Some(b'\n') => Hint::BareLf,
            Some(b' ' | b'\t') => Hint::SpaceAfterVersion,
            _ => Hint::UnsupportedVersion,
        }),
        R::SpaceAfterStartLine => Some(Hint::SpaceBeforeField),
        R::HeaderToken | R::HeaderFieldChar => Some(name(scene)),
        R::HeaderValueChar => Some(value(scene)),
        R::WhitespaceAfterValue => Some(Hint::ObsFold),
        R::CrAfterValue | R::CrAfterChunkSize | R::CrAfterChunkData => Some(Hint::BareLf),
        R::CrAfterChunkExtensionName | R::CrAfterChunkExtensionValue => Some(Hint::BareLf),
        R::UrlCrlf | R::LfAfterCr | R::LfAfterHeaders | R::LfAfterValue => Some(Hint::BareCr),
        R::LfAfterChunkSize => Some(Hint::BareCr),
        R::EmptyContentLength => Some(Hint::LengthEmpty),
        R::ContentLengthCharacter => Some(match byte(scene) {
            Some(b',') => Hint::LengthList,
            Some(b'-' | b'+') => Hint::LengthSigned,
            _ => Hint::LengthNotNumber,
        }),
        R::ContentLengthOverflow => Some(Hint::LengthTooLarge),
        R::DuplicateContentLength => Some(Hint::SeveralLengths),
        R::ContentLengthWithTransferEncoding | R::TransferEncodingWithContentLength => {
            Some(Hint::LengthAndEncoding)
        }
        R::TransferEncodingValue => Some(Hint::ChunkedNotLast),
        R::EmptyTransferEncoding => Some(Hint::EncodingEmpty),
        R::RequestTransferEncoding => Some(Hint::EncodingUnknown),
        R::ChunkSizeCharacter => Some(chunk_size(scene)),
        R::ChunkSizeOverflow => Some(Hint::ChunkSizeTooLarge),
        R::LfAfterChunkData => Some(Hint::ChunkTooLong),
        R::ChunkExtensions | R::ChunkExtensionName | R::ChunkExtensionValue => {
            Some(Hint::ChunkExtension)
        }
        R::ChunkExtensionQuotedValue | R::ChunkExtensionQuotedPair => Some(Hint::ChunkExtension),
        R::ChunkExtensionAfterQuote => Some(Hint::ChunkExtension),
        R::H2Pause | R::DataAfterClose | R::EofState => None,
        R::HeaderOverflow | R::ChunkExtensionsOverflow => None,
    }
}

/// The hint for FIN in this phase.
pub fn fin(phase: Phase) -> Option<Hint> {
    match phase {
        Phase::StartLine | Phase::Head => Some(Hint::FinInHead),
        Phase::Body | Phase::Chunk | Phase::Trailers => Some(Hint::FinInBody),
        Phase::Silent | Phase::Between => None,
    }
}

/// The hint for a message that takes too long.
pub fn timeout(phase: Phase) -> Option<Hint> {
    match phase {
        Phase::Silent | Phase::Between => Some(Hint::SilentTimeout),
        Phase::StartLine | Phase::Head => Some(Hint::HeadTimeout),
        Phase::Body | Phase::Chunk | Phase::Trailers => Some(Hint::BodyTimeout),
    }
}

/// The hint for a reset.
pub fn reset(phase: Phase) -> Option<Hint> {
    match phase {
        Phase::Silent => Some(Hint::ResetSilent),
        Phase::Between => Some(Hint::ResetIdle),
        Phase::StartLine | Phase::Head => Some(Hint::ResetInHead),
        Phase::Body | Phase::Chunk | Phase::Trailers => Some(Hint::ResetInBody),
    }
}

/// The byte at which the parser stopped.
fn byte(scene: &Scene<'_>) -> Option<u8> {
    scene.packet.get(scene.at).copied()
}

/// The packet from where the parser stopped.
fn rest<'a>(scene: &Scene<'a>) -> &'a [u8] {
    invariant!(
        scene.packet.get(scene.at..),
        "a parser stops within its packet"
    )
}

/// The line from where the parser stopped, or the beginning of a long one.
fn rest_of_line<'a>(scene: &Scene<'a>) -> &'a [u8] {
    line(rest(scene))
}

fn line(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.get(..LINE).unwrap_or(bytes);
    let end = bytes.iter().position(|&byte| byte == b'\n');
    bytes.get(..end.unwrap_or(bytes.len())).unwrap_or(bytes)
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    let Some(&first) = word.first() else {
        return true;
    };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|&byte| byte == first) {
        let (_, from_here) = rest.split_at(at);
        if from_here.starts_with(word) {
            return true;
        }
        rest = from_here.split_first().map_or(&[], |(_, after)| after);
    }
    false
}

fn is_method(word: &[u8]) -> bool {
    METHODS.iter().any(|name| name.as_bytes() == word)
}

fn is_method_in_any_case(word: &[u8]) -> bool {
    let Some(&first) = word.first() else {
        return false;
    };
    METHODS.iter().any(|name| {
        let name = name.as_bytes();
        name.len() == word.len()
            && name.first() == Some(&first.to_ascii_uppercase())
            && name.eq_ignore_ascii_case(word)
    })
}

// ---- The first bytes ------------------------------------------------------------------------------

/// The offset at which the message begins in the packet, if it begins there.
pub fn begin(scene: &Scene<'_>) -> Option<usize> {
    let at = scene.begun_at.checked_sub(scene.consumed)?;
    usize::try_from(at).ok()
}

/// The hint for the beginning of a message whose method is not complete.
fn opening(opening: &Opening<'_>) -> Option<Hint> {
    let mut buffer = [0; OPENING];
    let bytes = match opening.begin {
        Some(at) => invariant!(opening.packet.get(at..), "a message begins in its packet"),
        None => {
            // The earlier bytes are a part of a method name.
            let pieces = opening.earlier.iter().chain(opening.packet);
            let mut used = 0;
            for (slot, byte) in buffer.iter_mut().zip(pieces) {
                *slot = *byte;
                used += 1;
            }
            invariant!(buffer.get(..used), "only slots that exist are used")
        }
    };
    let is_text = bytes
        .first()
        .is_some_and(|&byte| byte == 0xef || byte.is_ascii_graphic());
    if let Some(hint) = is_text.then(|| request_line(bytes)).flatten() {
        return Some(hint);
    }
    match opening.previous {
        Some(previous) => leftover(opening, previous),
        None => protocol_of(bytes),
    }
}

/// The hint for a request line with a wrong method.
fn request_line(bytes: &[u8]) -> Option<Hint> {
    if bytes.starts_with(b"HTTP/1.") || bytes.starts_with(b"HTTP/2 ") {
        return Some(Hint::HttpResponse);
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Some(Hint::Utf8Bom);
    }
    let line = line(bytes);
    let word_end = line.iter().position(|&byte| byte == b' ')?;
    let word = line.get(..word_end)?;
    let is_request = contains(line, b" HTTP/");
    if is_request && matches!(word.first(), Some(b'/')) || word.starts_with(b"http://") {
        return Some(Hint::NoMethod);
    }
    let letters = (1..=24).contains(&word.len())
        && word
            .iter()
            .all(|byte| byte.is_ascii_alphabetic() || b"-_".contains(byte));
    if !letters {
        return None;
    }
    let has_small = word.iter().any(u8::is_ascii_lowercase);
    let known = is_method_in_any_case(word);
    if has_small && known {
        return Some(Hint::LowercaseMethod);
    }
    (is_request && !known).then_some(Hint::UnknownMethod)
}

/// The hint for the rest of a body that belongs to the message before.
fn leftover(opening: &Opening<'_>, previous: Message) -> Option<Hint> {
    if previous.transfer_encoding {
        return Some(Hint::AfterChunks);
    }
    let Some(length) = previous.content_length.filter(|&length| length > 0) else {
        return Some(Hint::BodyWithoutLength);
    };
    // The body, if it came in this packet.
    let body = opening.begin.zip(usize::try_from(length).ok());
    let body = body.filter(|(_, length)| *length <= BODY);
    let Some((at, length)) = body else {
        return Some(Hint::BeyondLength);
    };
    let from = at.checked_sub(length);
    let Some(body) = from.and_then(|from| opening.packet.get(from..at)) else {
        return Some(Hint::BeyondLength);
    };
    if contains(body, b" HTTP/1.") {
        return Some(Hint::RequestInBody);
    }
    let more = opening.packet.get(at..).unwrap_or(&[]);
    let continues = |byte: &&u8| **byte & 0xc0 == 0x80;
    if more.len() <= BODY && body.iter().chain(more).filter(continues).count() == more.len() {
        return Some(Hint::LengthInCharacters);
    }
    Some(Hint::BeyondLength)
}

/// The protocol that begins with these bytes.
fn protocol_of(bytes: &[u8]) -> Option<Hint> {
    let known = text_protocol(bytes);
    if known.is_some() {
        return known;
    }
    let odd = |byte: &u8| *byte >= 0x7f || *byte < 0x20 && !b"\t\r\n\x1b".contains(byte);
    let is_binary = bytes.get(..16).unwrap_or(bytes).iter().any(odd);
    if is_binary && let Some(hint) = binary_protocol(bytes) {
        return Some(hint);
    }
    if contains(line(bytes), b" sip:") {
        return Some(Hint::Sip);
    }
    is_binary.then_some(Hint::UnknownBinary)
}

/// The protocol that begins with these words.
fn text_protocol(bytes: &[u8]) -> Option<Hint> {
    let text = |word: &[u8]| {
        bytes
            .get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    match bytes.first()? {
        b'P' if bytes.starts_with(b"PROXY ") => Some(Hint::ProxyV1),
        b'P' | b'p' if text(b"PING\r\n") => Some(Hint::Redis),
        b'I' | b'i' if text(b"INFO\r\n") => Some(Hint::Redis),
        b'*' if bytes.get(1).is_some_and(u8::is_ascii_digit) && contains(bytes, b"\r\n$") => {
            Some(Hint::Redis)
        }
        b'S' if bytes.starts_with(b"SSH-") => Some(Hint::Ssh),
        b'J' if bytes.starts_with(b"JRMI") => Some(Hint::JavaRmi),
        b'E' | b'e' if text(b"EHLO ") => Some(Hint::Smtp),
        b'H' | b'h' if text(b"HELO ") => Some(Hint::Smtp),
        b'M' | b'm' if text(b"MAIL FROM:") => Some(Hint::Smtp),
        b'U' if bytes.starts_with(b"USER ") => Some(Hint::Ftp),
        _ => None,
    }
}

/// The protocol that has these numbers at fixed offsets.
fn binary_protocol(bytes: &[u8]) -> Option<Hint> {
    let at = |i: usize| bytes.get(i).copied();
    let long = |from: usize| {
        let four = bytes.get(from..)?.first_chunk::<4>()?;
        Some(u32::from_be_bytes(*four))
    };
    if bytes.starts_with(b"\x16\x03") && at(5).is_none_or(|kind| kind == 1) {
        return Some(Hint::TlsHello);
    }
    if bytes.starts_with(b"\0\r\nQUIT\n") {
        return Some(Hint::ProxyV2);
    }
    if matches!(long(4), Some(0x04d2_162f | 0x04d2_1630 | 0x0003_0000)) && at(0) == Some(0) {
        return Some(Hint::Postgres);
    }
    if at(0) == Some(0) && matches!(bytes.get(4..8), Some(b"\xffSMB" | b"\xfeSMB")) {
        return Some(Hint::Smb);
    }
    if at(0) == Some(0x10) && bytes.get(2..9).is_some_and(|b| contains(b, b"MQ")) {
        return Some(Hint::Mqtt);
    }
    if bytes.starts_with(b"\x03\0") && at(5) == Some(0xe0) {
        return Some(Hint::Rdp);
    }
    if at(0) == Some(5) && at(1).is_some_and(|n| n > 0 && usize::from(n) + 2 == bytes.len()) {
        return Some(Hint::Socks5);
    }
    if at(0) == Some(4) && matches!(at(1), Some(1 | 2)) && bytes.len() >= 9 {
        return Some(Hint::Socks4);
    }
    if matches!(
        bytes.get(12..16),
        Some(b"\xdd\x07\0\0" | b"\xd4\x07\0\0" | b"\xdc\x07\0\0")
    ) {
        return Some(Hint::Mongodb);
    }
    if at(0) == Some(0x30) && bytes.get(2..4) == Some(&[2, 1]) && at(5) == Some(0x60) {
        return Some(Hint::Ldap);
    }
    if at(0) == Some(0xff) && matches!(at(1), Some(0xfb..=0xfe)) {
        return Some(if at(1) == Some(0xfe) && at(3) == Some(0) {
            Hint::Utf16
        } else {
            Hint::Telnet
        });
    }
    if bytes.starts_with(b"\xfe\xff") || at(1) == Some(0) && at(3) == Some(0) && at(0) > Some(0x20)
    {
        return Some(Hint::Utf16);
    }
    if bytes.starts_with(b"\x12\x34\0") {
        return Some(Hint::Ajp);
    }
    let size = bytes.first_chunk::<2>().map(|two| u16::from_be_bytes(*two));
    if size.is_some_and(|size| usize::from(size) + 2 == bytes.len() && size > 12)
        && bytes.get(6..8) == Some(&[0, 1])
        && at(4).is_some_and(|flags| flags & 0xf8 == 0)
    {
        return Some(Hint::Dns);
    }
    None
}

// ---- The request line -------------------------------------------------------------------------------

fn target(scene: &Scene<'_>) -> Option<Hint> {
    let [earlier, here] = scene.target;
    let mut start = earlier.iter().chain(here).copied();
    let first = start.next();
    let mut word = [0; 16];
    let mut length = 0;
    for (slot, byte) in word.iter_mut().zip(earlier.iter().chain(here)) {
        *slot = *byte;
        length += 1;
    }
    let word = invariant!(word.get(..length), "only slots that exist are used");
    let byte = byte(scene)?;
    if is_method(word) && byte == b' ' {
        return Some(Hint::RequestLineTwice);
    }
    if word.starts_with(b"sip:") {
        return Some(Hint::Sip);
    }
    if byte >= 0x80 {
        return Some(Hint::UnencodedTarget);
    }
    if byte < 0x20 && byte != b'\r' && byte != b'\n' || byte == 0x7f {
        return Some(Hint::ControlInTarget);
    }
    match first {
        Some(b'/' | b'*') => None,
        _ if contains(word, b"://") => None,
        _ => Some(Hint::TargetWithoutSlash),
    }
}

/// The hint for a target that something else than HTTP follows.
fn protocol(scene: &Scene<'_>) -> Option<Hint> {
    let rest = rest_of_line(scene);
    if contains(rest, b" HTTP/1.") {
        return Some(Hint::UnencodedSpace);
    }
    let lower = rest.get(..5).is_some_and(|word| word == b"http/");
    lower.then_some(Hint::LowercaseProtocol)
}

// ---- Fields -------------------------------------------------------------------------------------------

fn name(scene: &Scene<'_>) -> Hint {
    match byte(scene) {
        Some(b' ' | b'\t') => {
            let line = rest_of_line(scene);
            let mut after = line.iter().skip_while(|byte| b" \t".contains(byte));
            if after.next() == Some(&b':') {
                return Hint::SpaceBeforeColon;
            }
            if contains(line, b" HTTP/") && is_method(whole_name(scene)) {
                return Hint::RequestLineTwice;
            }
            let is_whole = line.len() < LINE && line.len() < rest(scene).len();
            if is_whole && !line.contains(&b':') {
                return Hint::NoColon;
            }
            Hint::SpaceInName
        }
        Some(b'\n') if scene.index == 0 => Hint::BareLf,
        Some(b'\r' | b'\n') => Hint::NoColon,
        Some(b':') => Hint::EmptyName,
        Some(0x80..) => Hint::NonAsciiInName,
        Some(0..0x20 | 0x7f) => Hint::ControlInName,
        _ => Hint::SeparatorInName,
    }
}

/// The name in progress, if it came in one piece.
fn whole_name<'a>(scene: &Scene<'a>) -> &'a [u8] {
    match scene.field {
        Some([name, []] | [[], name]) => name,
        _ => &[],
    }
}

fn value(scene: &Scene<'_>) -> Hint {
    match byte(scene) {
        Some(b'\n') => Hint::BareLf,
        Some(b' ' | b'\t') => Hint::ObsFold,
        _ => Hint::ControlInValue,
    }
}

fn limit(scene: &Scene<'_>) -> Hint {
    match scene.limit {
        Some(Limit::ChunkExtensions { .. }) => Hint::ChunkExtensionsTooLarge,
        Some(Limit::HeaderCount { .. }) => Hint::TooManyFields,
        Some(Limit::HeaderSize { .. }) if scene.part == Part::Target => Hint::TargetTooLarge,
        Some(Limit::HeaderSize { value, .. }) => {
            let lines = scene.fields.iter();
            let largest = lines.map(|(name, value)| name.len() + value.len()).max();
            let target = scene.target.iter().map(|piece| piece.len()).sum::<usize>();
            let open = scene.index.max(largest.unwrap_or(0)) as u64;
            if target as u64 > value / 2 {
                Hint::TargetTooLarge
            } else if open > value / 2 {
                Hint::FieldTooLarge
            } else {
                Hint::FieldsTooLarge
            }
        }
        None => Hint::FieldsTooLarge,
    }
}

// ---- Chunks -------------------------------------------------------------------------------------------

fn chunk_size(scene: &Scene<'_>) -> Hint {
    let before = scene.at.checked_sub(1).and_then(|at| scene.packet.get(at));
    match byte(scene) {
        Some(b'x' | b'X') if matches!(before, None | Some(b'0')) => Hint::ChunkSizePrefix,
        Some(b' ' | b'\t') if before.is_none_or(u8::is_ascii_hexdigit) => Hint::ChunkSizeSpace,
        _ => Hint::ChunkSizeNotHex,
    }
}
