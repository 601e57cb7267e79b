//! Limits how many refusals are looked at closely in a second.

/// A token bucket. At first it is full.
#[derive(Debug)]
pub struct Bucket {
    /// The level in billionths of a token.
    level: u64,
    /// The time of the last refill in ns.
    filled: u64,
}

/// How many tokens come in a second, and how many the bucket holds.
pub const RATE: u64 = 1000;

const TOKEN: u64 = 1_000_000_000;

impl Default for Bucket {
    fn default() -> Bucket {
        Bucket {
            level: RATE * TOKEN,
            filled: 0,
        }
    }
}

impl Bucket {
    /// Takes a token, if there is one. `now` is in ns.
    pub fn take(&mut self, now: u64) -> bool {
        let passed = now.saturating_sub(self.filled);
        self.filled = now;
        let more = passed.saturating_mul(RATE);
        self.level = self.level.saturating_add(more).min(RATE * TOKEN);
        let enough = self.level >= TOKEN;
        if enough {
            self.level -= TOKEN;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore = "it takes Miri hours")]
    fn a_flood_gets_no_more_than_the_rate() {
        let mut bucket = Bucket::default();
        let second = 1_000_000_000;
        // 100,000 a second for two seconds.
        let taken = (0..200_000u64)
            .filter(|i| bucket.take(i * second / 100_000))
            .count();
        assert!((2999..=3001).contains(&taken), "{taken}");
        // After a pause there are as many again, and not more.
        let taken = (0..5000).filter(|_| bucket.take(9 * second)).count();
        assert_eq!(taken, 1000);
    }
}
