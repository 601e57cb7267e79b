//! What operators can see: refusals counted, explained and kept.
//!
//! | Module | What it holds |
//! |---|---|
//! | [`counters`] | counts by code, for `clientErrorCounts()` |
//! | [`refusals`] | all that one server keeps of its refusals |
//! | [`store`] | the last ones, and the first and last of each kind |
//! | [`kind`] | what they are counted by |
//! | [`facts`], [`text`] | what is kept of one |
//! | [`secrets`] | what is hidden of it |
//! | [`hints`], [`classify`], [`detail`] | what it most likely was |
//! | [`peers`] | who is refused most |
//! | [`advice`] | what many refusals together say |
//! | [`bucket`] | how many are looked at closely |
//! | [`explain`] | the same for bytes that nobody sent |
//! | [`replies`] | replies in a program's own words |
//! | [`json`] | refusals for JavaScript |
//!
//! A capture makes no system call, but for the local address of what a listener on every address
//! accepted, and allocates nothing after the first refusals of each kind. In a flood refusals are
//! only counted.

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
