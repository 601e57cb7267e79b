//! Parses packets, and does what follows from them.

use std::sync::Arc;

use super::read::Packet;
use super::{Room, Turn};
use crate::conn::delivery::Behind;
use crate::conn::{Conn, ReadSide};
use crate::http1::{Outcome, ParseError, Parser, invariant};
use crate::memory::{Supply, Vecs};
use crate::record::{Parked, Recorder, Records};
#[cfg(debug_assertions)]
use crate::sync::atomic::Ordering;

/// Parses one packet and delivers its records.
pub(super) fn parse(
    room: Room,
    conn: &Arc<Conn>,
    read: &mut ReadSide,
    packet: Packet<'_>,
    behind: Behind,
    supply: &mut dyn Supply,
) -> Turn {
    let Some((records, saw_head)) = follow(conn, read, packet, 0, supply) else {
        return Turn::Close;
    };
    // JavaScript does not hear of a new connection before its head is complete. If it knows the connection, it hears of
    // every packet, because each restarts the idle timer.
    if records.is_empty() && (read.bytes == 0 || !crate::lock(&conn.control).shown) {
        conn.look_for_hang_up(behind);
        return Turn::Again;
    }
    let turn = after_delivery(room, conn, saw_head);
    // While the connection moves, no reactor watches it.
    let behind = match turn {
        Turn::Move if behind == Behind::Watched => Behind::Unwatched,
        _ => behind,
    };
    conn.deliver_packet(std::mem::take(&mut read.bytes), records, behind);
    turn
}

/// How the task goes on after a delivery. Without I/O threads, a connection moves to the JavaScript thread as soon as
/// JavaScript knows it. With I/O threads, it moves to one of them after its first complete head.
pub(super) fn after_delivery(room: Room, conn: &Conn, saw_head: bool) -> Turn {
    if room == Room::Accept && (saw_head || conn.core.serves_on_js_thread()) {
        Turn::Move
    } else {
        Turn::Again
    }
}

/// What happens to a connection after a packet.
#[derive(Debug)]
enum Then {
    /// The next packet may be read.
    ReadOn,
    /// The packet waits for the answer to a head with the upgrade bit.
    Park(Box<Parked>),
    /// The connection no longer speaks HTTP.
    Upgrade,
    /// The packet was refused. There is no record of it yet: the refusal of a new connection never gets one.
    Refuse(ParseError),
}

/// Parses a packet from the offset `from` on, and records what is in it.
fn interpret(
    parser: &mut Parser,
    packet: Packet<'_>,
    from: usize,
    recorder: &mut Recorder<'_>,
) -> Then {
    let Packet { body, rest } = packet;
    let before = body.as_ref().map_or(0, |body| body.len());
    if let Some(body) = body {
        parser.pass_body(before as u64);
        recorder.records.push_body(body);
    }
    let outcome = parser.execute(rest, from, recorder);
    let records = &mut recorder.records;
    match outcome {
        Outcome::Consumed => Then::ReadOn,
        Outcome::Parked { at } => {
            let packet = whole(records, before, rest);
            let at = before + at;
            records.push_parked();
            Then::Park(Box::new(Parked { packet, at }))
        }
        Outcome::Upgraded { at } => {
            records.push_upgraded(invariant!(
                rest.get(at..),
                "an upgrade ends within its packet"
            ));
            Then::Upgrade
        }
        Outcome::Failed(error) => Then::Refuse(error),
    }
}

/// Parses a packet and updates the connection. Returns the records, and whether a complete head is among them. It
/// returns None if a new connection was refused, so that the connection is over.
fn follow(
    conn: &Arc<Conn>,
    read: &mut ReadSide,
    packet: Packet<'_>,
    from: usize,
    supply: &mut dyn Supply,
) -> Option<(Records, bool)> {
    #[cfg(debug_assertions)]
    assert!(!conn.panics.load(Ordering::Relaxed), "a planted panic");
    let Packet { rest, .. } = packet;
    let before = packet.len() - rest.len();
    let parser = read.parser.as_mut()?;
    let mut recorder = Recorder::new(conn.progress(), supply);
    recorder.refusals = Some(&conn.server.refusals);
    let then = interpret(parser, packet, from, &mut recorder);
    conn.set_progress(recorder.progress);
    let mut records = std::mem::take(&mut recorder.records);
    match then {
        Then::ReadOn => {}
        Then::Park(parked) => {
            read.parked = Some(parked);
            crate::lock(&conn.control).parked = true;
        }
        Then::Upgrade => crate::lock(&conn.control).read_done = true,
        Then::Refuse(mut error) => {
            if let Some(seen) = &mut recorder.seen {
                if records.is_empty() && conn.refuse_new(error.code, seen, None) {
                    return None;
                }
                conn.with_fd(|fd| conn.locate(seen, fd));
                seen.shift(before);
                records.seen = recorder.seen.take().map(Box::new);
            }
            error.bytes_parsed += before as i32;
            let packet = whole(&records, before, rest);
            records.push_failed(&error, packet);
        }
    }
    Some((records, recorder.saw_head))
}

/// Returns a packet in one piece. If its first `before` bytes were read into other memory, they are the first blob.
fn whole(records: &Records, before: usize, rest: &[u8]) -> Vec<u8> {
    match records.blobs.first() {
        Some(body) if before > 0 => [body, rest].concat(),
        _ => rest.to_vec(),
    }
}

/// Does not accept an upgrade, and parses the rest of its packet. The records are for the JavaScript thread, which is
/// dispatching the head. Returns None if no packet waits.
pub fn decline_upgrade(conn: &Arc<Conn>) -> Option<Records> {
    let mut read = crate::lock(&conn.read);
    {
        let mut control = crate::lock(&conn.control);
        if !control.parked || !control.is_open() {
            return None;
        }
        control.parked = false;
    }
    let parked = read.parked.take()?;
    read.parser.as_mut()?.resolve_upgrade(false);
    let packet = Packet::of(&parked.packet);
    follow(conn, &mut read, packet, parked.at, &mut Vecs).map(|(records, _)| records)
}
