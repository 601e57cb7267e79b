//! Parsing: from the bytes of a packet to its records.

use std::hint::black_box;

use ferrohttp::http1::{Code, Outcome, Parser};
use ferrohttp::memory::{Memory, Vecs};
use ferrohttp::record::{Progress, Recorder};

use crate::Workload;
use ferrohttp_h1_testing::inputs::{BROWSER, Count, HELLO, chunked, parser};

const MALFORMED: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nBad Name: b\r\n\r\n";

pub const WORKLOADS: &[(&str, Workload)] = &[
    ("parse-hello", |times| parse(times, true, HELLO)),
    ("parse-hello-machine", |times| parse(times, false, HELLO)),
    ("parse-browser", |times| parse(times, true, BROWSER)),
    ("parse-browser-machine", |times| {
        parse(times, false, BROWSER);
    }),
    ("parse-chunked", |times| parse(times, true, &chunked())),
    ("parse-split", parse_split),
    ("parse-malformed", parse_malformed),
    ("record-hello", |times| record(times, HELLO)),
    ("record-browser", |times| record(times, BROWSER)),
    ("record-upload", record_upload),
];

fn parse(times: u32, fast_path: bool, request: &[u8]) {
    let mut parser = parser(fast_path);
    for _ in 0..times {
        consume(&mut parser, request);
    }
}

/// A head that arrives in two packets.
fn parse_split(times: u32) {
    let (first, second) = BROWSER.split_at(BROWSER.len() / 2);
    let mut parser = parser(true);
    for _ in 0..times {
        consume(&mut parser, first);
        consume(&mut parser, second);
    }
}

fn consume(parser: &mut Parser, packet: &[u8]) {
    let mut sink = Count::default();
    let outcome = parser.execute(black_box(packet), 0, &mut sink);
    assert_eq!(outcome, Outcome::Consumed);
    black_box(sink.0);
}

/// Parsers that refuse their first packet.
fn parse_malformed(times: u32) {
    for _ in 0..times {
        let outcome = parser(true).execute(black_box(MALFORMED), 0, &mut Count::default());
        let Outcome::Failed(error) = outcome else {
            panic!("it was not refused");
        };
        assert_eq!(error.code, Code::InvalidHeaderToken);
    }
}

fn record(times: u32, head: &[u8]) {
    let mut parser = parser(true);
    let mut progress = Progress::begin();
    for _ in 0..times {
        let mut supply = Vecs;
        let mut recorder = Recorder::new(progress, &mut supply);
        let outcome = parser.execute(black_box(head), 0, &mut recorder);
        assert_eq!(outcome, Outcome::Consumed);
        progress = recorder.progress;
        black_box(recorder.records).recycle();
    }
}

/// Packets from the middle of a large body, which keep their memory.
fn record_upload(times: u32) {
    let mut parser = parser(true);
    consume(
        &mut parser,
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\r\n\r\n",
    );
    let progress = Progress::begin();
    let mut memory = Memory::Own(vec![b'x'; 65_536]);
    for _ in 0..times {
        let mut supply = Vecs;
        let mut recorder = Recorder::new(progress, &mut supply);
        assert!(parser.body_ahead() >= 65_536);
        parser.pass_body(65_536);
        recorder.records.push_body(memory);
        let outcome = parser.execute(black_box(&[]), 0, &mut recorder);
        assert_eq!(outcome, Outcome::Consumed);
        let mut blobs = recorder.records.blobs;
        memory = blobs.pop().expect("there is a body");
    }
}
