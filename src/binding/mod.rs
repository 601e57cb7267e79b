//! What JavaScript sees: `Engine`, `NativeServer`, `NativeParser` and the parser's tables. The
//! calls are described in docs/architecture.md, 'The bridge'. Only lib/ uses them.

// Tests register no exports.
#![cfg_attr(test, allow(dead_code))]
// napi-rs gives arguments by value, and what it makes classes of is for JavaScript.
#![allow(clippy::needless_pass_by_value, missing_debug_implementations)]

#[cfg(unix)]
mod calls;
mod engine;
mod local;
#[cfg(unix)]
mod native;
mod observe;
mod options;
#[cfg(unix)]
mod pages;
mod parser;
mod server;
mod strings;
#[cfg(unix)]
mod uv;
mod values;
#[cfg(unix)]
mod wake;

use napi_derive::napi;

use crate::http1::{Code, METHODS, Reason, names};

/// Error codes, at the numbers that FAILED and END records use.
#[napi]
pub fn codes() -> Vec<&'static str> {
    Code::ALL.iter().map(|code| code.as_str()).collect()
}

/// The default replies, at the numbers of `codes()`. Every other code has the 400.
#[napi]
pub fn replies() -> Vec<String> {
    let text = |code: &Code| String::from_utf8_lossy(code.default_reply()).into_owned();
    Code::ALL.iter().map(text).collect()
}

/// Error reasons, at the numbers that FAILED and END records use.
#[napi]
pub fn reasons() -> Vec<&'static str> {
    Reason::ALL.iter().map(|reason| reason.as_str()).collect()
}

/// Field names that records give by their number.
#[napi]
pub fn field_names() -> Vec<&'static str> {
    names::NAMES.to_vec()
}

/// Request methods, at the numbers that HEAD records use.
#[napi]
pub fn methods() -> Vec<&'static str> {
    METHODS.to_vec()
}
