//! The refusals of one server: what is counted and kept.

use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::advice::{self, Numbers};
use super::classify;
use super::counters::Counters;
use super::facts::EXCERPT;
use super::hints::Hint;
use super::json::{self, Json};
use super::kind::{CodeNumber, Kind};
use super::peers::Peers;
use super::replies::{Filling, Replies};
use super::secrets::Secrets;
use super::store::{Circumstances, Exceeded, Outcome, RING, Sight, Store};
use super::text::Text;
use crate::http1::{Moment, ParseError, Reason, Scene};
use crate::record;
use crate::sync::Mutex;

/// The ends and the beginning of a connection that was refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin {
    /// The client's address.
    pub peer: Option<SocketAddr>,
    /// Our address.
    pub local: Option<SocketAddr>,
    /// When the connection began, in ns of [`record::now`]; 0 if that is not known.
    pub opened: u64,
}

/// What was seen of a refusal where the bytes were read. It goes to where the refusal is decided.
#[derive(Debug)]
pub struct Seen {
    /// What kind of refusal it is.
    pub kind: Kind,
    /// How closely it was looked at.
    pub sight: Sight,
    /// The connection that was refused.
    pub origin: Origin,
    /// When it was seen, in ns of [`record::now`].
    pub at: u64,
}

impl Seen {
    /// The name of the field that was refused.
    pub fn field(&self) -> Text<48> {
        match &self.sight {
            Sight::Full(facts) => facts.field.unwrap_or(Text::EMPTY),
            _ => Text::EMPTY,
        }
    }

    /// The values for the placeholders of a reply.
    pub fn filling<'a>(&self, code: &'a str, field: &'a Text<48>, id: u64) -> Filling<'a> {
        Filling {
            code,
            reason: self.kind.reason.map_or("", Reason::as_str),
            field: field.bytes(),
            id,
        }
    }

    /// What was seen of a refusal at a time in ns of [`record::now`].
    pub fn new(kind: Kind, sight: Sight, at: u64) -> Seen {
        Seen {
            kind,
            sight,
            at,
            origin: Origin::default(),
        }
    }

    /// Corrects the offsets for a packet that was read in two pieces. The parser has seen only what is behind `before`
    /// bytes.
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

/// How many peers are reported.
const TOP_PEERS: usize = 20;

/// What is kept, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many of the last refusals are kept, 0 to [`RING`]. With 0 they are only counted.
    pub keep: usize,
    /// How many bytes of a packet are kept, 0 to [`EXCERPT`].
    pub excerpt: usize,
    /// What is hidden.
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
    /// The peers whose idle connections were closed. Made at the first one.
    idle_peers: Option<Box<Peers>>,
}

/// The refusals of one server.
#[derive(Debug, Default)]
pub struct Refusals {
    state: Mutex<State>,
    replies: OnceLock<Replies>,
    /// Connections that were dropped at `maxConnections`.
    dropped: AtomicU64,
    /// Connections that ended without a request.
    pub silent: AtomicU64,
    /// Connections that the server closed between two requests.
    idle_closes: AtomicU64,
    /// How many of them had unread bytes.
    races: AtomicU64,
    /// Messages that lenient parsing has accepted, by the code of strict parsing.
    pub tolerated: Counters,
}

impl Refusals {
    /// Sets what is kept from now on.
    pub fn set_options(&self, options: Options) {
        crate::lock(&self.state).options = options;
    }

    /// Looks at a packet that the parser refuses, while the parser still knows it. `now` is in ns of [`record::now`].
    pub fn see(&self, error: &ParseError, moment: &Moment<'_>, now: u64) -> Seen {
        let kind = Kind {
            code: CodeNumber::of(error.code),
            reason: Some(error.reason),
            hint: classify::classify(error, moment),
        };
        self.look(kind, now, |options, store| {
            let (secrets, size) = (&options.secrets, options.excerpt);
            let mut facts = store.room();
            facts.take_error(error, kind.hint, moment.scene(), secrets, size);
            Sight::Full(facts)
        })
    }

    /// Looks at a connection that ends between two packets.
    pub fn see_end(&self, kind: Kind, scene: &Scene<'_>) -> Seen {
        self.look(kind, record::now(), |options, store| {
            let mut facts = store.room();
            facts.take_end(scene, &options.secrets);
            Sight::Full(facts)
        })
    }

    /// Looks at a refusal of which only the kind is known.
    pub fn see_bare(&self, kind: Kind) -> Seen {
        self.look(kind, record::now(), |_, _| Sight::Bare)
    }

    /// Looks closely if there is time for it.
    #[inline]
    fn look(
        &self,
        kind: Kind,
        now: u64,
        closely: impl FnOnce(&Options, &mut Store) -> Sight,
    ) -> Seen {
        let mut state = crate::lock(&self.state);
        let State { options, store, .. } = &mut *state;
        let store = store.get_or_insert_default();
        let sight = if options.keep > 0 && store.admits(kind, now) {
            closely(options, store)
        } else {
            Sight::Skipped
        };
        Seen::new(kind, sight, now)
    }

