//! ferrohttp: the native half of a drop-in for Node's `http.createServer`.
//!
//! | Module | What it holds |
//! |---|---|
//! | [`http1`] | the HTTP/1 request parser with llhttp's verdicts: the crate in `crates/h1` |
//! | [`layout`] | the numbers that Rust and JavaScript share |
//! | [`record`] | what a packet meant, laid out for JavaScript |
//! | [`memory`] | what bodies travel in |
//! | [`server`] | the live settings of one server, and what it counts |
//! | `buffer_pool` | small memory that is used again |
//! | `sync` | locks, atomics and runtimes, which tests of schedules simulate |
//! | [`observe`] | refusals: what is kept, counted and known of them |
//! | `engine` | threads, their life, and the queue to the JavaScript thread |
//! | `conn` | one connection: reads, parsing, writes, flow control, refusals |
//! | `js_thread` | ids of connections, the deliveries of a turn, and the tasks of the JavaScript thread |
//! | `listener` | accepting connections |
//! | `binding` | the classes that JavaScript sees; the only module that uses napi |
//!
//! docs/architecture.md tells how they work together. The engine needs descriptors and so exists
//! on Unix only; elsewhere JavaScript does the I/O and drives the parser through `NativeParser`.

pub use ferrohttp_h1 as http1;

pub mod layout;
pub mod memory;
pub mod observe;
pub mod record;
pub mod server;

mod buffer_pool;
mod sync;

mod binding;
#[cfg(unix)]
pub mod conn;
#[cfg(unix)]
pub mod engine;
#[cfg(unix)]
pub mod js_thread;
#[cfg(unix)]
pub mod listener;

use sync::lock;
