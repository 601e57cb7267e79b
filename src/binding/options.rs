//! Options of the engine.

use crate::http1::HeaderCount;
use napi_derive::napi;

/// The largest number of I/O threads.
#[cfg(unix)]
const MAX_IO_THREADS: usize = 64;

/// The third argument of `new Engine`.
#[napi(object)]
#[derive(Debug, Default)]
pub struct EngineOptions {
    /// `process.versions.llhttp`.
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
}

/// The number of I/O threads that read established connections, from the environment variable FERROHTTP_IO_THREADS.
/// With 0 the JavaScript thread reads them.
#[cfg(unix)]
pub fn io_threads() -> usize {
    let asked = std::env::var("FERROHTTP_IO_THREADS").ok();
    let number = asked.and_then(|text| text.parse().ok()).unwrap_or(0);
    usize::min(number, MAX_IO_THREADS)
}
