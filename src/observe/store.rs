//! Keeps the last refusals, and the first and last of each kind, so that a flood of one kind does not displace a rare
//! one.

use std::net::SocketAddr;

use super::bucket::Bucket;
use super::facts::Facts;
use super::hints::Hint;
use super::kind::Kind;
use super::peers::Peers;
use super::refusals::Seen;
use super::text::Text;

/// How many of the last refusals are kept, whatever their kind.
pub const RING: usize = 64;

/// How many kinds are distinguished. Fewer than that occur.
const KINDS: usize = 96;

/// The largest memory of one server's refusals in bytes.
pub const MEMORY: usize = 256 * 1024;

const _: () = assert!(
    (RING + 2 * KINDS) * (size_of::<Record>() + size_of::<Facts>())
        + KINDS * size_of::<Entry>()
        + size_of::<Store>()
        <= MEMORY,
);

/// How many of the first refusals of a kind are always kept.
const FEW: u64 = 8;

/// From so many slow heads of one peer on, it is slowloris.
const MANY_SLOW: u64 = 10;

/// What happened to a connection that was refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// A reply was sent, and the connection closed.
    Reply,
    /// Left to the program's 'clientError' listener.
    Listener,
    /// Closed without a reply.
    #[default]
    Closed,
    /// Closed before anything was read.
    Dropped,
}

impl Outcome {
    /// The outcome by the number that JavaScript has for it.
    pub const fn of(number: u32) -> Outcome {
        match number {
            0 => Outcome::Reply,
            1 => Outcome::Listener,
            _ => Outcome::Closed,
        }
    }

    /// The word for JavaScript.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Reply => "reply",
            Outcome::Listener => "listener",
            Outcome::Closed => "closed",
            Outcome::Dropped => "dropped",
        }
    }
}

/// A limit of the server that is none of the parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// `headersTimeout`, in ms.
    HeadersTimeout,
    /// `requestTimeout`, in ms.
    RequestTimeout,
    /// `maxConnections`.
    MaxConnections,
}

/// Such a limit was exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// Which one.
    pub bound: Bound,
    /// What it is.
    pub value: u64,
    /// The value that was reached: the time that passed, or the number of open connections with the one that was
    /// dropped.
    pub seen: u64,
}

/// What the connection knows about a refusal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances {
    /// ms since the epoch.
    pub time: u64,
    /// The client's address.
    pub peer: Option<SocketAddr>,
    /// Our address.
    pub local: Option<SocketAddr>,
    /// ms since the connection began.
    pub age: u64,
    /// The status of the reply; 0 for none.
    pub status: u16,
    /// What became of it.
    pub outcome: Outcome,
    /// The limit of the server that was exceeded.
    pub exceeded: Option<Exceeded>,
    /// The error came again on the same connection.
    pub repeat: bool,
    /// A code of the program's own. It is counted as OTHER.
    pub own_code: Option<Text<32>>,
}

/// One refusal.
#[derive(Clone, Debug)]
pub struct Record {
    /// The number of the refusal, from 1 on.
    pub seq: u64,
    /// What kind of refusal it is.
    pub kind: Kind,
    /// What the connection knows about it.
    pub circumstances: Circumstances,
    /// The refusals of this peer so far. [`Peers::add`] may count too many.
    pub of_peer: u64,
    /// What was seen, if it was looked at in full.
    pub facts: Option<Box<Facts>>,
}

/// What is known of a refusal.
#[derive(Debug, Default)]
pub enum Sight {
    /// It was only counted.
    #[default]
    Skipped,
    /// Only its kind is known.
    Bare,
    /// Everything that the parser knew.
    Full(Box<Facts>),
}

/// A kind and its refusals.
#[derive(Debug)]
struct Entry {
    key: u32,
    kind: Kind,
    count: u64,
    first: Option<Box<Record>>,
    /// The number of the last refusal that was kept. It is in the ring or, after it has left the ring, in `last`.
    last_seq: u64,
    last: Option<Box<Record>>,
}

