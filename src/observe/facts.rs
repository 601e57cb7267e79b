//! What is kept of one refusal: numbers and short texts of fixed size. They are taken while the parser still knows
//! them.

use super::classify;
use super::hints::Hint;
use super::secrets::{self, Secrets};
use super::text::Text;
use crate::http1::{Limit, Message, Method, ParseError, Part, Phase, Reason, Scene};

/// The largest number of bytes of a packet that are kept.
pub const EXCERPT: usize = 256;

/// How many bytes of a body, or of what may be a body, are shown.
const OF_BODY: usize = 16;

/// How many lines of a head are searched for Host.
const LINES: usize = 64;

/// Where the error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The offset of the refused byte in its packet.
    pub packet: u32,
    /// Its offset in the message.
    pub message: u64,
    /// Its offset in the connection.
    pub connection: u64,
    /// The byte. None for a limit, which many bytes reach together.
    pub byte: Option<u8>,
}

/// A piece of the packet around the error.
#[derive(Clone, Copy, Debug)]
pub struct Excerpt {
    /// The bytes.
    pub bytes: Text<EXCERPT>,
    /// Its offset in the packet.
    pub from: u32,
    /// Whether the packet has more bytes.
    pub clipped: bool,
    /// How many of the bytes are hidden.
    pub redacted: u16,
}

/// What the parser knew about a refusal.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// What the parser was in the middle of.
    pub phase: Phase,
    /// The part of the message.
    pub part: Part,
    /// How many bytes of the part come before the error.
    pub index: u32,
    /// Where the error is. None between two packets.
    pub at: Option<Position>,
    /// The name of the field line that has the error.
    pub field: Option<Text<48>>,
    /// The limit that was exceeded.
    pub limit: Option<Limit>,
    /// If the size of the head was the limit: its largest parts, with the bytes that count.
    pub largest: [(Text<32>, u32); 3],
    /// The method, if it was complete.
    pub method: Option<Method>,
    /// The request target, as far as it was read.
    pub target: Text<96>,
    /// The value of Host.
    pub host: Text<48>,
    /// How many field lines were read.
    pub fields: u32,
    /// The value of Content-Length.
    pub content_length: Option<u64>,
    /// Transfer-Encoding ends with `chunked`.
    pub chunked: bool,
    /// How many bytes of the body are known to have come.
    pub body_received: u64,
    /// How many bytes of the body or chunk are missing.
    pub left: u64,
    /// The message before on the connection.
    pub previous: Option<Message>,
    /// How many heads of the connection were complete.
    pub requests: u32,
    /// How many bytes were read from the connection, with this packet.
    pub bytes_read: u64,
    /// Details of the hint, such as a server name or the address of a client.
    pub detail: Text<48>,
    /// The bytes around the position.
    pub excerpt: Option<Excerpt>,
}

impl Default for Facts {
    fn default() -> Facts {
        Facts {
            phase: Phase::Silent,
            part: Part::Message,
            index: 0,
            at: None,
            field: None,
            limit: None,
            largest: [(Text::EMPTY, 0); 3],
            method: None,
            target: Text::EMPTY,
            host: Text::EMPTY,
            fields: 0,
            content_length: None,
            chunked: false,
            body_received: 0,
            left: 0,
            previous: None,
            requests: 0,
            bytes_read: 0,
            detail: Text::EMPTY,
            excerpt: None,
        }
    }
}

impl Facts {
    /// Takes the facts of a packet that is refused. They are written in place, because they are large.
    pub fn take_error(
        &mut self,
        error: &ParseError,
        hint: Option<Hint>,
        scene: &Scene<'_>,
        secrets: &Secrets,
        size: usize,
    ) {
        let at = spot(error, scene);
        let offset = scene.consumed + at as u64;
        let limit = scene.limit.is_some();
        self.take_scene(scene, secrets);
        self.at = Some(Position {
            packet: at as u32,
            message: offset.saturating_sub(scene.begun_at),
            connection: offset,
            byte: scene.packet.get(at).copied().filter(|_| !limit),
        });
        let excerpt = self.excerpt.get_or_insert(Excerpt {
            bytes: Text::EMPTY,
            from: 0,
            clipped: false,
            redacted: 0,
        });
        if !take_excerpt(excerpt, scene, at, secrets, size.min(EXCERPT)) {
            self.excerpt = None;
        }
        if matches!(scene.limit, Some(Limit::HeaderSize { .. })) {
            self.largest = largest(scene);
        }
        if let Some(hint) = hint {
            super::detail::of(hint, scene, &mut self.detail);
        }
    }

    /// Takes the facts of FIN, a timeout or an error of the socket, which come between two packets.
    pub fn take_end(&mut self, scene: &Scene<'_>, secrets: &Secrets) {
        self.take_scene(scene, secrets);
        self.at = None;
        self.excerpt = None;
    }

