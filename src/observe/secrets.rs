//! Hides secrets in excerpts: the values of some fields, wherever a packet begins or ends.

use crate::http1::{Carried, Part, Phase, Scene, invariant};

/// Fields whose values are never shown.
const ALWAYS: [&str; 5] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "x-api-key",
];

/// The character that replaces each hidden byte.
const HIDDEN: u8 = b'*';

/// How far before an excerpt the beginning of its first line is searched.
const LOOK_BACK: usize = 256;

/// Which values are hidden.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// The names of more fields that are hidden, in lower case.
    names: Vec<Box<[u8]>>,
    /// Whether values in the query of a target are hidden.
    query: bool,
}

impl Secrets {
    /// Takes the names of more fields whose values are hidden, in any case, and whether values in queries are hidden.
    pub fn new<'a>(names: impl Iterator<Item = &'a str>, query: bool) -> Secrets {
        let lower = |name: &str| name.to_ascii_lowercase().into_bytes().into_boxed_slice();
        Secrets {
            names: names.map(lower).collect(),
            query,
        }
    }

    /// Whether the value of the field with this name is hidden.
    pub fn hides(&self, name: &[u8]) -> bool {
        let name = name.trim_ascii();
        ALWAYS
            .iter()
            .any(|always| always.as_bytes().eq_ignore_ascii_case(name))
            || self
                .names
                .iter()
                .any(|other| other.eq_ignore_ascii_case(name))
    }

    /// Hides secrets in a target: credentials before `@` and, if asked for, the values in its query. `began` is the
    /// part of the target before these bytes.
    pub fn hide_target(&self, began: &[u8], bytes: &mut [u8]) -> usize {
        let authority = |bytes: &[u8]| bytes.first().is_some_and(|byte| !b"/*?".contains(byte));
        let has_authority = if began.is_empty() {
            authority(bytes)
        } else {
            authority(began)
        };
        let mut hidden = 0;
        let in_query = began.contains(&b'?');
        if has_authority && !in_query {
            let path = began.iter().filter(|&&byte| byte == b'/').count() > 2;
            let slashes = began.iter().filter(|&&byte| byte == b'/').count();
            let end = host_end(bytes, 3usize.saturating_sub(slashes));
            let host = bytes.get_mut(..end).unwrap_or(&mut []);
            let from = host
                .windows(2)
                .position(|pair| pair == b"//")
                .map_or(0, |at| at + 2);
            if !path && let Some(at) = host.iter().rposition(|&byte| byte == b'@') {
                hidden += hide(host.get_mut(from..at).unwrap_or(&mut []));
            }
        }
        if !self.query {
            return hidden;
        }
        let from = if in_query {
            0
        } else {
            let mark = bytes.iter().position(|&byte| byte == b'?');
            mark.unwrap_or(bytes.len())
        };
        // A value may have begun before these bytes.
        let mut within = in_query
            && began
                .rsplit(|b| *b == b'&')
                .next()
                .is_some_and(|last| last.contains(&b'='));
        for byte in bytes.iter_mut().skip(from) {
            match *byte {
                b'&' | b'#' => within = false,
                b'=' if !within => within = true,
                _ if within => {
                    *byte = HIDDEN;
                    hidden += 1;
                }
                _ => {}
            }
        }
        hidden
    }
}

fn host_end(bytes: &[u8], slashes: usize) -> usize {
    let mut left = slashes;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'?' | b'#' => return at,
            b'/' => {
                left = left.saturating_sub(1);
                if left == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    bytes.len()
}

fn hide(bytes: &mut [u8]) -> usize {
    bytes.fill(HIDDEN);
    bytes.len()
}

/// What is hidden in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    /// The name of the field decides.
    Open,
    /// All of it is hidden.
    Secret,
    /// It is the request line, whose target may have secrets.
    Request,
}

