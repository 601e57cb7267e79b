//! The class `NativeParser`: the parser of a connection that JavaScript reads.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use napi::Result;
use napi_derive::napi;

use super::engine::Engine;
use super::local::Header;
use super::server::NativeServer;
use super::values::{self, Value, invalid};
use crate::http1::{Code, Outcome, ParseError, Parser, Phase, Reason, invariant};
use crate::memory::Vecs;
use crate::observe::classify;
use crate::observe::kind::{CodeNumber, Kind};
use crate::observe::refusals::Seen;
use crate::observe::store::Exceeded;
use crate::record::{self, Parked, Progress, Recorder, Records};
use crate::server::Server;

/// A parser that JavaScript feeds.
#[napi]
pub struct NativeParser {
    parser: Parser,
    progress: Progress,
    parked: Option<Box<Parked>>,
    /// `progress.start` of the message that was reported as overdue.
    reported: u64,
    server: Arc<Server>,
}

#[napi]
impl NativeParser {
    #[napi(catch_unwind, constructor)]
    pub fn new(server: &NativeServer) -> NativeParser {
        let server = &server.server;
        let parser = Parser::new(server.settings.parser_config(server.profile));
        NativeParser::resumed(server, parser, Progress::begin(), None)
    }

    /// Parses a packet. Returns the text of its records, as `engine.next()` does.
    #[napi(catch_unwind, ts_return_type = "string")]
    pub fn execute(
        &mut self,
        engine: &Engine,
        #[napi(ts_arg_type = "Uint8Array")] packet: Value,
    ) -> Result<Value> {
        if self.parked.is_some() {
            return Err(invalid("An upgrade waits for its answer"));
        }
        // SAFETY: no JavaScript runs until the records are made. They copy what they need.
        let packet = unsafe { values::bytes(engine.local.env(), packet.0)? };
        let length = packet.len() as u32;
        let records = self.parse(packet, 0);
        publish(engine, length, records)
    }

    /// Answers PARKED, and parses the rest of that packet.
    #[napi(catch_unwind, ts_return_type = "string")]
    pub fn upgrade(&mut self, engine: &Engine, accepted: bool) -> Result<Value> {
        let parked = self
            .parked
            .take()
            .ok_or_else(|| invalid("No upgrade waits for an answer"))?;
        self.parser.resolve_upgrade(accepted);
        let records = self.parse(&parked.packet, parked.at);
        publish(engine, 0, records)
    }

    /// A listener threw while the last packet was dispatched. All later packets are refused.
    #[napi(catch_unwind)]
    pub fn give_up(&mut self) {
        self.parked = None;
        self.parser.give_up();
    }

    /// Reports FIN to the parser. The record is END.
    #[napi(catch_unwind, ts_return_type = "string")]
    pub fn finish(&mut self, engine: &Engine) -> Result<Value> {
        let mut supply = Vecs;
        let mut recorder = Recorder::new(self.progress, &mut supply);
        let refusals = &self.server.refusals;
        let scene = self.parser.scene();
        if scene.phase == Phase::Silent {
            refusals.silent.fetch_add(1, Ordering::Relaxed);
        }
        let hint = classify::fin(scene.phase);
        let verdict = self.parser.finish(&mut recorder);
        self.progress = recorder.progress;
        let mut records = Records::default();
        if let Err(ParseError { code, reason, .. }) = verdict {
            let kind = Kind {
                code: CodeNumber::of(code),
                reason: Some(reason),
                hint,
            };
            let seen = refusals.see_end(kind, &self.parser.scene());
            records.seen = Some(Box::new(seen));
        }
        records.push_end(verdict, !recorder.records.is_empty());
        publish(engine, 0, records)
    }

    /// Whether a message is in progress, or the first one is awaited.
    #[napi(catch_unwind, getter)]
    pub fn started(&self) -> bool {
        self.progress.start != 0
    }

    /// Whether the first byte of a message was seen, now or earlier.
    #[napi(catch_unwind, getter)]
    pub fn begun(&self) -> bool {
        self.progress.begun
    }

    /// Whether the head of the message in progress is complete.
    #[napi(catch_unwind, getter)]
    pub fn headers_complete(&self) -> bool {
        self.progress.headers_complete
    }

    /// Whether the message takes longer than the limits (ms, 0 for none). It returns true once for each message.
    #[napi(catch_unwind)]
    pub fn expired(&mut self, headers: f64, request: f64) -> bool {
        let start = self.progress.start;
        self.progress
            .overdue(record::now(), headers as u64, request as u64)
            && std::mem::replace(&mut self.reported, start) != start
    }
}

impl NativeParser {
    pub(super) fn resumed(
        server: &Arc<Server>,
        parser: Parser,
        progress: Progress,
        parked: Option<Box<Parked>>,
    ) -> NativeParser {
        NativeParser {
            parser,
            progress,
            parked,
            reported: 0,
            server: server.clone(),
        }
    }

    /// Looks at a connection that ends, or whose message is overdue by these limits (ms).
    pub(super) fn look(
        &self,
        code: CodeNumber,
        reason: Option<Reason>,
        limits: (u64, u64),
    ) -> (Seen, Option<Exceeded>) {
        let scene = self.parser.scene();
        let late = code == CodeNumber::of(Code::RequestTimeout);
        let hint = match code.as_str() {
            _ if late => classify::timeout(scene.phase),
            "ECONNRESET" | "EPIPE" | "ETIMEDOUT" => classify::reset(scene.phase),
            _ => None,
        };
        let seen = self
            .server
            .refusals
            .see_end(Kind { code, reason, hint }, &scene);
        let passed = || self.progress.passed(record::now(), limits.0, limits.1);
        (seen, late.then(passed).flatten())
    }

    fn parse(&mut self, packet: &[u8], from: usize) -> Records {
        let mut supply = Vecs;
        let mut recorder = Recorder::new(self.progress, &mut supply);
        recorder.refusals = Some(&self.server.refusals);
        let outcome = self.parser.execute(packet, from, &mut recorder);
        self.progress = recorder.progress;
        let mut records = recorder.records;
        records.seen = recorder.seen.map(Box::new);
        match outcome {
            Outcome::Consumed => {}
            Outcome::Parked { at } => {
                self.parked = Some(Box::new(Parked {
                    packet: packet.to_vec(),
                    at,
                }));
                records.push_parked();
            }
            Outcome::Upgraded { at } => records.push_upgraded(invariant!(
                packet.get(at..),
                "an upgrade ends within its packet"
            )),
            Outcome::Failed(error) => records.push_failed(&error, packet.to_vec()),
        }
        records
    }
}

fn publish(engine: &Engine, bytes: u32, records: Records) -> Result<Value> {
    let header = Header {
        bytes,
        ..Header::default()
    };
    engine.local.publish(header, records).map(Value)
}
