//! Deliveries: what goes to the JavaScript thread, about a connection or a server.

use std::sync::Arc;

use super::Conn;
use crate::engine::queue::Weight;
use crate::record::Records;

/// How many bytes a delivery counts towards the limit, in addition to its own.
const DELIVERY_OVERHEAD: usize = 512;

/// What a delivery is about.
#[derive(Debug)]
pub enum Source {
    /// A connection.
    Conn(Arc<Conn>),
    /// The server with this id.
    Server(u32),
}

/// What kind of delivery it is, which decides what popping it means for its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The records of a packet. The connection waits until it is acknowledged.
    Packet,
    /// Anything else, except the last one.
    Notice,
    /// The last delivery of the connection.
    Closed,
}

/// What is behind a packet in the kernel, as far as it is known. It decides whether the connection is read again in the
/// same turn of the event loop, or in the next one as by libuv.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behind {
    /// Nothing was read, or nothing will be read any more.
    Nothing,
    /// Probably more bytes, because the packet had the largest possible size.
    Bytes,
    /// No bytes. A reactor watches the descriptor and reports FIN and errors.
    Watched,
    /// No bytes, and no reactor watches the descriptor.
    Unwatched,
}

/// Records about one connection or server.
#[derive(Debug)]
pub struct Delivery {
    /// What it is about.
    pub source: Source,
    /// What kind it is.
    pub kind: Kind,
    /// Bytes read from the socket for it.
    pub bytes: u32,
    /// What is behind the packet in the kernel.
    pub behind: Behind,
    /// Its records.
    pub records: Records,
}

impl Delivery {
    /// Makes a delivery about the server with this id.
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
