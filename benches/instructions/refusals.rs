//! What a refusal costs beside its parsing: counted, and looked at and kept.

use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};

use ferrohttp::http1::Outcome;
use ferrohttp::memory::Vecs;
use ferrohttp::observe::bucket::RATE;
use ferrohttp::observe::refusals::{Options, Refusals};
use ferrohttp::observe::store::Circumstances;
use ferrohttp::record::{Progress, Recorder};

use crate::Workload;
use ferrohttp_h1_testing::inputs::parser;

const MALFORMED: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nBad Name: b\r\n\r\n";

pub const WORKLOADS: &[(&str, Workload)] = &[
    ("refusal-parsed", parsed),
    ("refusal-counted", counted),
    ("refusal-of-many-peers", of_many_peers),
    ("refusal-captured", captured),
];

/// Neither counted nor kept: what the others have to be compared with.
fn parsed(times: u32) {
    for i in 0..times {
        refuse(None, i, 1);
    }
}

fn counted(times: u32) {
    let refusals = counting();
    for i in 0..times {
        refuse(Some(&refusals), i, 1);
    }
}

/// More peers than are counted at a time.
fn of_many_peers(times: u32) {
    let refusals = counting();
    for i in 0..times {
        refuse(Some(&refusals), i, 1000);
    }
}

/// No more than are looked at in a second, each time with a new store: the bucket goes by the time.
fn captured(times: u32) {
    let mut left = times;
    while left > 0 {
        let refusals = Refusals::default();
        let now = left.min(RATE as u32);
        for i in 0..now {
            refuse(Some(&refusals), i, 1);
        }
        left -= now;
    }
}

fn counting() -> Refusals {
    let refusals = Refusals::default();
    refusals.set_options(Options {
        keep: 0,
        ..Options::default()
    });
    refusals
}

fn refuse(refusals: Option<&Refusals>, i: u32, peers: u32) {
    let mut supply = Vecs;
    let mut recorder = Recorder::new(Progress::begin(), &mut supply);
    recorder.refusals = refusals;
    let outcome = parser(true).execute(black_box(MALFORMED), 0, &mut recorder);
    assert!(matches!(outcome, Outcome::Failed(_)));
    if let (Some(refusals), Some(seen)) = (refusals, &mut recorder.seen) {
        let address = Ipv4Addr::from(0x0a00_0000 + i % peers);
        let circumstances = Circumstances {
            peer: Some(SocketAddr::from((address, 1))),
            ..Circumstances::default()
        };
        black_box(refusals.add(seen, circumstances));
    }
    recorder.records.recycle();
}
