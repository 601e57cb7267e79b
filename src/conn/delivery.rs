//! What the JavaScript thread is told, of a connection or a server.

use std::sync::Arc;

use super::Conn;
use crate::engine::queue::Weight;
use crate::record::Records;

/// What a delivery counts towards the limit beside its bytes.
const DELIVERY_OVERHEAD: usize = 512;

/// Whom a delivery is about.
#[derive(Debug)]
pub enum Source {
    /// A connection.
    Conn(Arc<Conn>),
    /// The server with this id.
    Server(u32),
}

/// What popping a delivery means for its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What was read: the connection waits for its acknowledgement.
    Packet,
    /// Anything else but the end.
    Notice,
    /// The connection's last.
    Closed,
}

/// What the kernel has behind a packet, so far as it was asked. It decides when the connection is
/// read again: in the same turn of the event loop, or in the next one as by libuv.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// Nothing was read, or nothing is read any more.
    Nothing,
    /// More bytes, as the packet was as large as one can be.
    Bytes,
    /// No bytes. A reactor watches, which tells the connection of FIN and errors.
    Watched,
    /// No bytes, and no reactor watches.
    Unwatched,
}

/// Records about one connection or server.
#[derive(Debug)]
pub struct Delivery {
    /// Whom it is about.
    pub source: Source,
    /// What popping it means.
    pub kind: Kind,
    /// Bytes read from the socket for it.
    pub bytes: u32,
    /// What the kernel has behind the packet.
    pub behind: Behind,
    /// What it tells.
    pub records: Records,
}

impl Delivery {
    /// A delivery about the server with this id.
    pub fn of_server(id: u32, records: Records) -> Delivery {
        Delivery {
            source: Source::Server(id),
            kind: Kind::Notice,
            bytes: 0,
            behind: Behind::Nothing,
            records,
        }
    }

    /// Whether it is what was read of a connection.
    pub fn is_packet_of(&self, conn: &Arc<Conn>) -> bool {
        let of_conn = matches!(&self.source, Source::Conn(other) if Arc::ptr_eq(other, conn));
        of_conn && self.kind == Kind::Packet
    }
}

impl Weight for Delivery {
    fn weight(&self) -> usize {
        self.records.size() + DELIVERY_OVERHEAD
    }
}
