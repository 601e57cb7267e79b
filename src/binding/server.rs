//! The class `NativeServer`: settings, listeners and counters of one server.

use std::rc::Rc;
use std::sync::Arc;

use napi::Result;
use napi::bindgen_prelude::Either;
use napi_derive::napi;

use super::bridge::Local;
use super::values::invalid;
use crate::server::{Server, Settings};
#[cfg(unix)]
use {
    crate::conn::{self, Conn},
    crate::http1::Code,
    crate::listener::{self, Listener},
    crate::record,
};

/// One server.
#[napi]
pub struct NativeServer {
    #[cfg(unix)]
    local: Rc<Local>,
    pub(super) server: Arc<Server>,
}

impl NativeServer {
    pub(super) fn new(local: &Rc<Local>, id: u32) -> NativeServer {
        NativeServer {
            #[cfg(unix)]
            local: local.clone(),
            server: Arc::new(Server::new(id, local.profile)),
        }
    }
}

#[napi]
impl NativeServer {
    /// The id in server records.
    #[napi(catch_unwind, getter)]
    pub fn id(&self) -> u32 {
        self.server.id
    }

    /// Changes a setting. Throws if there is no such setting.
    #[napi(catch_unwind)]
    pub fn set(&self, name: String, value: f64) -> Result<()> {
        if self.server.settings.set(&name, value as i64) {
            return Ok(());
        }
        let known = Settings::NAMES.join(", ");
        Err(invalid(&format!("No setting {name}; there are {known}")))
    }

    /// Counts refusals that JavaScript made.
    #[napi(catch_unwind)]
    pub fn count(&self, code: String, times: u32) {
        self.server.counters.count_text(&code, times.into());
    }

    /// Code, count, code, count, ... of all refusals so far.
    #[napi(catch_unwind)]
    pub fn counts(&self) -> Vec<Either<String, f64>> {
        let counts = self.server.counters.snapshot().into_iter();
        counts
            .flat_map(|(code, count)| [Either::A(code), Either::B(count as f64)])
            .collect()
    }
}

#[cfg(unix)]
#[napi]
impl NativeServer {
    /// Listens on a duplicate of a bound descriptor. The id of the listener, or -errno.
    #[napi(catch_unwind)]
    pub fn listen(&self, fd: i32, backlog: i32) -> i32 {
        let native = &self.local.native;
        let listener = native
            .serve()
            .and_then(|()| Listener::open(&native.core, &self.server, fd, backlog));
        match listener {
            Ok(listener) => {
                self.local.hold();
                let mut listeners = native.listeners.borrow_mut();
                let free = listeners.iter().position(Option::is_none);
                let place = free.unwrap_or(listeners.len());
                if free.is_none() {
                    listeners.push(None);
                }
                listeners[place] = Some(listener);
                place as i32 + 1
            }
            Err(error) => negative(&error),
        }
    }

    /// Stops listening; the duplicate is closed when this returns.
    #[napi(catch_unwind)]
    pub fn unlisten(&self, listener: u32) {
        let mut listeners = self.local.native.listeners.borrow_mut();
        let place = (listener as usize).wrapping_sub(1);
        if let Some(listener) = listeners.get_mut(place).and_then(Option::take) {
            listener.close();
        }
    }

    /// Takes over a duplicate of a connected descriptor. 0 or -errno.
    #[napi(catch_unwind)]
    pub fn adopt(&self, fd: i32) -> i32 {
        let native = &self.local.native;
        let adopted = native
            .serve()
            .and_then(|()| listener::adopt(&native.core, &self.server, fd));
        match adopted {
            Ok(()) => {
                self.local.hold();
                0
            }
            Err(error) => negative(&error),
        }
    }

    /// Open connections.
    #[napi(catch_unwind, getter)]
    pub fn connections(&self) -> f64 {
        self.server.connections.open() as f64
    }

    /// Those of them that were not detached.
    #[napi(catch_unwind, getter)]
    pub fn owned(&self) -> f64 {
        self.server.connections.owned() as f64
    }

    /// Changes the number of open ones: JavaScript has ended a connection that was detached.
    #[napi(catch_unwind)]
    pub fn adjust(&self, delta: f64) {
        conn::adjust_open(&self.local.native.core, &self.server, delta as i64);
    }

    /// Connections whose message takes longer than the limits (ms, 0 for none), each once per
    /// message. Strangers are refused at once if they may be.
    #[napi(catch_unwind)]
    pub fn expired(&self, headers: f64, request: f64) -> Vec<u32> {
        let now = record::now();
        let (headers, request) = (headers as u64, request as u64);
        let overdue = self
            .server
            .connections
            .pick(|conn| conn.is_newly_overdue(now, headers, request));
        let known = overdue
            .into_iter()
            .filter(|conn| !conn.refuse_stranger(Code::RequestTimeout));
        self.ids(known)
    }

    /// Connections between messages.
    #[napi(catch_unwind)]
    pub fn idle(&self) -> Vec<u32> {
        self.ids(self.server.connections.pick(Conn::is_idle).into_iter())
    }

    /// Every connection.
    #[napi(catch_unwind)]
    pub fn all(&self) -> Vec<u32> {
        self.ids(self.server.connections.pick(|_| true).into_iter())
    }

    fn ids(&self, conns: impl Iterator<Item = Arc<Conn>>) -> Vec<u32> {
        let mut known = self.local.native.connections.borrow_mut();
        conns
            .filter(|conn| conn.show())
            .filter_map(|conn| known.id_of(&conn))
            .collect()
    }
}

#[cfg(unix)]
fn negative(error: &std::io::Error) -> i32 {
    -error.raw_os_error().unwrap_or(libc::EIO)
}
