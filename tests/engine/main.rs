//! The engine over real sockets. The test takes the place of JavaScript. All tests run twice.
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
    /// With established connections on the JavaScript thread.
    js_thread, 0
);

suite!(
    /// With established connections on an I/O thread.
    io_thread, 1
);
