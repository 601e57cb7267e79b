//! The engine over real sockets, with the test in JavaScript's place. All tests run twice.
#![cfg(unix)]

macro_rules! suite {
    ($(#[$about:meta])* $name:ident, $io_threads:literal) => {
        $(#[$about])*
        mod $name {
            const IO_THREADS: usize = $io_threads;

            include!("host.rs");

            suite!(@ bodies "bodies.rs", life "life.rs", output "output.rs", packets "packets.rs",
                refusals "refusals.rs", upgrades "upgrades.rs");
        }
    };
    (@ $($subject:ident $file:literal),*) => {
        $(mod $subject {
            use super::*;

            include!($file);
        })*
    };
}

suite!(
    /// Established connections on the thread of JavaScript.
    js_thread, 0
);

suite!(
    /// Established connections on a thread of their own.
    io_thread, 1
);