    /// Sets the program's own replies. It is called once.
    pub fn set_replies(&self, replies: Replies) {
        let _ = self.replies.set(replies);
    }

    /// The program's own replies, if it has some.
    pub fn replies(&self) -> Option<&Replies> {
        self.replies.get()
    }

    /// Notes that the server closes a connection between two requests. `unread` means that the client has sent the next
    /// request, which gets no answer.
    pub fn note_idle_close(&self, peer: Option<SocketAddr>, unread: bool) {
        self.idle_closes.fetch_add(1, Ordering::Relaxed);
        self.races.fetch_add(u64::from(unread), Ordering::Relaxed);
        if let Some(peer) = peer {
            let mut state = crate::lock(&self.state);
            state.idle_peers.get_or_insert_default().add(peer.ip());
        }
    }

    /// A connection is dropped before anything is read of it: because there are too many, or because its
    /// address is blocked. `local` is asked if it is kept.
    pub fn note_drop(
        &self,
        peer: Option<SocketAddr>,
        crowd: Option<Exceeded>,
        local: impl FnOnce() -> Option<SocketAddr>,
    ) {
        let hint = match crowd {
            Some(_) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                Hint::MaxConnections
            }
            None => Hint::BlockList,
        };
        let mut seen = self.see_bare(Kind {
            code: CodeNumber::dropped(),
            reason: None,
            hint: Some(hint),
        });
        let circumstances = Circumstances {
            peer,
            local: match seen.sight {
                Sight::Skipped => None,
                _ => local(),
            },
            outcome: Outcome::Dropped,
            exceeded: crowd,
            ..Circumstances::default()
        };
        self.add(&mut seen, circumstances);
    }

    /// Notes that the program has answered the refusal with this number, which was left to its listener.
    pub fn answered(&self, seq: u64, status: u16) {
        let mut state = crate::lock(&self.state);
        if let Some(store) = &mut state.store {
            store.answered(seq, status);
        }
    }

    /// Counts a refusal, keeps what was seen of it, and returns its number.
    pub fn add(&self, seen: &mut Seen, mut circumstances: Circumstances) -> u64 {
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
        let State { options, store, .. } = &mut *state;
        let store = store.get_or_insert_default();
        store.add(seen, circumstances, options.keep)
    }

    /// The number of the last refusal.
    pub fn count(&self) -> u64 {
        let state = crate::lock(&self.state);
        state.store.as_ref().map_or(0, |store| store.seq)
    }

    /// The refusal with this number, if it is kept.
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

    /// The kept refusals with a higher number than `after`, as JSON: `{ seq, refusals }`.
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

    /// The counts, as JSON.
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
        let idle_closes = self.idle_closes.load(Ordering::Relaxed);
        let races = self.races.load(Ordering::Relaxed);
        json.number("idleCloses", idle_closes);
        json.number("keepAliveRaces", races);
        let tolerated = self.tolerated.snapshot();
        json.list("tolerated", tolerated.iter(), |json, (code, count)| {
            json.string("code", code.as_bytes());
            json.number("count", *count);
        });
        json.number("defects", crate::http1::invariant::broken());
        let top = |peers: Option<&Peers>| peers.map(|peers| peers.top(TOP_PEERS));
        let peers = top(store.map(|store| &store.peers)).unwrap_or_default();
        let idle_peers = top(state.idle_peers.as_deref()).unwrap_or_default();
        json.list("peers", peers.iter(), json::peer);
        json.list("idlePeers", idle_peers.iter(), json::peer);
        let slow = store.map(|store| store.slow.top(1)).unwrap_or_default();
        let advice = advice::of(&Numbers {
            refusals: store.map_or(0, |store| store.seq),
            peer: peers.first(),
            slow: slow.first(),
            idle_closes,
            races,
            idle_peer: idle_peers.first(),
        });
        json.list("advice", advice.iter(), |json, (advice, peer)| {
            json.string("id", advice.id().as_bytes());
            json.string("text", advice.text().as_bytes());
            if let Some(peer) = peer {
                json.string("peer", peer.address.as_bytes());
            }
        });
        json.close('}');
        json.into_text()
    }
}

/// Converts a time of [`record::now`] to ms since the epoch, by a clock that was read once.
fn time(now: u64) -> u64 {
    static ORIGIN: OnceLock<u64> = OnceLock::new();
    let origin = ORIGIN.get_or_init(|| {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH);
        let wall = wall.map_or(0, |wall| wall.as_millis() as u64);
        wall.saturating_sub(record::now() / 1_000_000)
    });
    origin + now / 1_000_000
}
