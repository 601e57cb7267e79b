//! Header and trailer lines, with the five names whose values the grammar reads:
//! Connection, Proxy-Connection, Content-Length, Transfer-Encoding, Upgrade.

use super::classes::{self, LIST_ITEM, RELAXED, TOKEN};
use super::exact::Parser;
use super::state::{Input, SpanKind, Special, State, Step, flag};
use super::{Code, Lenient, Reason};

const SPECIAL_NAMES: [(&[u8], Special); 5] = [
    (b"connection", Special::Connection),
    (b"proxy-connection", Special::Connection),
    (b"content-length", Special::ContentLength),
    (b"transfer-encoding", Special::TransferEncoding),
    (b"upgrade", Special::Upgrade),
];

/// `Parser::literal` while a name is open: a bit for each of [`SPECIAL_NAMES`] it may become.
const ANY_SPECIAL: u8 = (1 << SPECIAL_NAMES.len()) - 1;

/// `Parser::literal` in [`State::ConnectionWord`] indexes this.
const CONNECTION_WORDS: [(&[u8], Special); 3] = [
    (b"close", Special::ConnectionClose),
    (b"upgrade", Special::ConnectionUpgrade),
    (b"keep-alive", Special::ConnectionKeepAlive),
];

const CHUNKED: &[u8] = b"chunked";

/// What a whole name makes of its value.
#[inline]
fn special_name(name: &[u8]) -> Special {
    match name.len() {
        7 if classes::eq_lower(name, b"upgrade") => Special::Upgrade,
        10 if classes::eq_lower(name, b"connection") => Special::Connection,
        14 if classes::eq_lower(name, b"content-length") => Special::ContentLength,
        16 if classes::eq_lower(name, b"proxy-connection") => Special::Connection,
        17 if classes::eq_lower(name, b"transfer-encoding") => Special::TransferEncoding,
        _ => Special::General,
    }
}

