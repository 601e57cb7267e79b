//! Parses whole requests, each in one packet. The parser must not panic, and its offsets must lie in the packet.

use super::input;
use ferrohttp_h1::{Fields, Head, Outcome, Parser, Sink};

struct Checked {
    packet: usize,
    in_message: bool,
    body: usize,
}

impl Sink for Checked {
    fn message_begin(&mut self) {
        assert!(!self.in_message);
        self.in_message = true;
    }

    fn head(&mut self, head: &Head<'_>) {
        assert!(self.in_message);
        let bytes: usize = head
            .fields
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        assert!(head.target.len() + bytes <= self.packet);
        self.in_message = !head.complete;
    }

    fn body(&mut self, bytes: &[u8]) {
        assert!(self.in_message && !bytes.is_empty());
        self.body += bytes.len();
        assert!(self.body <= self.packet);
    }

    fn message_complete(&mut self, _: &Fields<'_>) {
        assert!(self.in_message);
        self.in_message = false;
    }
}

/// Runs the target on one input.
pub fn run(data: &[u8]) {
    let Some(input) = input::read(data) else {
        return;
    };
    let mut parser = Parser::new(input.config);
    let mut sink = Checked {
        packet: input.bytes.len(),
        in_message: false,
        body: 0,
    };
    let mut from = 0;
    loop {
        match parser.execute(input.bytes, from, &mut sink) {
            Outcome::Consumed => break,
            Outcome::Parked { at } => {
                assert!(at >= from && at <= input.bytes.len());
                from = at;
                parser.resolve_upgrade(input.accept);
            }
            Outcome::Upgraded { at } => {
                assert!(at <= input.bytes.len());
                return;
            }
            Outcome::Failed(error) => {
                assert!((0..=input.bytes.len() as i32).contains(&error.bytes_parsed));
                assert!(parser.is_errored());
                let again = parser.execute(b"GET / HTTP/1.1\r\n\r\n", 0, &mut sink);
                assert_eq!(again, Outcome::Failed(error));
                assert_eq!(parser.finish(&mut sink), Ok(()));
                return;
            }
        }
    }
    if !parser.is_errored() {
        assert_eq!(parser.message_in_progress(), sink.in_message);
    }
    let _ = parser.finish(&mut sink);
}
