//! Gives a connection away.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::outbox::Remainder;
use super::state::{Fate, Shutdown};
use super::write::send_deferred;
use super::{Conn, io, wake};
use crate::http1::Parser;
use crate::record::{Parked, Progress};
use crate::server::Server;

/// A connection that is given away.
#[derive(Debug)]
pub struct Detached {
    /// A duplicate of the descriptor.
    pub fd: OwnedFd,
    /// The server that accepted it.
    pub server: Arc<Server>,
    /// The parser, in the state in which it stopped.
    pub parser: Parser,
    /// How far the message in progress has come.
    pub progress: Progress,
    /// Bytes that were read and not parsed.
    pub parked: Option<Box<Parked>>,
    /// Output that has not left.
    pub pending: Vec<Remainder>,
    /// FIN is to follow that.
    pub fin_wanted: bool,
    /// An error that the system has reported, and that was not delivered yet.
    pub error: Option<i32>,
    /// A packet was delivered and not yet consumed.
    pub outstanding: bool,
    /// The end follows that packet, whatever the descriptor says (the setting `hangUpEnds`).
    pub hung_up: bool,
}

impl Conn {
    /// Gives the connection away, with everything that was read and not delivered, and everything that was written and
    /// not sent. It still counts as open.
    pub fn detach(&self) -> std::io::Result<Detached> {
        // Waits for a packet that is being parsed.
        let mut read = crate::lock(&self.read);
        let mut control = crate::lock(&self.control);
        if !control.is_open() {
            return Err(std::io::Error::from_raw_os_error(libc::EBADF));
        }
        let fd = io::duplicate(control.fd)?;
        let Some(parser) = read.parser.take() else {
            return Err(std::io::Error::from_raw_os_error(libc::EBADF));
        };
        let parked = read.parked.take();
        if let Err(errno) = send_deferred(&mut control, false) {
            control.keep_error(errno, false);
        }
        let pending = control.outbox.take();
        let fin_wanted = matches!(control.shutdown, Shutdown::Due | Shutdown::Wanted);
        let error = control.kept_error;
        control.fate = Fate::Detached;
        if control.counted {
            self.server.connections.adjust_owned(-1);
        }
        let outstanding = self.is_coming(&control);
        let hung_up = control.hung_up;
        let waker = control.waker.take();
        drop(control);
        drop(read);
        wake(waker);
        Ok(Detached {
            fd,
            server: self.server.clone(),
            parser,
            progress: self.progress(),
            parked,
            pending,
            fin_wanted,
            error,
            outstanding,
            hung_up,
        })
    }
}
