//! How far the message in progress has come, for the timeouts.

#[cfg(not(all(target_os = "linux", not(miri))))]
use std::time::Instant;

use crate::observe::store::{Bound, Exceeded};

/// How far the message in progress has come, for the timeouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// When the message began, in ns of [`now`]; for the first message, when the connection began. 0 between two
    /// messages.
    pub start: u64,
    /// The head of the message is complete.
    pub headers_complete: bool,
    /// The first byte of a message was seen, now or earlier.
    pub begun: bool,
}

impl Progress {
    /// The progress of a connection that begins now.
    pub fn begin() -> Progress {
        Progress {
            start: now(),
            headers_complete: false,
            begun: false,
        }
    }

    /// The limit that [`overdue`](Self::overdue) found passed.
    pub fn passed(&self, now: u64, headers: u64, request: u64) -> Option<Exceeded> {
        if self.start == 0 {
            return None;
        }
        let seen = now.saturating_sub(self.start) / 1_000_000;
        let of = |headers, value| Exceeded {
            bound: match headers {
                true => Bound::HeadersTimeout,
                false => Bound::RequestTimeout,
            },
            value,
            seen,
        };
        // Node takes the smaller of two limits for the headers.
        let swapped = request > 0 && headers > request;
        let (first, second) = if swapped {
            (request, headers)
        } else {
            (headers, request)
        };
        if !self.headers_complete && first > 0 && seen >= first {
            return Some(of(!swapped, first));
        }
        (second > 0).then(|| of(swapped, second))
    }

    /// Whether the message in progress takes longer than one of the two limits (ms; 0 for none) allows.
    pub fn overdue(&self, now: u64, headers: u64, request: u64) -> bool {
        // Node takes the smaller of two limits for the headers.
        let (headers, request) = if request > 0 && headers > request {
            (request, headers)
        } else {
            (headers, request)
        };
        let older = |limit: u64| {
            limit > 0
                && self.start != 0
                && now.saturating_sub(self.start) > limit.saturating_mul(1_000_000)
        };
        (!self.headers_complete && older(headers)) || older(request)
    }
}

/// Nanoseconds of a monotonic clock; never 0. It is read at each request, and `Instant` takes twice as long.
#[cfg(all(target_os = "linux", not(miri)))]
pub fn now() -> u64 {
    // SAFETY: the structure has only numbers, and the pointer to it is valid. Linux has this clock.
    let time = unsafe {
        let mut time: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time);
        time
    };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64 + 1
}

/// Nanoseconds of a monotonic clock; never 0.
#[cfg(not(all(target_os = "linux", not(miri))))]
pub fn now() -> u64 {
    static ORIGIN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let elapsed = ORIGIN.get_or_init(Instant::now).elapsed();
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX - 1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn progress(start: u64, headers_complete: bool) -> Progress {
        Progress {
            start,
            headers_complete,
            begun: true,
        }
    }

    #[test]
    fn a_head_is_overdue_after_the_headers_timeout() {
        let head = progress(SECOND, false);
        assert!(!head.overdue(2 * SECOND, 1_000, 5_000));
        assert!(head.overdue(2 * SECOND + 1, 1_000, 5_000));
        assert!(!progress(SECOND, true).overdue(3 * SECOND, 1_000, 5_000));
    }

    #[test]
    fn a_message_is_overdue_after_the_request_timeout() {
        assert!(progress(SECOND, true).overdue(7 * SECOND, 1_000, 5_000));
        assert!(!progress(SECOND, true).overdue(7 * SECOND, 1_000, 0));
        assert!(!progress(0, true).overdue(700 * SECOND, 1_000, 5_000));
    }

    #[test]
    fn the_smaller_limit_is_that_of_the_headers() {
        assert!(progress(SECOND, false).overdue(3 * SECOND, 9_000, 1_000));
        assert!(!progress(SECOND, true).overdue(3 * SECOND, 9_000, 1_000));
    }
}
