//! The open connections of one server.

use std::sync::Arc;

use super::Conn;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicI64, Ordering};

/// The open connections of a server.
#[derive(Debug, Default)]
pub struct Registry {
    /// In no order. Each connection knows its place.
    list: Mutex<Vec<Arc<Conn>>>,
    open: AtomicI64,
    owned: AtomicI64,
}

impl Registry {
    /// The number of connections that are open as far as JavaScript can know.
    pub fn open(&self) -> i64 {
        self.open.load(Ordering::Relaxed)
    }

    /// How many of them were not given away.
    pub fn owned(&self) -> i64 {
        self.owned.load(Ordering::Relaxed)
    }

    /// Changes the number of open connections.
    pub(super) fn adjust(&self, delta: i64) {
        self.open.fetch_add(delta, Ordering::Relaxed);
    }

    /// Changes the number of those that were not given away.
    pub(super) fn adjust_owned(&self, delta: i64) {
        self.owned.fetch_add(delta, Ordering::Relaxed);
    }

    pub(super) fn add(&self, conn: &Arc<Conn>) {
        let mut list = crate::lock(&self.list);
        conn.place.store(list.len() as u32, Ordering::Relaxed);
        list.push(conn.clone());
    }

    pub(super) fn remove(&self, conn: &Conn) {
        let mut list = crate::lock(&self.list);
        let place = conn.place.load(Ordering::Relaxed) as usize;
        if list
            .get(place)
            .is_some_and(|at| std::ptr::eq(&raw const **at, conn))
        {
            list.swap_remove(place);
            if let Some(moved) = list.get(place) {
                moved.place.store(place as u32, Ordering::Relaxed);
            }
        }
    }

    /// Returns the connections for which `pick` returns true.
    pub fn pick(&self, mut pick: impl FnMut(&Conn) -> bool) -> Vec<Arc<Conn>> {
        crate::lock(&self.list)
            .iter()
            .filter(|conn| pick(conn))
            .cloned()
            .collect()
    }
}