/// Everything that is kept of one server's refusals.
#[derive(Debug)]
pub struct Store {
    /// Refusals so far.
    pub seq: u64,
    /// How many refusals were only counted.
    pub skipped: u64,
    /// The peers with the most refusals.
    pub peers: Peers,
    /// The peers whose heads came too slowly most often.
    pub slow: Peers,
    /// How many refusals may be looked at in full.
    pub bucket: Bucket,
    kinds: Vec<Entry>,
    /// How many refusals had a kind for which there was no place.
    pub others: u64,
    ring: Vec<Record>,
    /// The index in the ring for the next refusal.
    next: usize,
    /// The memory of a record that is no longer kept. The next one uses it.
    spare: Option<Box<Facts>>,
}

impl Store {
    /// Makes an empty store.
    pub fn new() -> Store {
        Store {
            seq: 0,
            skipped: 0,
            peers: Peers::default(),
            slow: Peers::default(),
            bucket: Bucket::default(),
            kinds: Vec::with_capacity(KINDS),
            others: 0,
            ring: Vec::with_capacity(RING),
            next: 0,
            spare: None,
        }
    }

    /// Memory for the facts of a refusal.
    pub fn room(&mut self) -> Box<Facts> {
        self.spare.take().unwrap_or_default()
    }

    /// Whether a refusal of this kind is looked at closely.
    pub fn admits(&mut self, kind: Kind, now: u64) -> bool {
        let token = self.bucket.take(now);
        let count = self.place(kind).map(|place| self.kinds[place].count);
        let rare = match count {
            Some(count) => count < FEW,
            None => self.kinds.len() < KINDS,
        };
        token || rare
    }

    /// Counts a refusal and, if it was looked at, keeps it among the last `keep`. Returns its number.
    pub fn add(&mut self, seen: &mut Seen, circumstances: Circumstances, keep: usize) -> u64 {
        self.seq += 1;
        let of_peer = circumstances
            .peer
            .map_or(0, |peer| self.peers.add(peer.ip()).count);
        if seen.kind.hint == Some(Hint::HeadTimeout)
            && let Some(peer) = circumstances.peer
            && self.slow.add(peer.ip()).at_least() >= MANY_SLOW
        {
            seen.kind.hint = Some(Hint::Slowloris);
        }
        let kind = seen.kind;
        let place = self.place(kind).or_else(|| self.new_kind(kind));
        let Some(entry) = place.and_then(|place| self.kinds.get_mut(place)) else {
            self.others += 1;
            self.skipped += 1;
            return self.seq;
        };
        entry.count += 1;
        let facts = match std::mem::take(&mut seen.sight) {
            Sight::Skipped => None,
            Sight::Bare => Some(None),
            Sight::Full(facts) => Some(Some(facts)),
        };
        let Some(facts) = facts.filter(|_| keep > 0) else {
            self.skipped += 1;
            return self.seq;
        };
        let record = Record {
            seq: self.seq,
            kind,
            circumstances,
            of_peer,
            facts,
        };
        entry.last_seq = self.seq;
        if entry.first.is_none() {
            entry.first = Some(Box::new(record.clone()));
        }
        self.push(record, keep.min(RING));
        self.seq
    }

    fn new_kind(&mut self, kind: Kind) -> Option<usize> {
        if self.kinds.len() == KINDS {
            return None;
        }
        self.kinds.push(Entry {
            key: kind.key(),
            kind,
            count: 0,
            first: None,
            last_seq: 0,
            last: None,
        });
        Some(self.kinds.len() - 1)
    }

    /// Puts a record into the ring. The record that leaves it is kept if it is the last of its kind.
    fn push(&mut self, record: Record, keep: usize) {
        if self.ring.len() < keep {
            self.ring.push(record);
            self.next = self.ring.len() % keep;
            return;
        }
        let place = self.next % keep;
        self.next = (place + 1) % keep;
        let Some(slot) = self.ring.get_mut(place) else {
            return;
        };
        let mut gone = std::mem::replace(slot, record);
        let key = gone.kind.key();
        let entry = self.kinds.iter_mut().find(|entry| entry.key == key);
        if let Some(entry) = entry
            && entry.last_seq == gone.seq
        {
            match &mut entry.last {
                Some(last) => std::mem::swap(&mut **last, &mut gone),
                none => {
                    *none = Some(Box::new(gone));
                    return;
                }
            }
        }
        self.spare = gone.facts;
    }

