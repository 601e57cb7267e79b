//! Options of the engine.

use napi_derive::napi;

/// Most I/O threads that make sense on any machine.
const MAX_IO_THREADS: u32 = 64;

/// The third argument of `new Engine`.
#[napi(object)]
#[derive(Debug, Default)]
pub struct EngineOptions {
    /// I/O threads; without it, the environment's FERROHTTP_IO_THREADS, else 1.
    pub io_threads: Option<u32>,
    /// `process.versions.llhttp`
    pub llhttp: String,
    /// Major version of Node.
    pub node: u32,
}

impl EngineOptions {
    pub fn io_threads(&self) -> usize {
        let environment = || std::env::var("FERROHTTP_IO_THREADS").ok()?.parse().ok();
        self.io_threads
            .or_else(environment)
            .unwrap_or(1)
            .clamp(1, MAX_IO_THREADS) as usize
    }
}
