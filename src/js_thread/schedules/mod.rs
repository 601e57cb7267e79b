//! Tests of the engine's threads in many orders. The accept thread, an I/O thread, the JavaScript thread and the peers run one
//! at a time, and a random choice decides at each lock and each atomic which one goes on. A lost wake-up leaves threads
//! that wait for each other, which is found at once. `cargo test --lib --features schedules schedules` runs these
//! tests; `crate::sync` says how.
//!
//! They do not find an atomic whose ordering is too weak, because all threads see each change at once.

mod deferred;
mod ends;
mod js;
mod lives;

use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

use crate::conn::simulation;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// How many orders of each test are tried. The environment variable `SCHEDULES` sets another number.
const ORDERS: usize = 1000;

/// Runs a test in many orders: half of them with equal chances for all threads, and half with some threads that are
/// late.
fn explore(test: impl Fn() + Send + Sync + Copy + 'static) {
    let wanted = std::env::var("SCHEDULES").ok();
    let orders = wanted.and_then(|text| text.parse().ok()).unwrap_or(ORDERS);
    run(RandomScheduler::new(orders / 2), test);
    run(PctScheduler::new(3, orders / 2), test);
}

fn run(scheduler: impl Scheduler + 'static, test: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    config.stack_size = 256 * 1024;
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(move || {
        simulation::reset(false);
        test();
    });
}

fn one_of(count: usize) -> usize {
    thread_rng().gen_range(0..count)
}