impl Parser {
    pub(super) fn field_lines(&mut self, input: &mut Input<'_>) -> Step {
        loop {
            match self.state {
                State::HeadersStart => {
                    if input.peek()? == b' ' {
                        if !self.tolerates(Lenient::HEADERS, Code::UnexpectedSpace) {
                            return self.fail(
                                Code::UnexpectedSpace,
                                Reason::SpaceAfterStartLine,
                                input.at + 1,
                            );
                        }
                        input.at += 1;
                    }
                    self.state = State::FieldStart;
                }
                State::FieldStart => match input.peek()? {
                    b'\r' => {
                        input.at += 1;
                        self.state = State::FieldsLf;
                    }
                    b'\n' if self.tolerates_bare_lf(Code::InvalidHeaderToken) => {
                        input.at += 1;
                        self.state = State::FieldsEnd;
                    }
                    b'\n' => return self.bad_token(Reason::HeaderFieldChar, input.at + 1),
                    b':' => return self.bad_token(Reason::HeaderToken, input.at),
                    _ => {
                        self.begin_span(SpanKind::Name, input);
                        self.special = Special::General;
                        self.literal = ANY_SPECIAL;
                        self.matched = 0;
                        self.state = State::Name;
                    }
                },
                State::FieldsLf => {
                    if input.peek()? == b'\n' {
                        input.at += 1;
                    } else if !self.tolerates(Lenient::OPTIONAL_LF_AFTER_CR, Code::Strict) {
                        return self.fail(Code::Strict, Reason::LfAfterHeaders, input.at);
                    }
                    self.state = State::FieldsEnd;
                }
                state if state <= State::GeneralName => self.name(input)?,
                state if state <= State::RelaxedValue => self.value(input)?,
                state if state <= State::CodingBlanks => self.coding(input)?,
                state if state <= State::LengthBlanks => self.content_length(input)?,
                state if state <= State::ConnectionToken => self.connection(input)?,
                State::ValueLf => {
                    if input.peek()? != b'\n' {
                        return self.fail(Code::LfExpected, Reason::LfAfterValue, input.at);
                    }
                    input.at += 1;
                    self.state = State::ValueFold;
                }
                State::ValueFold => {
                    if !classes::is_blank(input.peek()?) {
                        self.value_complete(input);
                    } else if self.tolerates_in_fields() {
                        if self.special == Special::TransferEncodingChunked {
                            self.special = Special::General;
                        }
                        self.value_start(input)?;
                    } else {
                        return self.bad_token(Reason::WhitespaceAfterValue, input.at);
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    fn bad_token(&self, reason: Reason, at: usize) -> Step {
        self.fail(Code::InvalidHeaderToken, reason, at)
    }

    fn tolerates_in_fields(&mut self) -> bool {
        self.tolerates(Lenient::HEADERS, Code::InvalidHeaderToken)
    }

    fn tolerates_coding(&mut self) -> bool {
        self.tolerates(Lenient::TRANSFER_ENCODING, Code::InvalidTransferEncoding)
    }

    fn name(&mut self, input: &mut Input<'_>) -> Step {
        match self.state {
            State::Name => {
                let from = input.at;
                input.at = classes::skip(input.packet, from, TOKEN);
                let piece = input.packet.get(from..input.at).unwrap_or(&[]);
                let ends_here = input.at < input.packet.len();
                self.special = if self.matched == 0 && ends_here {
                    special_name(piece)
                } else {
                    self.narrow_special(piece);
                    self.matched_special()
                };
                let byte = input.peek()?;
                if byte == b' ' && self.special != Special::General {
                    if self.tolerates_in_fields() {
                        self.state = State::NameColonBlanks;
                        return Ok(());
                    }
                    self.end_span(input, input.at, input.at + 1)?;
                    return self.bad_token(Reason::HeaderFieldChar, input.at + 1);
                }
                self.name_end(byte, input)
            }
            State::NameColonBlanks => {
                while input.peek()? == b' ' {
                    input.at += 1;
                }
                if input.peek()? == b':' {
                    return self.name_end(b':', input);
                }
                self.special = Special::General;
                self.state = State::GeneralName;
                Ok(())
            }
            // GeneralName
            _ => {
                input.at = classes::skip(input.packet, input.at, TOKEN);
                let byte = input.peek()?;
                self.name_end(byte, input)
            }
        }
    }

    fn name_end(&mut self, byte: u8, input: &mut Input<'_>) -> Step {
        if byte != b':' {
            return self.bad_token(Reason::HeaderToken, input.at);
        }
        self.end_span(input, input.at, input.at + 1)?;
        input.at += 1;
        self.state = State::ValueBlanks;
        let (code, reason) = match self.special {
            Special::TransferEncoding if self.has(flag::CONTENT_LENGTH) => (
                Code::InvalidTransferEncoding,
                Reason::TransferEncodingWithContentLength,
            ),
            Special::ContentLength if self.has(flag::TRANSFER_ENCODING) => (
                Code::InvalidContentLength,
                Reason::ContentLengthWithTransferEncoding,
            ),
            _ => return Ok(()),
        };
        if self.tolerates(Lenient::CHUNKED_LENGTH, code) {
            return Ok(());
        }
        self.fail(code, reason, input.at)
    }

    /// Drops the special names that do not go on with `piece`.
    fn narrow_special(&mut self, piece: &[u8]) {
        let from = self.matched as usize;
        let to = from + piece.len();
        let mut left = self.literal;
        for (i, (name, _)) in SPECIAL_NAMES.iter().enumerate() {
            let goes_on = name
                .get(from..to)
                .is_some_and(|part| part.eq_ignore_ascii_case(piece));
            if !goes_on {
                left &= !(1 << i);
            }
        }
        self.literal = left;
        // Beyond the longest name nothing is left to be matched.
        self.matched = to.min(u8::MAX as usize) as u8;
    }

    fn matched_special(&self) -> Special {
        if self.literal == 0 {
            return Special::General;
        }
        SPECIAL_NAMES
            .iter()
            .enumerate()
            .find(|(i, (name, _))| {
                self.literal & (1 << i) != 0 && name.len() == self.matched as usize
            })
            .map_or(Special::General, |(_, (_, special))| *special)
    }

    fn value(&mut self, input: &mut Input<'_>) -> Step {
        match self.state {
            State::ValueBlanks => {
                while classes::is_blank(input.peek()?) {
                    input.at += 1;
                }
                match input.peek()? {
                    b'\r' => {
                        input.at += 1;
                        self.state = State::EmptyValueLf;
                    }
                    b'\n' if self.tolerates_bare_lf(Code::InvalidHeaderToken) => {
                        input.at += 1;
                        self.state = State::EmptyValueFold;
                    }
                    b'\n' => return self.bad_token(Reason::HeaderValueChar, input.at + 1),
                    _ => return self.value_start(input),
                }
            }
            State::EmptyValueLf => {
                if input.peek()? == b'\n' {
                    input.at += 1;
                } else if !self.tolerates(Lenient::HEADERS, Code::Strict) {
                    return self.fail(Code::Strict, Reason::LfAfterCr, input.at);
                }
                self.state = State::EmptyValueFold;
            }
            State::EmptyValueFold => {
                if !classes::is_blank(input.peek()?) {
                    return self.empty_value(input);
                }
                if !self.tolerates_in_fields() {
                    return self.bad_token(Reason::HeaderValueChar, input.at + 1);
                }
                input.at += 1;
                self.state = State::ValueBlanks;
            }
            State::Value => {
                input.at = classes::skip_value(input.packet, input.at);
                let byte = input.peek()?;
                return self.value_end(byte, input);
            }
            State::LenientValue => {
                while !matches!(input.peek()?, b'\r' | b'\n') {
                    input.at += 1;
                }
                if input.peek()? == b'\r' {
                    return self.value_end(b'\r', input);
                }
                self.end_span(input, input.at, input.at)?;
                self.state = State::ValueLf;
            }
            // RelaxedValue
            _ => {
                input.at = classes::skip(input.packet, input.at, RELAXED);
                let byte = input.peek()?;
                return self.value_end(byte, input);
            }
        }
        Ok(())
    }

    /// The first byte of a value, or of a folded line of it, is the next one.
    fn value_start(&mut self, input: &mut Input<'_>) -> Step {
        self.begin_span(SpanKind::Value, input);
        self.state = State::Value;
        match self.special {
            Special::Upgrade => {
                self.flags |= flag::UPGRADE;
                self.special = Special::General;
            }
            Special::TransferEncoding => {
                if self.has(flag::CHUNKED) && !self.tolerates_coding() {
                    return self.coding_after_chunked(input);
                }
                self.flags |= flag::TRANSFER_ENCODING;
                self.flags &= !flag::CHUNKED;
                self.matched = 0;
                self.state = State::CodingChunked;
            }
            Special::ContentLength => {
                if self.has(flag::CONTENT_LENGTH) {
                    return self.fail(
                        Code::UnexpectedContentLength,
                        Reason::DuplicateContentLength,
                        input.at,
                    );
                }
                self.state = State::LengthDigits;
            }
            Special::Connection => {
                self.state = State::Connection;
                // The usual value, whole.
                let rest = input.packet.get(input.at..).unwrap_or(&[]);
                if rest
                    .first_chunk::<11>()
                    .is_some_and(|value| value.eq_ignore_ascii_case(b"keep-alive\r"))
                {
                    input.at += 10;
                    self.special = Special::ConnectionKeepAlive;
                    return self.value_end(b'\r', input);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// At a byte that does not belong to a value: its end, or an error.
    fn value_end(&mut self, byte: u8, input: &mut Input<'_>) -> Step {
        match byte {
            b'\r' => {
                self.end_span(input, input.at, input.at + 1)?;
                input.at += 1;
                self.state = State::ValueLf;
                Ok(())
            }
            b'\n' => {
                self.end_span(input, input.at, input.at)?;
                if !self.tolerates_bare_lf(Code::CrExpected) {
                    return self.fail(Code::CrExpected, Reason::CrAfterValue, input.at);
                }
                self.state = State::ValueLf;
                Ok(())
            }
            _ if self.tolerates_in_fields() => {
                self.state = State::LenientValue;
                Ok(())
            }
            _ if classes::is(byte, RELAXED)
                && self.tolerates(Lenient::HEADER_VALUE_RELAXED, Code::InvalidHeaderToken) =>
            {
                self.state = State::RelaxedValue;
                Ok(())
            }
            _ => {
                self.end_span(input, input.at, input.at)?;
                self.bad_token(Reason::HeaderValueChar, input.at)
            }
        }
    }

    fn empty_value(&mut self, input: &mut Input<'_>) -> Step {
        if self.special == Special::ContentLength {
            return self.fail(
                Code::InvalidContentLength,
                Reason::EmptyContentLength,
                input.at,
            );
        }
        if self.special == Special::TransferEncoding
            && self.config.profile.refuse_empty_transfer_encoding
        {
            return self.fail(
                Code::InvalidTransferEncoding,
                Reason::EmptyTransferEncoding,
                input.at,
            );
        }
        self.begin_span(SpanKind::Value, input);
        self.end_span(input, input.at, input.at)?;
        self.value_complete(input);
        Ok(())
    }

    /// The line is complete, its line end included.
    fn value_complete(&mut self, input: &Input<'_>) {
        self.apply_special();
        if let Some(scratch) = &mut self.scratch {
            scratch.end_field(input.packet);
        }
        self.state = State::FieldStart;
    }

    /// What a list item or a whole value turned out to be takes effect.
    fn apply_special(&mut self) {
        match self.special {
            Special::ConnectionKeepAlive => self.flags |= flag::KEEP_ALIVE,
            Special::ConnectionClose => self.flags |= flag::CLOSE,
            Special::ConnectionUpgrade => self.flags |= flag::CONNECTION_UPGRADE,
            Special::TransferEncodingChunked => {
                self.flags |= flag::CHUNKED;
                return;
            }
            _ => return,
        }
        self.special = Special::Connection;
    }

    fn coding(&mut self, input: &mut Input<'_>) -> Step {
        let byte = input.peek()?;
        match self.state {
            State::CodingChunked => {
                if CHUNKED.get(self.matched as usize) != Some(&byte.to_ascii_lowercase()) {
                    self.state = State::CodingToken;
                    return Ok(());
                }
                input.at += 1;
                self.matched += 1;
                if self.matched as usize == CHUNKED.len() {
                    self.state = State::CodingChunkedEnd;
                }
            }
            State::CodingChunkedEnd => match byte {
                b' ' => input.at += 1,
                b'\r' | b'\n' => {
                    self.special = Special::TransferEncodingChunked;
                    return self.value_end(byte, input);
                }
                b',' if self.tolerates_coding() => {
                    self.matched = 0;
                    self.state = State::CodingChunked;
                }
                b',' => return self.coding_after_chunked(input),
                _ => self.state = State::CodingToken,
            },
            State::CodingToken => {
                if classes::is(byte, LIST_ITEM) {
                    input.at = classes::skip(input.packet, input.at, LIST_ITEM);
                } else if byte == b',' {
                    input.at += 1;
                    self.state = State::CodingBlanks;
                } else {
                    self.special = Special::General;
                    self.state = State::Value;
                }
            }
            // CodingBlanks
            _ => {
                if classes::is_blank(byte) {
                    input.at += 1;
                } else {
                    self.matched = 0;
                    self.state = State::CodingChunked;
                }
            }
        }
        Ok(())
    }

    fn coding_after_chunked(&mut self, input: &Input<'_>) -> Step {
        self.end_span(input, input.at, input.at + 1)?;
        self.fail(
            Code::InvalidTransferEncoding,
            Reason::TransferEncodingValue,
            input.at + 1,
        )
    }

    fn content_length(&mut self, input: &mut Input<'_>) -> Step {
        if self.state == State::LengthDigits {
            loop {
                let byte = input.peek()?;
                if !byte.is_ascii_digit() {
                    break;
                }
                input.at += 1;
                let digit = (byte - b'0') as u64;
                let longer = self.length.checked_mul(10);
                let Some(length) = longer.and_then(|n| n.checked_add(digit)) else {
                    self.end_span(input, input.at, input.at)?;
                    return self.fail(
                        Code::InvalidContentLength,
                        Reason::ContentLengthOverflow,
                        input.at,
                    );
                };
                self.length = length;
            }
            self.state = State::LengthBlanks;
        }
        loop {
            match input.peek()? {
                b' ' => input.at += 1,
                b'\t' if self.config.profile.tab_after_content_length => input.at += 1,
                byte @ (b'\r' | b'\n') => {
                    self.flags |= flag::CONTENT_LENGTH;
                    return self.value_end(byte, input);
                }
                _ => {
                    self.end_span(input, input.at, input.at)?;
                    return self.fail(
                        Code::InvalidContentLength,
                        Reason::ContentLengthCharacter,
                        input.at,
                    );
                }
            }
        }
    }

    fn connection(&mut self, input: &mut Input<'_>) -> Step {
        let byte = input.peek()?;
        match self.state {
            State::Connection => {
                if classes::is_blank(byte) {
                    input.at += 1;
                    return Ok(());
                }
                let lower = byte.to_ascii_lowercase();
                match CONNECTION_WORDS
                    .iter()
                    .position(|(word, _)| word[0] == lower)
                {
                    Some(word) => {
                        input.at += 1;
                        self.literal = word as u8;
                        self.matched = 1;
                        self.state = State::ConnectionWord;
                    }
                    None => self.state = State::ConnectionToken,
                }
            }
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
}
