//! ferrohttp: the native half of a drop-in for Node's `http.createServer`.
//!
//! | Module | What it holds |
//! |---|---|
//! | [`http1`] | the HTTP/1 request parser with llhttp's verdicts; no napi, no tokio, no unsafe |

pub mod http1;