/// Copies `scene.packet[from..to]` to `out` and hides secrets. Returns the number of hidden bytes.
///
/// Up to the error the parser has read the lines. What follows was not read, and is treated as lines, too. After an
/// error within a secret nothing is shown any more.
pub fn copy(scene: &Scene<'_>, secrets: &Secrets, from: usize, to: usize, out: &mut [u8]) -> usize {
    let Some(window) = scene.packet.get(from..to) else {
        return 0;
    };
    let Some(out) = out.get_mut(..window.len()) else {
        return 0;
    };
    out.copy_from_slice(window);
    if matches!(scene.phase, Phase::Body | Phase::Chunk) {
        return 0;
    }
    let mut veil = Veil {
        out,
        from,
        hidden: 0,
    };
    let lines_at = scene.lines_at.checked_sub(scene.consumed);
    let lines_at = lines_at.and_then(|at| usize::try_from(at).ok());
    let in_secret = field_is_secret(scene, secrets);

    // A long value may reach from before the window to the error. The parser knows its name.
    let value_at = scene.at.saturating_sub(scene.index);
    let floor = from.saturating_sub(LOOK_BACK);
    let (start, mut line) = if scene.part == Part::FieldValue && value_at <= floor {
        let line = if in_secret { Line::Secret } else { Line::Open };
        veil.stretch(floor, scene.at, in_secret);
        (scene.at, line)
    } else {
        match lines_at {
            Some(at) if at >= floor && scene.phase == Phase::Trailers => (at, Line::Open),
            Some(at) if at >= floor => (at, Line::Request),
            // The packet began within the lines.
            None if floor == 0 => (0, first_line(scene, secrets)),
            // The name is further back.
            _ if scene.phase == Phase::StartLine => (floor, Line::Request),
            _ => (floor, Line::Secret),
        }
    };
    let mut at = start;
    // If `start` cuts a value, the name of that value is not in what follows.
    let mut named = at == scene.at && at != 0 && line == Line::Open && start == scene.at;
    while at < to {
        let rest = invariant!(scene.packet.get(at..to), "a window lies in its packet");
        let end = rest
            .iter()
            .position(|&byte| byte == b'\n')
            .map_or(to, |length| at + length + 1);
        let text = invariant!(scene.packet.get(at..end), "a line lies in its packet");
        let refused_here = at <= scene.at && scene.at < end;
        match line {
            Line::Secret => veil.stretch(at, end, true),
            Line::Request => {
                veil.request_line(scene, secrets, at, end);
                // The request line may be missing.
                if let Some(colon) = text.iter().position(|&byte| byte == b':')
                    && secrets.hides(invariant!(text.get(..colon), "a colon lies in its line"))
                {
                    line = Line::Secret;
                    veil.stretch(at + colon + 1, end, true);
                }
            }
            Line::Open if named => {}
            Line::Open => {
                if let Some(colon) = text.iter().position(|&byte| byte == b':') {
                    let name = invariant!(text.get(..colon), "a colon lies in its line");
                    // A name that was refused may be the misspelled name of a secret.
                    let broken = refused_here && scene.part == Part::FieldName;
                    if secrets.hides(name) || broken {
                        line = Line::Secret;
                        veil.stretch(at + colon + 1, end, true);
                    }
                }
            }
        }
        if refused_here && in_secret {
            veil.stretch(scene.at, to, true);
            break;
        }
        // A line that begins with a blank continues the line before.
        let folded = scene
            .packet
            .get(end)
            .is_some_and(|byte| matches!(byte, b' ' | b'\t'));
        if !(folded && line == Line::Secret) {
            line = Line::Open;
        }
        named = false;
        at = end;
    }
    veil.hidden
}

/// Whether the error is in a value that is hidden.
fn field_is_secret(scene: &Scene<'_>, secrets: &Secrets) -> bool {
    if !matches!(scene.part, Part::FieldValue | Part::LineEnd) {
        return false;
    }
    match scene.field {
        Some([name, &[]]) => secrets.hides(name),
        Some([earlier, here]) => secrets.hides(&[earlier, here].concat()),
        // The name is not known, because a limit has dropped the line.
        None => matches!(scene.phase, Phase::Head | Phase::Trailers),
    }
}

