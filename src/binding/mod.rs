//! What JavaScript sees: `Engine`, `NativeServer`, `NativeParser` and the tables of the parser. docs/architecture.md,
//! 'The bridge', describes the calls. Only lib/ uses them.

// Tests register no exports.
#![cfg_attr(test, allow(dead_code))]
// napi-rs passes arguments by value, and its classes are only for JavaScript.
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

/// The error codes. FAILED and END have indexes of this table.
#[napi]
pub fn codes() -> Vec<&'static str> {
    Code::ALL.iter().map(|code| code.as_str()).collect()
}

/// The default replies, in the order of `codes()`. Every other code has the 400.
#[napi]
pub fn replies() -> Vec<String> {
    let text = |code: &Code| String::from_utf8_lossy(code.default_reply()).into_owned();
    Code::ALL.iter().map(text).collect()
}

/// The error reasons. FAILED and END have indexes of this table.
#[napi]
pub fn reasons() -> Vec<&'static str> {
    Reason::ALL.iter().map(|reason| reason.as_str()).collect()
}

/// The field names that records refer to by index.
#[napi]
pub fn field_names() -> Vec<&'static str> {
    names::NAMES.to_vec()
}

/// The request methods. HEAD has an index of this table.
#[napi]
pub fn methods() -> Vec<&'static str> {
    METHODS.to_vec()
}
