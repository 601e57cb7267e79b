//! What holds whatever arrives. A debug build, and with it every test and fuzz target, panics where it
//! does not. A release build goes on with the type's empty value and counts.

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

/// The value of an option that is never none, for the reason given. Panics in a debug build if it is;
/// in a release build [`broken`] counts it, and the value is the type's default.
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
