//! The class `NativeServer`: settings, listeners and counters of one server.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use napi::Result;
use napi::bindgen_prelude::{Buffer, Either, Uint8Array};
use napi_derive::napi;

use super::local::Local;
use super::parser::NativeParser;
use super::values::invalid;
use crate::http1::{Code, Reason};
use crate::observe::facts::EXCERPT;
use crate::observe::kind::{CodeNumber, Kind};
use crate::observe::refusals::{Options, Seen};
use crate::observe::replies::{Escape, Filling, Replies, Reply};
use crate::observe::secrets::Secrets;
use crate::observe::store::{Bound, Circumstances, Exceeded, Outcome, RING};
use crate::observe::text::Text;
use crate::server::{Server, Settings};
#[cfg(unix)]
use {
    crate::conn::{self, Conn},
    crate::listener::{self, Listener},
    crate::record,
};

/// One server.
#[napi]
pub struct NativeServer {
    local: Rc<Local>,
    pub(super) server: Arc<Server>,
    /// `headersTimeout` and `requestTimeout` at the last check (ms).
    limits: Cell<(u64, u64)>,
}

impl NativeServer {
    pub(super) fn new(local: &Rc<Local>, id: u32) -> NativeServer {
        NativeServer {
            local: local.clone(),
            server: Arc::new(Server::new(id, local.profile)),
            limits: Cell::default(),
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

    /// Sets the limits that refusals of overdue messages name (ms, 0 for none).
    #[napi(catch_unwind)]
    pub fn set_limits(&self, headers: f64, request: f64) {
        self.limits.set((headers as u64, request as u64));
    }

    /// Sets what is kept of refusals: how many (0 to 64), how many bytes of a packet (0 to 256), the names of more
    /// fields whose values are hidden, and whether values in queries are hidden.
    #[napi(catch_unwind)]
    pub fn set_refusals(&self, keep: u32, excerpt: u32, fields: Vec<String>, query: bool) {
        let fields = fields.iter().map(String::as_str);
        self.server.refusals.set_options(Options {
            keep: (keep as usize).min(RING),
            excerpt: (excerpt as usize).min(EXCERPT),
            secrets: Secrets::new(fields, query),
        });
    }

    /// Sets the program's own replies. A reply has the same index in each array: code ('default' for all others),
    /// status, head, body, and how the placeholders of the body are escaped (0 plain text, 1 JSON, 2 HTML). It is
    /// called at most once.
    #[napi(catch_unwind)]
    pub fn set_replies(
        &self,
        codes: Vec<String>,
        statuses: Vec<u32>,
        heads: Vec<Uint8Array>,
        bodies: Vec<Uint8Array>,
        escapes: Vec<u32>,
    ) {
        let mut replies = Replies::default();
        let texts = heads.iter().zip(&bodies);
        let numbers = statuses.iter().zip(&escapes);
        for (code, ((status, escape), (head, body))) in codes.iter().zip(numbers.zip(texts)) {
            let code = Code::ALL.iter().find(|known| known.as_str() == code);
            let escape = match escape {
                1 => Escape::Json,
                2 => Escape::Html,
                _ => Escape::Plain,
            };
            replies.set(
                code.copied(),
                Reply::new(*status as u16, head, body, escape),
            );
        }
        self.server.refusals.set_replies(replies);
    }

    /// The program's own reply to a code, reason, field and refusal, if it has one.
    #[napi(catch_unwind)]
    pub fn reply(
        &self,
        code: String,
        reason: String,
        field: Uint8Array,
        id: f64,
    ) -> Option<Buffer> {
        let replies = self.server.refusals.replies()?;
        let known = Code::ALL.iter().find(|known| known.as_str() == code);
        let reply = replies.get(known.copied())?;
        let filling = Filling {
            code: &code,
            reason: &reason,
            field: &field,
            id: id as u64,
        };
        Some(reply.render(filling).into())
    }

    /// The kept refusals with a higher number than `after`, as JSON.
    #[napi(catch_unwind)]
    pub fn refusals(&self, after: f64) -> String {
        self.server.refusals.since(after as u64)
    }

    /// The number of refusals so far, which is also the number of the last one.
    #[napi(getter, catch_unwind)]
    pub fn refusal_count(&self) -> f64 {
        self.server.refusals.count() as f64
    }

    /// The refusal with this number as JSON, if it is kept.
    #[napi(catch_unwind)]
    pub fn refusal(&self, seq: f64) -> Option<String> {
        self.server.refusals.one(seq as u64)
    }

    /// Counts of refusals and connections, as JSON.
    #[napi(catch_unwind)]
    pub fn refusal_stats(&self) -> String {
        self.server.refusals.stats()
    }

    /// Counts and keeps a refusal that JavaScript has decided, and returns its number. `token` is that of the delivery,
    /// or 0; `id` that of the connection, or 0; `reason` is an index, or -1. `outcome` is 0 for a reply with this
    /// status, 1 if it was left to a listener, and 2 for closed. `repeat` says whether it repeats an earlier one. If
    /// JavaScript reads the connection, its parser and both addresses are given, each address with its port behind a
    /// space.
    #[napi(catch_unwind)]
    #[allow(clippy::too_many_arguments)] // an object costs more than all of the call
    pub fn refused(
        &self,
        token: u32,
        id: u32,
        code: String,
        reason: i32,
        outcome: u32,
        status: u32,
        repeat: bool,
        parser: Option<&NativeParser>,
        peer: Option<String>,
        local: Option<String>,
    ) -> f64 {
        self.server.counters.count_text(&code);
        let number = CodeNumber::of_text(&code);
        let reason = usize::try_from(reason).ok();
        let reason = reason.and_then(|index| Reason::ALL.get(index)).copied();
        let known = (token != 0).then(|| self.local.take_seen(token)).flatten();
        let (mut seen, overdue) = match (known, parser) {
            (Some(seen), _) => (*seen, None),
            _ if repeat => (self.see_bare(number, reason), None),
            (None, Some(parser)) => parser.look(number, reason, self.limits.get()),
            (None, None) => self
                .look(id, number, reason)
                .unwrap_or_else(|| (self.see_bare(number, reason), None)),
        };
        let circumstances = Circumstances {
            peer: peer.as_deref().and_then(address),
            local: local.as_deref().and_then(address),
            outcome: Outcome::of(outcome),
            status: status as u16,
            exceeded: overdue,
            repeat,
            own_code: (number.as_str() != code).then(|| Text::of(&[code.as_bytes()])),
            ..Circumstances::default()
        };
        self.server.refusals.add(&mut seen, circumstances) as f64
    }

    /// Notes that the program has answered the refusal with this number, with this status.
    #[napi(catch_unwind)]
    pub fn answered(&self, number: f64, status: u32) {
        self.server.refusals.answered(number as u64, status as u16);
    }

    /// JavaScript, or Node, has dropped a connection: addresses with their ports behind a space, and
    /// `maxConnections` with the number of open ones, or -1 where the address is blocked.
    #[napi(catch_unwind)]
    pub fn dropped(&self, peer: Option<String>, local: Option<String>, limit: f64, open: f64) {
        let crowd = (limit >= 0.0).then(|| Exceeded {
            bound: Bound::MaxConnections,
            value: limit as u64,
            seen: open as u64 + 1,
        });
        let peer = peer.as_deref().and_then(address);
        let local = || local.as_deref().and_then(address);
        self.server.refusals.note_drop(peer, crowd, local);
    }

    /// Has what the client of one of Node's own sockets still sends read for so many ms after FIN, and
    /// dropped, whenever the socket is closed. All that was written to it has to be with the kernel.
    #[napi(catch_unwind)]
    pub fn linger(&self, fd: i32, ms: f64) {
        #[cfg(unix)]
        if let Some(native) = &self.local.native
            && conn::linger::drain_duplicate(&native.core, fd, ms as u64)
                .and_then(|()| native.serve())
                .is_ok()
        {
            native.hold(self.local.env());
        }
        #[cfg(not(unix))]
        let _ = (fd, ms);
    }

    /// Notes that one of Node's own sockets was closed between two requests, with the address of its peer, and whether
    /// bytes were unread.
    #[napi(catch_unwind)]
    pub fn idle_closed(&self, peer: Option<String>, unread: bool) {
        let address = peer.as_deref().and_then(address);
        self.server.refusals.note_idle_close(address, unread);
    }

    /// Whether the kernel has unread bytes for a descriptor.
    #[napi(catch_unwind)]
    pub fn has_unread(&self, fd: i32) -> bool {
        #[cfg(unix)]
        return conn::io::has_unread(fd);
        #[cfg(not(unix))]
        {
            let _ = fd;
            false
        }
    }

    fn see_bare(&self, code: CodeNumber, reason: Option<Reason>) -> Seen {
        let kind = Kind {
            code,
            reason,
            hint: None,
        };
        self.server.refusals.see_bare(kind)
    }

    /// Looks at a connection that Rust reads.
    #[cfg(unix)]
    fn look(
        &self,
        id: u32,
        code: CodeNumber,
        reason: Option<Reason>,
    ) -> Option<(Seen, Option<Exceeded>)> {
        let connections = self.local.native.as_ref()?.connections.borrow();
        let conn = connections.get(id)?;
        if code == CodeNumber::of(Code::RequestTimeout) {
            let (headers, request) = self.limits.get();
            return Some(conn.see_overdue(headers, request));
        }
        Some((conn.look(code, reason, |_| None), None))
    }

    #[cfg(not(unix))]
    fn look(&self, _: u32, _: CodeNumber, _: Option<Reason>) -> Option<(Seen, Option<Exceeded>)> {
        None
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
    /// Listens on a duplicate of a bound descriptor. Returns the id of the listener, or -errno.
    #[napi(catch_unwind)]
    pub fn listen(&self, fd: i32, backlog: i32) -> Result<i32> {
        let native = self.local.native()?;
        let listener = native
            .serve()
            .and_then(|()| Listener::open(&native.core, &self.server, fd, backlog));
        Ok(match listener {
            Ok(listener) => {
                native.hold(self.local.env());
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
        })
    }

    /// Stops listening. The duplicate is closed when this returns.
    #[napi(catch_unwind)]
    pub fn unlisten(&self, listener: u32) -> Result<()> {
        let mut listeners = self.local.native()?.listeners.borrow_mut();
        let place = (listener as usize).wrapping_sub(1);
        if let Some(listener) = listeners.get_mut(place).and_then(Option::take) {
            listener.close();
        }
        Ok(())
    }

    /// Takes over a duplicate of a connected descriptor. Returns 0 or -errno; or both ends, as a DROPPED record has them,
    /// if the server has reached its limit and JavaScript has to hear of it.
    #[napi(catch_unwind)]
    pub fn adopt(&self, fd: i32) -> Result<Either<i32, String>> {
        let native = self.local.native()?;
        let adopted = native
            .serve()
            .and_then(|()| listener::adopt(&native.core, &self.server, fd));
        Ok(match adopted {
            Ok(dropped) => {
                native.hold(self.local.env());
                match dropped {
                    Some(ends) => Either::B(String::from_utf8_lossy(&ends).into_owned()),
                    None => Either::A(0),
                }
            }
            Err(error) => Either::A(negative(&error)),
        })
    }

    /// The number of open connections.
    #[napi(catch_unwind, getter)]
    pub fn connections(&self) -> f64 {
        self.server.connections.open() as f64
    }

    /// How many of them were not detached.
    #[napi(catch_unwind, getter)]
    pub fn owned(&self) -> f64 {
        self.server.connections.owned() as f64
    }

    /// Changes the number of open connections, because JavaScript has ended one that was detached.
    #[napi(catch_unwind)]
    pub fn adjust(&self, delta: f64) -> Result<()> {
        conn::adjust_open(&self.local.native()?.core, &self.server, delta as i64);
        Ok(())
    }

    /// Connections whose message takes longer than the limits (ms, 0 for none), once for each message. Those that
    /// JavaScript does not know are refused at once, if that is allowed.
    #[napi(catch_unwind)]
    pub fn expired(&self, headers: f64, request: f64) -> Result<Vec<u32>> {
        let now = record::now();
        let (headers, request) = (headers as u64, request as u64);
        let overdue = self
            .server
            .connections
            .pick(|conn| conn.is_newly_overdue(now, headers, request));
        let known = overdue
            .into_iter()
            .filter(|conn| !conn.refuse_overdue(headers, request));
        self.ids(known)
    }

    /// The connections that are between two messages.
    #[napi(catch_unwind)]
    pub fn idle(&self) -> Result<Vec<u32>> {
        self.ids(self.server.connections.pick(Conn::is_idle).into_iter())
    }

    /// Every connection.
    #[napi(catch_unwind)]
    pub fn all(&self) -> Result<Vec<u32>> {
        self.ids(self.server.connections.pick(|_| true).into_iter())
    }

    fn ids(&self, conns: impl Iterator<Item = Arc<Conn>>) -> Result<Vec<u32>> {
        let mut known = self.local.native()?.connections.borrow_mut();
        let ids = conns
            .filter(|conn| conn.show())
            .filter_map(|conn| known.id_of(&conn))
            .collect();
        Ok(ids)
    }
}

#[cfg(unix)]
fn negative(error: &std::io::Error) -> i32 {
    -error.raw_os_error().unwrap_or(libc::EIO)
}

/// An address and its port behind a space.
fn address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(' ')?;
    let address = address.split('%').next()?.parse().ok()?;
    Some(SocketAddr::new(address, port.parse().ok()?))
}
