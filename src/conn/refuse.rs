//! Refusals: what is seen of them, and the end of new connections that JavaScript never hears of.

use std::os::fd::RawFd;

use super::address::{self, End};
use super::state::{Fate, Shutdown};
use super::{Conn, io, wake};
use crate::http1::{Code, Parser, Phase, Reason};
use crate::observe::classify;
use crate::observe::explain::status;
use crate::observe::hints::Hint;
use crate::observe::kind::{CodeNumber, Kind as RefusalKind};
use crate::observe::refusals::{Origin, Seen};
use crate::observe::store::{Circumstances, Exceeded, Outcome, Sight};
use crate::record::now;
use crate::server::Server;
use crate::sync::atomic::Ordering;

impl Conn {
    /// Sends a new connection the reply for `code`, counts the refusal, and closes the connection. Returns false if
    /// JavaScript knows the connection, or may have to hear of it.
    pub(super) fn refuse_new(
        &self,
        code: Code,
        seen: &mut Seen,
        overdue: Option<Exceeded>,
    ) -> bool {
        let replies = self.server.refusals.replies();
        let own = replies.and_then(|replies| replies.get(Some(code)));
        let ended = self.end_new(|fd| {
            self.locate(seen, fd);
            let circumstances = Circumstances {
                outcome: Outcome::Reply,
                status: own.map_or(status(code.default_reply()), |own| own.status),
                exceeded: overdue,
                ..Circumstances::default()
            };
            let own = own.map(|own| (own, seen.field()));
            let id = self.server.refusals.add(seen, circumstances);
            // What the kernel does not take is lost, as in Node after a write and a destroy.
            let _ = match own {
                Some((own, field)) => {
                    let filling = seen.filling(code.as_str(), &field, id);
                    io::send(fd, &[&own.render(filling)])
                }
                None => io::send(fd, &[code.default_reply()]),
            };
        });
        if ended {
            self.server.counters.count(code);
            self.refused.store(true, Ordering::Relaxed);
        }
        ended
    }

    /// Notes that the connection was refused with a reply, and is about to be closed.
    pub fn set_refused(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }

    /// Whether the descriptor stays open for a while after the connection is closed.
    pub(super) fn lingers(&self) -> bool {
        self.refused.load(Ordering::Relaxed) && self.server.settings.linger() > 0
    }

    /// Refuses a new connection whose message is overdue by these limits (ms).
    pub fn refuse_overdue(&self, headers: u64, request: u64) -> bool {
        if self.server.settings.native_refusals() == 0 {
            return false;
        }
        let (mut seen, overdue) = self.see_overdue(headers, request);
        self.refuse_new(Code::RequestTimeout, &mut seen, overdue)
    }

    /// Looks at a connection whose message is overdue by these limits (ms).
    pub fn see_overdue(&self, headers: u64, request: u64) -> (Seen, Option<Exceeded>) {
        let overdue = self.progress().passed(now(), headers, request);
        let seen = self.look(
            CodeNumber::of(Code::RequestTimeout),
            None,
            classify::timeout,
        );
        (seen, overdue)
    }

    /// Looks at the connection between two packets. `hint` makes the hint from the phase.
    pub fn look(
        &self,
        code: CodeNumber,
        reason: Option<Reason>,
        hint: fn(Phase) -> Option<Hint>,
    ) -> Seen {
        let read = crate::lock(&self.read);
        let mut seen = see(&self.server, read.parser.as_ref(), code, reason, hint);
        drop(read);
        self.with_fd(|fd| self.locate(&mut seen, fd));
        seen
    }

    /// Adds the ends of the connection to what was seen. The local address is that of the listener. If the listener
    /// listens on every address, it costs a system call, which is made only for refusals that are kept.
    pub(super) fn locate(&self, seen: &mut Seen, fd: RawFd) {
        if matches!(seen.sight, Sight::Skipped) || seen.origin.opened != 0 {
            seen.origin.peer = self.peer;
            return;
        }
        seen.origin = Origin {
            peer: self.peer,
            local: self
                .server
                .bound
                .get(self.bound)
                .or_else(|| address::end(fd, End::Local)),
            opened: self.opened,
        };
    }

    /// JavaScript is about to close the connection after it has answered all requests. If the server ends the
    /// connection, that is counted. `unread` means that bytes were read that JavaScript has not heard of.
    pub fn note_idle_close(&self, unread: bool) {
        let progress = self.progress();
        let control = crate::lock(&self.control);
        let ending = control.read_done || control.shutdown != Shutdown::No;
        if !progress.begun || !control.is_open() || ending {
            return;
        }
        let unread = unread || progress.start != 0 || io::has_unread(control.fd);
        drop(control);
        self.server.refusals.note_idle_close(self.peer, unread);
    }

    /// Closes a new connection after a socket error, and counts the refusal.
    pub(super) fn drop_new(&self, errno: i32, seen: &mut Seen) -> bool {
        let dropped = self.end_new(|fd| self.locate(seen, fd));
        if dropped {
            self.server.counters.count_text(io::errno_name(errno));
            self.server.refusals.add(seen, Circumstances::default());
        }
        dropped
    }

    fn end_new(&self, last_words: impl FnOnce(RawFd)) -> bool {
        if self.server.settings.native_refusals() == 0 {
            return false;
        }
        let mut control = crate::lock(&self.control);
        if control.shown || !control.is_open() {
            return false;
        }
        control.fate = Fate::Closing { reset: false };
        last_words(control.fd);
        let waker = control.waker.take();
        drop(control);
        self.uncount();
        wake(waker);
        true
    }
}

/// Looks at a parser between two packets.
pub(super) fn see(
    server: &Server,
    parser: Option<&Parser>,
    code: CodeNumber,
    reason: Option<Reason>,
    hint: fn(Phase) -> Option<Hint>,
) -> Seen {
    let scene = parser.map(Parser::scene);
    let kind = RefusalKind {
        code,
        reason,
        hint: scene.and_then(|scene| hint(scene.phase)),
    };
    match scene {
        Some(scene) => server.refusals.see_end(kind, &scene),
        None => server.refusals.see_bare(kind),
    }
}
