//! Invariants, which hold whatever a client sends. If one does not hold, a debug build panics, and with it every test
//! and fuzz target. A release build counts that, and goes on with the default value of the type.

use std::sync::atomic::{AtomicU64, Ordering};

static BROKEN: AtomicU64 = AtomicU64::new(0);

/// How often an [`invariant!`](macro@crate::invariant) did not hold in this process. Anything but 0 is a
/// defect.
pub fn broken() -> u64 {
    BROKEN.load(Ordering::Relaxed)
}

#[doc(hidden)]
#[cold]
#[track_caller]
pub fn note_broken(invariant: &str) {
    BROKEN.fetch_add(1, Ordering::Relaxed);
    debug_assert!(false, "this must always hold: {invariant}");
}

/// The value of an option that is never None, for the given reason. If it is None, a debug build panics. A release
/// build counts that in [`broken`], and uses the default value of the type.
#[macro_export]
macro_rules! invariant {
    ($option:expr, $reason:literal $(,)?) => {
        match $option {
            ::core::option::Option::Some(value) => value,
            ::core::option::Option::None => {
                $crate::invariant::note_broken($reason);
                ::core::default::Default::default()
            }
        }
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_invariant_that_holds_gives_the_value() {
        assert_eq!(invariant!(Some(1), "it is there"), 1);
    }

    #[test]
    #[cfg_attr(debug_assertions, should_panic = "this must always hold: it is there")]
    fn one_that_does_not_hold_panics_or_is_counted() {
        let before = super::broken();
        let value: &[u8] = invariant!(None, "it is there");
        assert!(value.is_empty());
        assert_eq!(super::broken(), before + 1);
    }
}
