//! Options of the engine.

use crate::http1::HeaderCount;
use napi_derive::napi;

/// Most I/O threads that make sense on any machine.
const MAX_IO_THREADS: u32 = 64;

/// The third argument of `new Engine`.
#[napi(object)]
#[derive(Debug, Default)]
pub struct EngineOptions {
    /// I/O threads that read established connections; 0: the JavaScript thread does. Without it,
    /// the environment's FERROHTTP_IO_THREADS, else 0.
    pub io_threads: Option<u32>,
    /// `process.versions.llhttp`
    pub llhttp: String,
    /// What happens to header lines beyond `maxHeadersCount`: `drop`, `truncate` or `refuse`.
    pub many_fields: String,
    /// Whether an accepted upgrade drops the request's body.
    pub upgrade_skips_body: bool,
}

impl EngineOptions {
    pub fn header_count(&self) -> HeaderCount {
        match self.many_fields.as_str() {
            "drop" => HeaderCount::DropGroups,
            "truncate" => HeaderCount::Truncate,
            _ => HeaderCount::Refuse,
        }
    }

    pub fn io_threads(&self) -> usize {
        let environment = || std::env::var("FERROHTTP_IO_THREADS").ok()?.parse().ok();
        self.io_threads
            .or_else(environment)
            .unwrap_or(0)
            .min(MAX_IO_THREADS) as usize
    }
}
