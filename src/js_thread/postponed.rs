//! Connections to which FIN was sent after their first packet. They are read once more, for the FIN of the peer.
//!
//! If that FIN is there when the connection is read, the descriptor need not be registered with the reactor. To register
//! it, to hear of it and to release it takes the kernel longer than to read it. So while many such connections come, as
//! in a flood of malformed requests, each is left alone until the FIN has probably come.

use std::collections::VecDeque;

/// So many connections within [`LATEST`] are a crowd. A few are read at once, so that nobody waits for a clock.
const CROWD: usize = 8;

/// For how many ns a connection of a crowd is left alone at least.
const EARLIEST: u64 = 500_000;

/// After so many ns a connection is read although nothing else has happened.
const LATEST: u64 = 2_000_000;

/// What the event loop has to do for postponed connections before it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// There are none.
    Nothing,
    /// A turn after so many ms at most.
    Timer(u64),
    /// A turn now.
    Turn,
}

/// The tokens of such connections in the reactor.
#[derive(Debug, Default)]
pub struct Postponed {
    /// With the time at which each came, in order. Some may have ended meanwhile.
    waiting: VecDeque<(u32, u64)>,
    /// When the last ones came. The oldest is at `oldest`.
    times: [u64; CROWD],
    oldest: usize,
}

impl Postponed {
    /// Adds a connection at this time.
    pub fn add(&mut self, token: u32, now: u64) {
        self.waiting.push_back((token, now));
        if let Some(time) = self.times.get_mut(self.oldest) {
            *time = now;
        }
        self.oldest = (self.oldest + 1) % CROWD;
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.waiting.clear();
    }

    /// Takes one that is to be read in a turn that begins now.
    pub fn take(&mut self, now: u64) -> Option<u32> {
        let (token, _) = *self
            .waiting
            .front()
            .filter(|(_, came)| now.saturating_sub(*came) >= EARLIEST || !self.is_crowded(now))?;
        self.waiting.pop_front();
        Some(token)
    }

    /// What the event loop has to do before it waits.
    pub fn wanted(&self, now: u64) -> Wanted {
        let Some((_, came)) = self.waiting.front() else {
            return Wanted::Nothing;
        };
        match LATEST.saturating_sub(now.saturating_sub(*came)) {
            left if left > 0 && self.is_crowded(now) => Wanted::Timer(left.div_ceil(1_000_000)),
            _ => Wanted::Turn,
        }
    }

    /// Whether many have come in the last time.
    pub fn is_crowded(&self, now: u64) -> bool {
        let oldest = self.times.get(self.oldest);
        oldest.is_some_and(|time| now.saturating_sub(*time) < LATEST)
    }
}

#[cfg(all(test, not(feature = "schedules")))]
mod tests {
    use super::*;

    const START: u64 = 5_000_000_000;

    fn taken(postponed: &mut Postponed, now: u64) -> Vec<u32> {
        std::iter::from_fn(|| postponed.take(now)).collect()
    }

    #[test]
    fn a_few_are_read_in_the_next_turn() {
        let mut postponed = Postponed::default();
        assert_eq!(postponed.wanted(START), Wanted::Nothing);
        let few = CROWD as u32 - 1;
        for token in 0..few {
            postponed.add(token, START);
        }
        assert_eq!(postponed.wanted(START), Wanted::Turn);
        assert_eq!(taken(&mut postponed, START), Vec::from_iter(0..few));
        assert_eq!(postponed.wanted(START), Wanted::Nothing);
        // Those that came long ago do not count.
        postponed.add(few, START + LATEST);
        assert_eq!(postponed.wanted(START + LATEST), Wanted::Turn);
    }

    #[test]
    fn each_of_a_crowd_is_left_alone_for_some_time() {
        let mut postponed = Postponed::default();
        let crowd = CROWD as u32;
        for token in 0..crowd {
            postponed.add(token, START + u64::from(token));
        }
        let last = START + u64::from(crowd) - 1;
        assert_eq!(postponed.wanted(last), Wanted::Timer(2));
        assert_eq!(taken(&mut postponed, START + EARLIEST - 1), []);
        assert_eq!(taken(&mut postponed, START + EARLIEST + 1), [0, 1]);
        assert_eq!(postponed.wanted(START + EARLIEST + 1), Wanted::Timer(2));
        assert_eq!(postponed.wanted(START + LATEST / 2 + 2), Wanted::Timer(1));
        // Later they are no crowd any more.
        assert_eq!(postponed.wanted(START + LATEST), Wanted::Turn);
        let rest = taken(&mut postponed, START + LATEST);
        assert_eq!(rest, Vec::from_iter(2..crowd));
    }

    #[test]
    fn the_oldest_of_a_lasting_crowd_does_not_wait_for_ever() {
        let mut postponed = Postponed::default();
        let gap = LATEST / 100;
        for token in 0..1000 {
            postponed.add(token, START + u64::from(token) * gap);
        }
        let last = START + 999 * gap;
        assert!(postponed.is_crowded(last));
        assert_eq!(postponed.wanted(last), Wanted::Turn);
        let ready = (999 * gap - EARLIEST) / gap + 1;
        assert_eq!(taken(&mut postponed, last).len() as u64, ready);
        assert_eq!(postponed.wanted(last), Wanted::Timer(2));
    }
}
