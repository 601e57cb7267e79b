//! Finds the peers with the most refusals, by the Space-Saving algorithm in memory of fixed size.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How many peers are counted at a time.
const COUNTED: usize = 128;

/// IPv4 addresses have keys in a range that is multicast in IPv6.
const V4: u64 = 0xffff_ffff_0000_0000;

/// The size of [`Peers::index`]: twice the number of peers, so that searches are short.
const PLACES: usize = 2 * COUNTED;

const _: () = assert!(PLACES.is_power_of_two() && COUNTED < 0xff);

/// The counts of the most frequent peers. IPv6 addresses count by their /64 prefix, because one customer has a whole
/// prefix.
#[derive(Debug)]
pub struct Peers {
    keys: [u64; COUNTED],
    counts: [u64; COUNTED],
    /// How much of a count may belong to peers that had the place before.
    errors: [u64; COUNTED],
    used: usize,
    /// A hash table with linear probing. It has the position of each key in `keys`, counted from 1; 0 is a free place.
    index: [u8; PLACES],
    /// The smallest count, once all places are used, and the next peer that may have it. So a flood of many peers need
    /// not look at all of them each time.
    least: u64,
    next: usize,
}

/// How often a peer was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// At most so many.
    pub count: u64,
    /// The count may be so much too high.
    pub error: u64,
}

impl Count {
    /// The peer was counted at least so often.
    pub fn at_least(self) -> u64 {
        self.count.saturating_sub(self.error)
    }
}

/// One peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// An address, or a prefix with its length.
    pub address: String,
    /// At most so many.
    pub count: u64,
    /// The count may be so much too high.
    pub error: u64,
}

impl Default for Peers {
    fn default() -> Peers {
        Peers {
            keys: [0; COUNTED],
            counts: [0; COUNTED],
            errors: [0; COUNTED],
            used: 0,
            index: [0; PLACES],
            least: 0,
            next: 0,
        }
    }
}

impl Peers {
    /// Counts a peer once more, and returns its count.
    pub fn add(&mut self, peer: IpAddr) -> Count {
        let key = key(peer);
        let place = self.find(key).unwrap_or_else(|| {
            let place = if self.used < COUNTED {
                self.used += 1;
                self.used - 1
            } else {
                self.replace()
            };
            if let Some(slot) = self.keys.get_mut(place) {
                *slot = key;
            }
            self.enter(key, place);
            place
        });
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
        }
        let of = |list: &[u64; COUNTED]| list.get(place).copied().unwrap_or(0);
        Count {
            count: of(&self.counts),
            error: of(&self.errors),
        }
    }

    /// Where a key is in `keys`.
    fn find(&self, key: u64) -> Option<usize> {
        let mut at = home(key);
        loop {
            let place = usize::from(*self.index.get(at)?).checked_sub(1)?;
            if self.keys.get(place) == Some(&key) {
                return Some(place);
            }
            at = (at + 1) % PLACES;
        }
    }

    /// Adds a key to the index. Half of the places are always free.
    fn enter(&mut self, key: u64, place: usize) {
        let mut at = home(key);
        while self.index.get(at).is_some_and(|taken| *taken != 0) {
            at = (at + 1) % PLACES;
        }
        if let Some(slot) = self.index.get_mut(at) {
            *slot = place as u8 + 1;
        }
    }

    /// Removes the key at a place from the index. The keys behind it move up, because a search ends at a free place.
    fn leave(&mut self, place: usize) {
        let key_at = |keys: &[u64; COUNTED], taken: u8| {
            let place = usize::from(taken).checked_sub(1)?;
            keys.get(place).copied()
        };
        let mut hole = home(self.keys.get(place).copied().unwrap_or(0));
        while self
            .index
            .get(hole)
            .is_some_and(|taken| usize::from(*taken) != place + 1)
        {
            hole = (hole + 1) % PLACES;
        }
        let mut at = hole;
        loop {
            at = (at + 1) % PLACES;
            let taken = self.index.get(at).copied().unwrap_or(0);
            let Some(key) = key_at(&self.keys, taken) else {
                break;
            };
            let from_home = at.wrapping_sub(home(key)) % PLACES;
            if from_home >= at.wrapping_sub(hole) % PLACES {
                if let Some(slot) = self.index.get_mut(hole) {
                    *slot = taken;
                }
                hole = at;
            }
        }
        if let Some(slot) = self.index.get_mut(hole) {
            *slot = 0;
        }
    }

    /// Frees the place of one of the least frequent peers. The new peer gets that count as its error.
    fn replace(&mut self) -> usize {
        let (from, least) = (self.next, self.least);
        let behind = self.counts.get(from..).unwrap_or(&[]);
        let place = match behind.iter().position(|count| *count == least) {
            Some(place) => from + place,
            None => {
                self.least = self.counts.iter().copied().min().unwrap_or(0);
                let first = self.counts.iter().position(|count| *count == self.least);
                first.unwrap_or(0)
            }
        };
        self.next = place + 1;
        if let Some(error) = self.errors.get_mut(place) {
            *error = self.least;
        }
        self.leave(place);
        place
    }

    /// The most frequent peers, at most `most`. The most frequent one comes first.
    pub fn top(&self, most: usize) -> Vec<Peer> {
        let counts = self.counts.iter().zip(&self.errors);
        let all = self.keys.iter().zip(counts).take(self.used);
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|(key, (count, _))| (std::cmp::Reverse(**count), **key));
        let peer = |(key, (count, error)): (&u64, (&u64, &u64))| Peer {
            address: address(*key),
            count: *count,
            error: *error,
        };
        all.into_iter().take(most).map(peer).collect()
    }
}

