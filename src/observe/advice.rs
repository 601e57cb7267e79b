//! Advice: what many refusals together mean, and no single one.

use super::peers::Peer;

/// What a server has counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers<'a> {
    /// The number of refusals.
    pub refusals: u64,
    /// The peer with the most refusals.
    pub peer: Option<&'a Peer>,
    /// The peer whose heads came too slowly most often.
    pub slow: Option<&'a Peer>,
    /// The number of idle connections that the server closed.
    pub idle_closes: u64,
    /// The number of requests that may have been lost because the server closed an idle connection.
    pub races: u64,
    /// The peer whose idle connections were closed most often.
    pub idle_peer: Option<&'a Peer>,
}

/// What the numbers most likely mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Most refusals are of one peer.
    OnePeer,
    /// Many connections of one peer send their heads slowly.
    Slowloris,
    /// The server closes idle connections just when their peers use them.
    KeepAliveRaces,
    /// Most of the idle connections that the server closes are of one peer.
    IdleClosesOfOnePeer,
}

/// Smaller counts mean nothing.
const MANY: u64 = 100;
const MANY_SLOW: u64 = 10;

impl Advice {
    /// The name for programs.
    pub const fn id(self) -> &'static str {
        match self {
            Advice::OnePeer => "one-peer",
            Advice::Slowloris => "slowloris",
            Advice::KeepAliveRaces => "keep-alive-races",
            Advice::IdleClosesOfOnePeer => "idle-closes-one-peer",
        }
    }

    /// The text for people.
    pub const fn text(self) -> &'static str {
        match self {
            Advice::OnePeer => {
                "most refusals are of one peer: a scanner or a broken client, or the load balancer in front, whose log has the clients"
            }
            Advice::Slowloris => {
                "many heads of one peer came too slowly: slowloris; limit its connections in front of the server"
            }
            Advice::KeepAliveRaces => {
                "requests were on their way when the server closed their idle connections: server.keepAliveTimeout must be above the idle timeout of the client or load balancer"
            }
            Advice::IdleClosesOfOnePeer => {
                "most idle connections that the server closes are of one peer, probably a load balancer: server.keepAliveTimeout should be above its idle timeout"
            }
        }
    }
}

/// Returns each advice that the numbers justify, with the peer that it is about.
pub fn of<'a>(numbers: &Numbers<'a>) -> Vec<(Advice, Option<&'a Peer>)> {
    let most_of = |peer: &&Peer, all: u64| {
        let count = peer.count.saturating_sub(peer.error);
        count >= MANY && count > all / 2
    };
    let mut advice = Vec::new();
    if let Some(peer) = numbers.peer.filter(|peer| most_of(peer, numbers.refusals)) {
        advice.push((Advice::OnePeer, Some(peer)));
    }
    let slow = |peer: &&Peer| peer.count.saturating_sub(peer.error) >= MANY_SLOW;
    if let Some(peer) = numbers.slow.filter(slow) {
        advice.push((Advice::Slowloris, Some(peer)));
    }
    if numbers.races > 0 {
        advice.push((Advice::KeepAliveRaces, numbers.idle_peer));
    } else if let Some(peer) = numbers
        .idle_peer
        .filter(|peer| most_of(peer, numbers.idle_closes))
    {
        advice.push((Advice::IdleClosesOfOnePeer, Some(peer)));
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(count: u64, error: u64) -> Peer {
        Peer {
            address: "192.0.2.1".to_owned(),
            count,
            error,
        }
    }

    fn ids(numbers: &Numbers<'_>) -> Vec<&'static str> {
        of(numbers).iter().map(|(advice, _)| advice.id()).collect()
    }

    #[test]
    fn each_advice_is_given_and_not_of_numbers_nearby() {
        let none: [&str; 0] = [];
        assert_eq!(ids(&Numbers::default()), none);

        let many = |peer, refusals| Numbers {
            peer,
            refusals,
            ..Numbers::default()
        };
        let (most, doubtful) = (peer(100, 0), peer(100, 1));
        assert_eq!(ids(&many(Some(&most), 199)), ["one-peer"]);
        assert_eq!(ids(&many(Some(&most), 200)), none);
        assert_eq!(ids(&many(Some(&doubtful), 100)), none);

        let slow = |peer| Numbers {
            slow: peer,
            ..Numbers::default()
        };
        let (ten, nine) = (peer(10, 0), peer(9, 0));
        assert_eq!(ids(&slow(Some(&ten))), ["slowloris"]);
        assert_eq!(ids(&slow(Some(&nine))), none);

        let idle = |peer, idle_closes, races| Numbers {
            idle_peer: peer,
            idle_closes,
            races,
            ..Numbers::default()
        };
        assert_eq!(ids(&idle(None, 1, 1)), ["keep-alive-races"]);
        assert_eq!(ids(&idle(Some(&most), 150, 0)), ["idle-closes-one-peer"]);
        assert_eq!(ids(&idle(Some(&most), 250, 0)), none);
        assert_eq!(ids(&idle(Some(&doubtful), 99, 0)), none);
    }
}