    /// Notes that the program has answered a refusal that was left to its listener.
    pub fn answered(&mut self, seq: u64, status: u16) {
        let rare = self.kinds.iter_mut();
        let rare = rare.flat_map(|entry| entry.first.iter_mut().chain(&mut entry.last));
        let all = rare.map(|record| &mut **record).chain(&mut self.ring);
        for record in all.filter(|record| record.seq == seq) {
            record.circumstances.outcome = Outcome::Reply;
            record.circumstances.status = status;
        }
    }

    fn place(&self, kind: Kind) -> Option<usize> {
        let key = kind.key();
        self.kinds.iter().position(|entry| entry.key == key)
    }

    /// Every kind with its count, in the order of their first refusals.
    pub fn kinds(&self) -> impl Iterator<Item = (Kind, u64)> {
        self.kinds.iter().map(|entry| (entry.kind, entry.count))
    }

    /// All refusals that are kept, the oldest first.
    pub fn records(&self) -> Vec<&Record> {
        let rare = self.kinds.iter();
        let rare = rare.flat_map(|entry| {
            // `last` is not the last of its kind any more if the ring has a later one.
            let last = entry.last.iter();
            let last = last.filter(|last| last.seq == entry.last_seq);
            entry.first.iter().chain(last)
        });
        let mut all: Vec<&Record> = rare.map(|record| &**record).chain(&self.ring).collect();
        all.sort_by_key(|record| record.seq);
        all.dedup_by_key(|record| record.seq);
        all
    }
}

impl Default for Store {
    fn default() -> Store {
        Store::new()
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::tests::nothing;
    use super::super::kind::CodeNumber;
    use super::*;
    use crate::http1::{Code, Reason};

    fn kind(reason: Reason) -> Kind {
        Kind {
            code: CodeNumber::of(Code::InvalidMethod),
            reason: Some(reason),
            hint: None,
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "it takes Miri hours")]
    fn a_flood_leaves_what_is_rare() {
        let mut store = Store::new();
        let mut add = |reason, now| {
            let kind = kind(reason);
            let sight = match store.admits(kind, now) {
                true => Sight::Full(Box::new(nothing())),
                false => Sight::Skipped,
            };
            store.add(
                &mut Seen::new(kind, sight, now),
                Circumstances::default(),
                RING,
            );
        };
        for i in 0..500_000 {
            add(Reason::InvalidMethod, i * 1000);
        }
        add(Reason::ChunkSizeCharacter, 500_000_000);
        for i in 0..500_000 {
            add(Reason::InvalidMethod, 500_000_000 + i * 1000);
        }
        let counts: Vec<_> = store.kinds().map(|(_, count)| count).collect();
        assert_eq!(counts, [1_000_000, 1]);
        let rare = store
            .records()
            .iter()
            .filter(|record| {
                record.kind.reason == Some(Reason::ChunkSizeCharacter) && record.seq == 500_001
            })
            .count();
        assert_eq!(rare, 1);
        assert_eq!(store.records().first().map(|record| record.seq), Some(1));
        assert!(store.records().len() <= RING + 3);
        // A second's flood, and what the bucket had at first.
        assert!(store.skipped > 997_000, "{}", store.skipped);
        assert_eq!(store.seq, 1_000_001);
    }

    #[test]
    fn the_last_ones_are_kept_in_order() {
        let mut store = Store::new();
        for _ in 0..200 {
            let mut seen = Seen::new(kind(Reason::InvalidMethod), Sight::Bare, 0);
            store.add(&mut seen, Circumstances::default(), 10);
        }
        let seqs: Vec<_> = store.records().iter().map(|record| record.seq).collect();
        let expected: Vec<_> = std::iter::once(1).chain(191..=200).collect();
        assert_eq!(seqs, expected);
    }
}
