//! Refusals for operators: they are counted, explained and kept.
//!
//! | Module | What it holds |
//! |---|---|
//! | [`counters`] | counts by code, for `clientErrorCounts()` |
//! | [`refusals`] | all that one server keeps of its refusals |
//! | [`store`] | the last ones, and the first and last of each kind |
//! | [`kind`] | code, reason and hint, by which they are counted |
//! | [`facts`], [`text`] | what is kept of one refusal |
//! | [`secrets`] | what is hidden in it |
//! | [`hints`], [`classify`], [`detail`] | what the client most likely was |
//! | [`peers`] | the peers with the most refusals |
//! | [`advice`] | what many refusals together mean |
//! | [`bucket`] | how many refusals are looked at closely |
//! | [`explain`] | the same for given bytes, without a connection |
//! | [`replies`] | the program's own replies |
//! | [`json`] | refusals for JavaScript |
//!
//! Looking at a refusal makes no system call, except one for the local address if the listener listens on every
//! address. It allocates nothing after the first refusals of each kind. In a flood most refusals are only counted.

pub mod advice;
pub mod bucket;
pub mod classify;
pub mod counters;
pub mod detail;
pub mod explain;
pub mod facts;
pub mod hints;
pub mod json;
pub mod kind;
pub mod peers;
pub mod refusals;
pub mod replies;
pub mod secrets;
pub mod store;
pub mod text;
