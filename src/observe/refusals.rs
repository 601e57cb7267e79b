//! What one server keeps of its refusals.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::classify;
use super::facts::{EXCERPT, Facts};
use super::json::{self, Json};
use super::kind::{CodeNumber, Kind};
use super::replies::{Filling, Replies};
use super::secrets::Secrets;
use super::store::{Circumstances, RING, Sight, Store};
use crate::http1::{ParseError, Reason, Scene};
use crate::record;
use crate::sync::Mutex;

/// Who was refused, and since when they were there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin {
    pub peer: Option<SocketAddr>,
    pub local: Option<SocketAddr>,
    /// When the connection began, in ns of [`record::now`]; 0 if that is not known.
    pub opened: u64,
}

/// A refusal that was seen where the bytes were read, on its way to where it is decided.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub kind: Kind,
    pub sight: Sight,
    pub origin: Origin,
    /// When, in ns of [`record::now`].
    pub at: u64,
}

impl Seen {
    /// What fills in a reply.
    pub fn filling<'a>(&'a self, code: &'a str, id: u64) -> Filling<'a> {
        let field = match &self.sight {
            Sight::Full(Facts {
                field: Some(field), ..
            }) => field.bytes(),
            _ => &[],
        };
        Filling {
            code,
            reason: self.kind.reason.map_or("", Reason::as_str),
            field,
            id,
        }
    }

    pub fn new(kind: Kind, sight: Sight, at: u64) -> Seen {
        Seen {
            kind,
            sight,
            at,
            origin: Origin::default(),
        }
    }

    /// The packet was read in two pieces, of which the parser saw the one behind `before` bytes.
    pub fn shift(&mut self, before: usize) {
        if let Sight::Full(facts) = &mut self.sight {
            if let Some(at) = &mut facts.at {
                at.packet += before as u32;
            }
            if let Some(excerpt) = &mut facts.excerpt {
                excerpt.from += before as u32;
            }
        }
    }
}

/// Peers that are told.
const TOP_PEERS: usize = 20;

/// What is kept, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// The last refusals that are kept, 0 to [`RING`]. With 0 they are only counted.
    pub keep: usize,
    /// Bytes of a packet, 0 to [`EXCERPT`].
    pub excerpt: usize,
    pub secrets: Secrets,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            keep: RING,
            excerpt: EXCERPT,
            secrets: Secrets::default(),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    options: Options,
    /// Made at the first refusal.
    store: Option<Box<Store>>,
}

/// The refusals of one server.
#[derive(Debug, Default)]
pub struct Refusals {
    state: Mutex<State>,
    replies: Mutex<Option<Arc<Replies>>>,
    /// Connections that were dropped at `maxConnections`.
    pub dropped: AtomicU64,
    /// Connections that ended without a request.
    pub silent: AtomicU64,
}

impl Refusals {
    pub fn set_options(&self, options: Options) {
        crate::lock(&self.state).options = options;
    }

    /// Looks at a packet that the parser refuses, while the parser still knows it.
    pub fn see(&self, error: &ParseError, scene: &Scene<'_>) -> Seen {
        let kind = Kind {
            code: CodeNumber::of(error.code),
            reason: Some(error.reason),
            hint: classify::classify(error, scene),
        };
        self.look(kind, |options| {
            let (secrets, size) = (&options.secrets, options.excerpt);
            Sight::Full(Facts::of_error(error, kind.hint, scene, secrets, size))
        })
    }

    /// Looks at a connection that ends between two packets.
    pub fn see_end(&self, kind: Kind, scene: &Scene<'_>) -> Seen {
        self.look(kind, |options| {
            Sight::Full(Facts::of_scene(scene, &options.secrets))
        })
    }

    /// Looks at a refusal of which nothing is known but its kind.
    pub fn see_bare(&self, kind: Kind) -> Seen {
        self.look(kind, |_| Sight::Bare)
    }

    /// Looks closely if there is time for it.
    #[inline]
    fn look(&self, kind: Kind, closely: impl FnOnce(&Options) -> Sight) -> Seen {
        let now = record::now();
        let mut state = crate::lock(&self.state);
        let State { options, store } = &mut *state;
        if options.keep > 0 && store.get_or_insert_default().admits(kind, now) {
            Seen::new(kind, closely(options), now)
        } else {
            Seen::new(kind, Sight::Skipped, now)
        }
    }