/// The place in the index at which the search for a key begins.
fn home(key: u64) -> usize {
    // Multiplying by the golden ratio spreads neighbouring addresses.
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize % PLACES
}

fn key(peer: IpAddr) -> u64 {
    match peer {
        IpAddr::V4(v4) => V4 | u64::from(u32::from(v4)),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => V4 | u64::from(u32::from(v4)),
            None => (u128::from(v6) >> 64) as u64,
        },
    }
}

fn address(key: u64) -> String {
    if key & V4 == V4 {
        return Ipv4Addr::from(key as u32).to_string();
    }
    format!("{}/64", Ipv6Addr::from(u128::from(key) << 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "it takes Miri hours")]
    fn who_comes_often_is_found_among_many() {
        let mut peers = Peers::default();
        for i in 0..10_000u32 {
            peers.add(IpAddr::V4(Ipv4Addr::from(i + 1)));
            if i % 10 == 0 {
                peers.add(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
            }
        }
        let top = &peers.top(1)[0];
        assert_eq!(top.address, "192.0.2.1");
        assert!(
            top.count >= 1000 && top.count - top.error <= 1000,
            "{top:?}"
        );
    }

    #[test]
    fn every_peer_is_found_and_counts_are_as_far_off_as_they_say() {
        for seed in 1..20u64 {
            let mut peers = Peers::default();
            let mut exact = std::collections::HashMap::<u64, u64>::new();
            let mut random = seed;
            for _ in 0..3_000 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                // Some come often, most seldom.
                let bits = if random & 3 == 0 { 5 } else { 6 + seed % 8 };
                let peer = Ipv4Addr::from((random >> 8) as u32 & ((1 << bits) - 1));
                let key = key(IpAddr::V4(peer));
                *exact.entry(key).or_default() += 1;
                let least = peers.counts.iter().copied().min();
                let is_new = peers.find(key).is_none() && peers.used == COUNTED;
                let count = peers.add(IpAddr::V4(peer));
                if is_new {
                    assert_eq!(Some(count.error), least);
                }
                for (place, key) in peers.keys.iter().take(peers.used).enumerate() {
                    assert_eq!(peers.find(*key), Some(place));
                    let (count, error) = (peers.counts[place], peers.errors[place]);
                    assert!((count - error..=count).contains(&exact[key]));
                }
                let taken = peers.index.iter().filter(|taken| **taken != 0);
                assert_eq!(taken.count(), peers.used);
            }
        }
    }

    #[test]
    fn addresses_of_one_network_count_together() {
        let mut peers = Peers::default();
        for last in 0..5u16 {
            let address = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, last, 7);
            peers.add(IpAddr::V6(address));
        }
        peers.add("::ffff:192.0.2.7".parse().unwrap());
        peers.add("192.0.2.7".parse().unwrap());
        peers.add("::1".parse().unwrap());
        let top = peers.top(9);
        let found: Vec<_> = top
            .iter()
            .map(|peer| (peer.address.as_str(), peer.count))
            .collect();
        assert_eq!(
            found,
            [("2001:db8:0:1::/64", 5), ("192.0.2.7", 2), ("::/64", 1)]
        );
    }
}