/// What is hidden in the line in the middle of which the packet begins.
fn first_line(scene: &Scene<'_>, secrets: &Secrets) -> Line {
    match scene.carried {
        Carried::No | Carried::Method | Carried::Target(_) | Carried::Protocol => Line::Request,
        Carried::Lines { name: None, .. } => Line::Secret,
        Carried::Lines {
            name: Some(name),
            within,
        } => {
            let folds = scene
                .packet
                .first()
                .is_some_and(|byte| matches!(byte, b' ' | b'\t'));
            // A name that continues in this packet is not complete here, so it is compared as a beginning, too.
            if (within || folds) && (secrets.hides(name) || may_become_secret(name, secrets)) {
                Line::Secret
            } else {
                Line::Open
            }
        }
    }
}

/// Whether a name that may be cut could be that of a secret.
fn may_become_secret(name: &[u8], secrets: &Secrets) -> bool {
    let begins = |whole: &[u8]| {
        whole
            .get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    ALWAYS.iter().any(|always| begins(always.as_bytes()))
        || secrets.names.iter().any(|other| begins(other))
}

/// Hides bytes of the copy by their offsets in the packet.
struct Veil<'a> {
    out: &'a mut [u8],
    from: usize,
    hidden: usize,
}

impl Veil<'_> {
    fn range(&mut self, from: usize, to: usize) -> &mut [u8] {
        let from = from.saturating_sub(self.from).min(self.out.len());
        let to = to.saturating_sub(self.from).min(self.out.len());
        self.out.get_mut(from..to).unwrap_or(&mut [])
    }

    fn stretch(&mut self, from: usize, to: usize, secret: bool) {
        if !secret {
            return;
        }
        let mut hidden = 0;
        for byte in self.range(from, to) {
            // The ends of lines stay visible.
            if !matches!(*byte, b'\r' | b'\n' | HIDDEN) {
                *byte = HIDDEN;
                hidden += 1;
            }
        }
        self.hidden += hidden;
    }

    fn request_line(&mut self, scene: &Scene<'_>, secrets: &Secrets, at: usize, end: usize) {
        let text = invariant!(scene.packet.get(at..end), "a line lies in its packet");
        let blank = |byte: &u8| *byte == b' ';
        // The target begins behind the space that follows the method.
        let method = text.iter().position(blank).unwrap_or(text.len());
        let (skipped, began) = match scene.carried {
            _ if scene.lines_at >= scene.consumed => (method, &[][..]),
            Carried::Method => (method, &[][..]),
            Carried::Target(began) => (0, began),
            // What follows a space in a query was meant as a part of the query.
            _ if secrets.query && scene.part == Part::Protocol => (0, scene.target[0]),
            _ => return,
        };
        let rest = invariant!(text.get(skipped..), "a method lies in its line");
        let target_at = at + skipped + rest.iter().take_while(|byte| blank(byte)).count();
        let after = invariant!(
            scene.packet.get(target_at..end),
            "a target lies in its line"
        );
        // A space in the target may have caused the error.
        let protocol = after.windows(6).rposition(|word| word == b" HTTP/");
        let space = after.iter().position(blank);
        let length = if secrets.query { protocol } else { space };
        let target_end = target_at + length.unwrap_or(after.len());
        // The part of the target before the window decides what is secret in the window.
        let cut = self.from.clamp(target_at, target_end);
        let seen = invariant!(
            scene.packet.get(target_at..cut),
            "a target lies in its line"
        );
        let hidden = if began.is_empty() {
            secrets.hide_target(seen, self.range(cut, target_end))
        } else if seen.is_empty() {
            secrets.hide_target(began, self.range(cut, target_end))
        } else {
            let began = [began, seen].concat();
            secrets.hide_target(&began, self.range(cut, target_end))
        };
        self.hidden += hidden;
    }
}
