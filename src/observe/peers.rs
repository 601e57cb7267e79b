//! Who is refused most: the Space-Saving algorithm, in memory of a fixed size.

use crate::http1::invariant;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Peers that are counted at a time.
const COUNTED: usize = 128;

/// IPv4 addresses stand in a range of numbers that is multicast in IPv6.
const V4: u64 = 0xffff_ffff_0000_0000;

/// Counts of the most frequent peers. An address of IPv6 counts with all of its /64, which one
/// customer has.
#[derive(Debug)]
pub struct Peers {
    keys: [u64; COUNTED],
    counts: [u64; COUNTED],
    /// How much of a count may belong to peers that it took the place of.
    errors: [u64; COUNTED],
    used: usize,
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
    /// At least so many.
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
        }
    }
}

impl Peers {
    /// Counts a peer once more; what is known of its count.
    pub fn add(&mut self, peer: IpAddr) -> Count {
        let key = key(peer);
        let used = invariant!(
            self.keys.get(..self.used),
            "only places that exist are used"
        );
        let place = match used.iter().position(|other| *other == key) {
            Some(place) => place,
            None if self.used < COUNTED => {
                self.used += 1;
                self.used - 1
            }
            None => self.replace(),
        };
        if let (Some(slot), Some(count)) = (self.keys.get_mut(place), self.counts.get_mut(place)) {
            *slot = key;
            *count += 1;
        }
        let of = |list: &[u64; COUNTED]| list.get(place).copied().unwrap_or(0);
        Count {
            count: of(&self.counts),
            error: of(&self.errors),
        }
    }

    /// The place of the least frequent, whose count the new one inherits as its error.
    fn replace(&mut self) -> usize {
        let counts = self.counts.iter().enumerate();
        let (place, least) = counts.min_by_key(|(_, count)| **count).unwrap_or((0, &0));
        if let Some(error) = self.errors.get_mut(place) {
            *error = *least;
        }
        place
    }

    /// The most frequent first.
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
