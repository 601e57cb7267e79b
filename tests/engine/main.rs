//! The engine over real sockets, with the test in JavaScript's place.
#![cfg(unix)]

/// Established connections on the thread of JavaScript.
mod js_thread {
    const IO_THREADS: usize = 0;
    include!("suite.rs");
}

/// Established connections on a thread of their own.
mod io_thread {
    const IO_THREADS: usize = 1;
    include!("suite.rs");
}
