//! Says what a server would make of bytes: the verdict of the parser of any Node, and the refusal.

use super::facts::{EXCERPT, Facts};
use super::json::{self, Json};
use super::kind::{CodeNumber, Kind};
use super::secrets::Secrets;
use super::store::{Circumstances, Outcome as End, Record};
use super::{classify, hints::Hint};
use crate::http1::{Config, Fields, Head, Moment, Outcome, ParseError, Parser, Sink, invariant};

/// A sink that looks at the first refusal.
#[derive(Debug)]
struct Reader<'a> {
    secrets: &'a Secrets,
    /// How many heads and ends of messages there were.
    heads: u32,
    complete: u32,
    refusal: Option<(Kind, Box<Facts>)>,
}

impl Sink for Reader<'_> {
    fn message_begin(&mut self) {}

    fn head(&mut self, head: &Head<'_>) {
        self.heads += 1;
        self.complete += u32::from(head.complete);
    }

    fn body(&mut self, _: &[u8]) {}

    fn message_complete(&mut self, _: &Fields<'_>) {
        self.complete += 1;
    }

    fn refused(&mut self, error: &ParseError, moment: &Moment<'_>) {
        let hint = classify::classify(error, moment);
        let mut facts = Box::<Facts>::default();
        facts.take_error(error, hint, moment.scene(), self.secrets, EXCERPT);
        self.refusal = Some((kind(error, hint), facts));
    }
}

fn kind(error: &ParseError, hint: Option<Hint>) -> Kind {
    Kind {
        code: CodeNumber::of(error.code),
        reason: Some(error.reason),
        hint,
    }
}

/// Parses packets one after the other, and FIN if `fin` is set. Upgrades are accepted if `upgrade` is set. Returns
/// JSON: `{ verdict, requests, complete, refusal }`. The verdict is `accepted`, `refused`, `incomplete` or `upgraded`.
pub fn explain(
    config: Config,
    packets: &[&[u8]],
    fin: bool,
    upgrade: bool,
    secrets: &Secrets,
) -> String {
    let mut parser = Parser::new(config);
    let mut reader = Reader {
        secrets,
        heads: 0,
        complete: 0,
        refusal: None,
    };
    let mut failed = None;
    let mut upgraded = false;
    'packets: for (number, packet) in packets.iter().enumerate() {
        let mut at = 0;
        loop {
            match parser.execute(packet, at, &mut reader) {
                Outcome::Consumed => break,
                Outcome::Parked { at: next } => {
                    parser.resolve_upgrade(upgrade);
                    at = next;
                }
                Outcome::Upgraded { .. } => {
                    upgraded = true;
                    break 'packets;
                }
                Outcome::Failed(error) => {
                    failed = Some((number, error));
                    break 'packets;
                }
            }
        }
    }
    let before = failed.is_none().then(|| parser.scene());
    let last_scene = before.map(|scene| {
        let mut facts = Box::<Facts>::default();
        facts.take_end(&scene, secrets);
        facts
    });
    let in_progress = parser.message_in_progress() || reader.heads + reader.complete == 0;
    if fin
        && failed.is_none()
        && !upgraded
        && let Err(error) = parser.finish(&mut reader)
    {
        let hint = last_scene
            .as_ref()
            .and_then(|facts| classify::fin(facts.phase));
        let facts = last_scene.clone();
        reader.refusal = facts.map(|facts| (kind(&error, hint), facts));
    }
    let verdict = match (&reader.refusal, upgraded) {
        (Some(_), _) => "refused",
        (None, true) => "upgraded",
        (None, false) if in_progress && !fin => "incomplete",
        (None, false) => "accepted",
    };
    let mut json = Json::default();
    json.open('{');
    json.string("verdict", verdict.as_bytes());
    json.number("requests", reader.heads.into());
    json.number("complete", reader.complete.into());
    if let Some((number, error)) = failed {
        json.number("packet", number as u64);
        json.number("bytesParsed", error.bytes_parsed.max(0) as u64);
    }
    let facts = reader.refusal.or_else(|| {
        // This says what an incomplete request waits for.
        let none = Kind {
            code: CodeNumber::of_text("UNKNOWN"),
            reason: None,
            hint: None,
        };
        last_scene
            .filter(|_| verdict == "incomplete")
            .map(|facts| (none, facts))
    });
    if let Some((kind, facts)) = facts {
        let reply = crate::http1::Code::ALL
            .iter()
            .find(|code| code.as_str() == kind.code.as_str())
            .map_or(0, |code| status(code.default_reply()));
        let record = Record {
            seq: 1,
            kind,
            circumstances: Circumstances {
                status: reply,
                outcome: End::Reply,
                ..Circumstances::default()
            },
            of_peer: 0,
            facts: Some(facts),
        };
        json.object("refusal", |json| json::refusal(json, &record));
    }
    json.close('}');
    json.into_text()
}

/// The status code of a reply.
pub fn status(reply: &[u8]) -> u16 {
    let digits = invariant!(reply.get(9..12), "a reply begins with a status line");
    digits.iter().fold(0, |number, digit| {
        number * 10 + u16::from(digit.wrapping_sub(b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_reply_has_a_status() {
        for code in crate::http1::Code::ALL {
            let reply = code.default_reply();
            let text = std::str::from_utf8(&reply[9..12]).expect("digits");
            assert_eq!(text.parse(), Ok(status(reply)));
        }
    }
}
