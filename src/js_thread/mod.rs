//! The JavaScript thread's side: which connection has which id, what is delivered when, and the tasks that run there.
//!
//! | Module | What it holds |
//! |---|---|
//! | [`connections`] | connections by id, and the deliveries of a turn of the event loop |
//! | [`postponed`] | connections that are read later, because FIN was sent |
//! | [`reactor`] | tasks that run on this thread, and when their descriptors are ready |
//! | [`slots`] | numbers that are used again, told apart |

pub mod connections;
#[cfg(test)]
mod model;
pub mod postponed;
pub mod reactor;
#[cfg(all(test, feature = "schedules"))]
mod schedules;
pub mod slots;
