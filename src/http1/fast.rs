//! The httparse fast path.