    /// Takes everything except the position and the excerpt.
    fn take_scene(&mut self, scene: &Scene<'_>, secrets: &Secrets) {
        let [earlier, here] = scene.target;
        self.target.set(&[earlier, here]);
        secrets.hide_target(&[], self.target.bytes_mut());
        let mut lines = scene.fields.iter().take(LINES);
        let host = lines.find(|(name, _)| name.len() == 4 && name.eq_ignore_ascii_case(b"host"));
        let length = scene.message.and_then(|message| message.content_length);
        self.phase = scene.phase;
        self.part = scene.part;
        self.index = scene.index as u32;
        match scene.field {
            Some(pieces) => self.field.get_or_insert(Text::EMPTY).set(&pieces),
            None => self.field = None,
        }
        self.limit = scene.limit;
        for (name, bytes) in &mut self.largest {
            name.set(&[]);
            *bytes = 0;
        }
        self.method = scene.method.or(scene.message.map(|message| message.method));
        self.host.set(host.map(|(_, value)| value).as_slice());
        self.fields = scene.fields.len() as u32;
        self.content_length = length;
        self.chunked = scene
            .message
            .is_some_and(|message| message.transfer_encoding);
        self.body_received = match scene.phase {
            Phase::Body => length.map_or(0, |length| length.saturating_sub(scene.left)),
            _ => 0,
        };
        self.left = scene.left;
        self.previous = scene.previous;
        self.requests = scene.heads;
        self.bytes_read = scene.consumed + scene.packet.len() as u64;
        self.detail.set(&[]);
    }
}

/// The offset of the refused byte. For some reasons the parser has taken that byte before it refuses it.
fn spot(error: &ParseError, scene: &Scene<'_>) -> usize {
    use Reason as R;
    let taken = matches!(
        error.reason,
        R::HttpMethod
            | R::RtspMethod
            | R::IceMethod
            | R::Version
            | R::H2Pause
            | R::DataAfterClose
            | R::ContentLengthOverflow
            | R::ContentLengthWithTransferEncoding
            | R::TransferEncodingWithContentLength
            | R::ChunkSizeOverflow
            | R::CrAfterChunkSize
            | R::CrAfterChunkData
    );
    scene.at.saturating_sub(usize::from(taken))
}

/// Takes the bytes around the error, from the refused message only, and few bytes of a body. Returns false if there is
/// nothing to take.
fn take_excerpt(
    excerpt: &mut Excerpt,
    scene: &Scene<'_>,
    at: usize,
    secrets: &Secrets,
    size: usize,
) -> bool {
    let begin = classify::begin(scene);
    let (from, to) = match scene.phase {
        Phase::Body | Phase::Chunk => (at.saturating_sub(OF_BODY / 2), at + OF_BODY / 2),
        Phase::Between => (at, at + OF_BODY),
        Phase::StartLine if scene.previous.is_some() && scene.part == Part::Method => {
            let from = begin.unwrap_or(0);
            (from, from + OF_BODY)
        }
        _ => {
            let lines_at = scene.lines_at.saturating_sub(scene.consumed) as usize;
            let from = at.saturating_sub(size / 2).max(lines_at.min(at));
            (from, from + size)
        }
    };
    let to = to.min(scene.packet.len()).min(from + size);
    let piece = scene.packet.get(from..to).unwrap_or(&[]);
    excerpt.bytes.set(&[piece]);
    let redacted = secrets::copy(scene, secrets, from, to, excerpt.bytes.bytes_mut());
    excerpt.from = from as u32;
    excerpt.clipped = from > 0 || to < scene.packet.len();
    excerpt.redacted = redacted as u16;
    size > 0 && !scene.packet.is_empty()
}

/// The three largest parts of a head.
fn largest(scene: &Scene<'_>) -> [(Text<32>, u32); 3] {
    let mut best: [(&[u8], usize); 3] = [(&[], 0); 3];
    let mut offer = |name, bytes| {
        let mut new = (name, bytes);
        for slot in &mut best {
            if new.1 > slot.1 {
                std::mem::swap(slot, &mut new);
            }
        }
    };
    let target = scene.target.iter().map(|piece| piece.len()).sum();
    offer(b"request target", target);
    let count = scene.fields.len();
    for (i, (name, value)) in scene.fields.iter().enumerate() {
        let open = i + 1 == count && scene.part == Part::FieldValue;
        let value = if open { scene.index } else { value.len() };
        offer(name, name.len() + value);
    }
    best.map(|(name, bytes)| (Text::of(&[name]), bytes as u32))
}

#[cfg(test)]
#[allow(missing_docs, reason = "for the crate's own tests")]
pub mod tests {
    use super::*;
    use crate::http1::{Config, Lenient, Parser, Profile};

    pub fn parser() -> Parser {
        Parser::new(Config {
            profile: Profile::for_host("9.4.3", 24),
            lenient: Lenient::NONE,
            max_header_size: 16384,
            max_header_pairs: 2000,
            fast_path: true,
        })
    }

    /// Of a connection on which nothing happened.
    pub fn nothing() -> Facts {
        let mut facts = Facts::default();
        facts.take_end(&parser().scene(), &Secrets::default());
        facts
    }
}
