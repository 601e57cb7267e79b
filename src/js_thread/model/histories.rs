//! The histories: random ones, and those that are kept as tests.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Model, Step, output};
use crate::conn::Taken;
use crate::conn::simulation::{self, Socket};
use crate::engine::deferred::Moment;

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![4 => 1usize..50, 2 => 50usize..20_000, 1 => 60_000usize..140_000];
    let size = || size.clone();
    prop_oneof![
        8 => size().prop_map(Step::Arrive),
        1 => Just(Step::Fin),
        1 => Just(Step::Rst),
        4 => size().prop_map(Step::Take),
        8 => Just(Step::Turn),
        12 => Just(Step::Next),
        4 => size().prop_map(Step::Write),
        1 => size().prop_map(Step::WriteLast),
        3 => size().prop_map(Step::Defer),
        2 => Just(Step::Flush),
        1 => Just(Step::Shutdown),
        2 => Just(Step::Pause),
        3 => Just(Step::Resume),
        1 => any::<bool>().prop_map(Step::Close),
    ]
}

/// Bytes and FIN come in one segment. Readiness has to keep them apart.
#[test]
#[should_panic(expected = "ends of 0")]
fn a_reactor_that_forgets_ends_is_found() {
    simulation::reset(true);
    Model::new(1, false).play(&[(0, Step::Arrive(1)), (0, Step::Fin)]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    #[cfg_attr(miri, ignore = "it takes Miri hours")]
    fn every_byte_and_every_end_is_told_once(
        number in 1usize..4,
        hang_up_ends: bool,
        steps in vec((0usize..4, step()), 0..120),
    ) {
        simulation::reset(false);
        Model::new(number, hang_up_ends).play(&steps);
    }
}

/// As libuv does, a chunk without bytes at the end of a write is offered to the kernel in an event of its own.
#[test]
fn a_write_with_an_empty_chunk_at_its_end_is_done_one_event_later() {
    for blanks in 0..3 {
        simulation::reset(false);
        let mut model = Model::new(1, false);
        model.socket(0, |socket| socket.room = 5);
        let conn = model.subjects[0].conn.clone();
        let written = output(b"hello, world", |output| {
            output.blanks = blanks;
            conn.write(output, false)
        });
        assert_eq!(written, Ok(Taken::Part));
        model.socket(0, |socket| {
            socket.room = 1000;
            socket.stir();
        });
        model.subjects[0].written.extend_from_slice(b"hello, world");
        model.subjects[0].pending = true;
        let mut turns = 0;
        while model.subjects[0].pending {
            assert!(turns <= blanks, "it is told");
            model.connections.begin_turn(&model.core);
            while model.next().is_some() {}
            turns += 1;
            model.is_taken(0);
        }
        assert_eq!(turns, blanks + 1);
    }
}

/// Output that the kernel takes at the second try, or that fails then, is reported at the end of the turn.
#[test]
fn a_write_is_tried_twice() {
    simulation::reset(false);
    let mut model = Model::new(1, false);
    let conn = model.subjects[0].conn.clone();
    let write = |model: &Model, room, more: fn(&mut Socket)| {
        model.socket(0, |socket| {
            socket.room = room;
            socket.then = Some(more);
        });
        output(b"hello, world", |output| {
            output.blanks = 0;
            conn.write(output, false)
        })
    };
    assert_eq!(
        write(&model, 5, |socket| socket.room = 100),
        Ok(Taken::Ended(0))
    );
    let failed = write(&model, 5, |socket| socket.rst = true);
    assert_eq!(failed, Ok(Taken::Ended(libc::ECONNRESET)));
    model.subjects[0].rst = true;
    model.close(0, false);
}

/// Many connections that end after their first packets are left alone for some time. They can be closed meanwhile, and
/// all of them are read although nothing else happens.
#[test]
fn a_crowd_is_read_later() {
    simulation::reset(false);
    let mut model = Model::new(0, false);
    for i in 0..20 {
        model.accept();
        model.shut_down(i);
    }
    model.core.deferred.flush(Moment::Turn);
    assert!(model.next().is_none());
    for i in 0..20 {
        assert_eq!(model.socket(i, |socket| socket.sent_fin), Some(true));
        model.leave(i, i % 2 == 0);
    }
    model.connections.begin_turn(&model.core);
    model.close(0, false);
    assert_eq!(
        model.subjects[0].closes, 1,
        "its descriptor is closed at once"
    );
    while model.subjects[1..].iter().any(|subject| subject.ends == 0) {
        model.connections.begin_turn(&model.core);
        while model.next().is_some() {}
    }
    model.check();
}
