//! The resumable byte-level machine with llhttp's semantics.

use super::{Config, Outcome, ParseError, Sink};

/// The request parser of one connection.
#[derive(Debug)]
pub struct Parser {
    #[allow(dead_code)]
    config: Config,
}

impl Parser {
    pub fn new(config: Config) -> Parser {
        Parser { config }
    }

    /// Parses `packet` from offset `from`: 0 for a new packet, `at` of [`Outcome::Parked`] after
    /// [`resolve_upgrade`](Self::resolve_upgrade), with the same packet (even if nothing of it
    /// is left). Offsets in errors count from the start of `packet`.
    pub fn execute<S: Sink + ?Sized>(
        &mut self,
        packet: &[u8],
        from: usize,
        sink: &mut S,
    ) -> Outcome {
        let _ = (packet, from, sink);
        Outcome::Consumed
    }

    /// What JavaScript decided about the head that parked the parser.
    pub fn resolve_upgrade(&mut self, accepted: bool) {
        let _ = accepted;
    }

    /// FIN was read. Completes a body that lasts until FIN (lenient only), else says whether a
    /// message was cut off. Silent on a parser that has failed already.
    pub fn finish<S: Sink + ?Sized>(&mut self, sink: &mut S) -> Result<(), ParseError> {
        let _ = sink;
        Ok(())
    }

    /// A message has begun and is not complete.
    pub fn message_in_progress(&self) -> bool {
        false
    }

    /// The head of the message in progress is complete.
    pub fn headers_complete(&self) -> bool {
        false
    }

    /// A packet was refused; every later one will be.
    pub fn is_errored(&self) -> bool {
        false
    }
}
