//! The value of Connection and Proxy-Connection: a list, in which three words have a meaning.

use super::Parser;
use super::state::{Input, Special, State, Step};
use crate::classes::{self, LIST_ITEM};

/// `Parser::literal` in [`State::ConnectionWord`] indexes this.
const CONNECTION_WORDS: [(&[u8], Special); 3] = [
    (b"close", Special::ConnectionClose),
    (b"upgrade", Special::ConnectionUpgrade),
    (b"keep-alive", Special::ConnectionKeepAlive),
];

impl Parser {
    pub(super) fn connection(&mut self, input: &mut Input<'_>) -> Step {
        let byte = input.peek()?;
        match self.state {
            State::Connection => self.connection_option(byte, input),
            State::ConnectionWord => {
                let (word, special) = CONNECTION_WORDS[self.literal as usize];
                if word.get(self.matched as usize) != Some(&byte.to_ascii_lowercase()) {
                    self.state = State::ConnectionToken;
                    return Ok(());
                }
                input.at += 1;
                self.matched += 1;
                if self.matched as usize == word.len() {
                    self.special = special;
                    self.state = State::ConnectionBlanks;
                }
            }
            State::ConnectionBlanks => match byte {
                b',' => {
                    input.at += 1;
                    self.apply_special();
                    self.state = State::Connection;
                }
                b' ' => input.at += 1,
                b'\t' if self.config.profile.tab_after_connection_token => input.at += 1,
                b'\r' | b'\n' => return self.value_end(byte, input),
                _ => {
                    self.special = Special::General;
                    self.state = State::ConnectionToken;
                }
            },
            // ConnectionToken
            _ => {
                if classes::is(byte, LIST_ITEM) {
                    input.at = classes::skip(input.packet, input.at, LIST_ITEM);
                } else if byte == b',' {
                    input.at += 1;
                    self.state = State::Connection;
                } else {
                    return self.value_end(byte, input);
                }
            }
        }
        Ok(())
    }

    /// Reads the first byte of a list item, or a blank before it.
    fn connection_option(&mut self, byte: u8, input: &mut Input<'_>) {
        if classes::is_blank(byte) {
            input.at += 1;
            return;
        }
        let lower = byte.to_ascii_lowercase();
        let word = CONNECTION_WORDS
            .iter()
            .position(|(word, _)| word[0] == lower);
        match word {
            Some(word) => {
                input.at += 1;
                self.literal = word as u8;
                self.matched = 1;
                self.state = State::ConnectionWord;
            }
            None => self.state = State::ConnectionToken,
        }
    }
}
