//! What operators can see.

pub mod counters;
