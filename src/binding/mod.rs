//! What JavaScript sees: `Engine`, `NativeServer`, `NativeParser` and the parser's tables. The
//! calls are described in docs/architecture.md, 'The bridge'. Only lib/ uses them.

// Tests register no exports.
#![cfg_attr(test, allow(dead_code))]

mod bridge;
#[cfg(unix)]
mod calls;
#[cfg(unix)]
mod connections;
mod options;
mod parser;
mod server;
mod values;
#[cfg(unix)]
mod wake;

use napi_derive::napi;

use crate::http1::{Code, METHODS, Reason};

/// Error codes, at the numbers that FAILED and END records use.
#[napi]
pub fn codes() -> Vec<&'static str> {
    Code::ALL.iter().map(|code| code.as_str()).collect()
}

/// Code, default reply, code, default reply, ...; the code '' stands for all others.
#[napi]
pub fn replies() -> Vec<&'static str> {
    let text = |code: Code| std::str::from_utf8(code.default_reply()).unwrap_or("");
    let usual = text(Code::InvalidMethod);
    let special = Code::ALL.iter().filter(|code| text(**code) != usual);
    special
        .flat_map(|code| [code.as_str(), text(*code)])
        .chain(["", usual])
        .collect()
}

/// Error reasons, at the numbers that FAILED and END records use.
#[napi]
pub fn reasons() -> Vec<&'static str> {
    Reason::ALL.iter().map(|reason| reason.as_str()).collect()
}

/// Request methods, at the numbers that HEAD records use.
#[napi]
pub fn methods() -> Vec<&'static str> {
    METHODS.to_vec()
}