    /// Sets the replies of the program's own; None for Node's.
    pub fn set_replies(&self, replies: Option<Replies>) {
        *crate::lock(&self.replies) = replies.map(Arc::new);
    }

    /// The program's own replies, if it has some.
    pub fn replies(&self) -> Option<Arc<Replies>> {
        crate::lock(&self.replies).clone()
    }

    /// Counts a refusal, and keeps what was seen of it. Its number.
    pub fn add(&self, seen: &Seen, mut circumstances: Circumstances) -> u64 {
        let origin = &seen.origin;
        circumstances.peer = circumstances.peer.or(origin.peer);
        circumstances.local = circumstances.local.or(origin.local);
        if !matches!(seen.sight, Sight::Skipped) {
            circumstances.time = time(seen.at);
            if origin.opened > 0 {
                circumstances.age = seen.at.saturating_sub(origin.opened) / 1_000_000;
            }
        }
        let mut state = crate::lock(&self.state);
        let State { options, store } = &mut *state;
        let store = store.get_or_insert_default();
        store.add(seen, circumstances, options.keep)
    }

    /// The number of the last one.
    pub fn count(&self) -> u64 {
        let state = crate::lock(&self.state);
        state.store.as_ref().map_or(0, |store| store.seq)
    }

    /// The refusal of this number, if it is kept.
    pub fn one(&self, seq: u64) -> Option<String> {
        let state = crate::lock(&self.state);
        let records = state.store.as_deref()?.records();
        let record = records.into_iter().find(|record| record.seq == seq)?;
        let mut json = Json::default();
        json.open('{');
        json::refusal(&mut json, record);
        json.close('}');
        Some(json.into_text())
    }

    /// The refusals that are kept and have a higher number than `after`, as JSON:
    /// `{ seq, refusals }`.
    pub fn since(&self, after: u64) -> String {
        let state = crate::lock(&self.state);
        let mut json = Json::default();
        json.open('{');
        let store = state.store.as_deref();
        json.number("seq", store.map_or(0, |store| store.seq));
        let records = store.map(Store::records).unwrap_or_default();
        let newer = records.into_iter().filter(|record| record.seq > after);
        json.list("refusals", newer, json::refusal);
        json.close('}');
        json.into_text()
    }

    /// Counts, as JSON.
    pub fn stats(&self) -> String {
        let state = crate::lock(&self.state);
        let store = state.store.as_deref();
        let mut json = Json::default();
        json.open('{');
        json.number("total", store.map_or(0, |store| store.seq));
        let kinds = store.into_iter().flat_map(Store::kinds);
        json.list("kinds", kinds, |json, (kind, count)| {
            json.string("code", kind.code.as_str().as_bytes());
            if let Some(reason) = kind.reason {
                json.string("reason", reason.as_str().as_bytes());
            }
            if let Some(hint) = kind.hint {
                json.string("hint", hint.id().as_bytes());
            }
            json.number("count", count);
        });
        json.number("others", store.map_or(0, |store| store.others));
        json.number("skipped", store.map_or(0, |store| store.skipped));
        json.number("dropped", self.dropped.load(Ordering::Relaxed));
        json.number("silent", self.silent.load(Ordering::Relaxed));
        let peers = store.map(|store| store.peers.top(TOP_PEERS));
        let peers = peers.unwrap_or_default();
        json.list("peers", peers.iter(), |json, peer| {
            json.string("address", peer.address.as_bytes());
            json.number("count", peer.count);
            json.number("error", peer.error);
        });
        json.close('}');
        json.into_text()
    }
}

/// A time of [`record::now`] in ms since the epoch, by a clock that was set once.
fn time(now: u64) -> u64 {
    static ORIGIN: OnceLock<u64> = OnceLock::new();
    let origin = ORIGIN.get_or_init(|| {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        let wall = wall.map_or(0, |wall| wall.as_millis() as u64);
        wall.saturating_sub(record::now() / 1_000_000)
    });
    origin + now / 1_000_000
}
