//! Kinds of refusals: code, reason and hint, by which they are counted.

use super::hints::Hint;
use crate::http1::{Code, Reason};

/// The codes beside the parser's: those of sockets, that of dropped connections, and two that stand for others.
const SYSTEM: [&str; 10] = [
    "ECONNRESET",
    "EPIPE",
    "ETIMEDOUT",
    "ECONNABORTED",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "EPROTO",
    DROPPED,
    "UNKNOWN",
    OTHER,
];

/// The code of a connection that was closed before anything was read from it. It has no error.
const DROPPED: &str = "DROPPED";

/// Stands for every code of the program's own.
const OTHER: &str = "OTHER";

/// Where the numbers of [`SYSTEM`] begin.
const FIRST_SYSTEM: u8 = 64;

/// A code, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeNumber(u8);

impl CodeNumber {
    /// The number of a code of the parser.
    pub fn of(code: Code) -> CodeNumber {
        CodeNumber(code.index() as u8)
    }

    /// The number for a connection that was dropped.
    pub fn dropped() -> CodeNumber {
        CodeNumber::of_text(DROPPED)
    }

    /// The number of a code of a socket or of the program. All unknown codes have the same number.
    pub fn of_text(text: &str) -> CodeNumber {
        if let Some(code) = Code::ALL.iter().find(|code| code.as_str() == text) {
            return CodeNumber::of(*code);
        }
        let known = SYSTEM.iter().position(|name| *name == text);
        CodeNumber(FIRST_SYSTEM + known.unwrap_or(SYSTEM.len() - 1) as u8)
    }

    /// The code of the parser, unless it is another one.
    pub fn code(self) -> Option<Code> {
        Code::ALL.get(usize::from(self.0)).copied()
    }

    /// The code as `err.code` has it.
    pub fn as_str(self) -> &'static str {
        match self.0.checked_sub(FIRST_SYSTEM) {
            Some(system) => SYSTEM.get(usize::from(system)).copied().unwrap_or(OTHER),
            None => self.code().map_or(OTHER, Code::as_str),
        }
    }
}

/// Code, reason and hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// `err.code`.
    pub code: CodeNumber,
    /// `err.reason`, for a parse error.
    pub reason: Option<Reason>,
    /// The likely cause.
    pub hint: Option<Hint>,
}

impl Kind {
    /// A number that no other kind has.
    pub fn key(self) -> u32 {
        let reason = self.reason.map_or(255, Reason::index);
        let hint = self.hint.map_or(255, |hint| hint as u32);
        u32::from(self.code.0) << 16 | reason << 8 | hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_by_its_text() {
        for code in Code::ALL {
            let number = CodeNumber::of(*code);
            assert_eq!(CodeNumber::of_text(code.as_str()), number);
            assert_eq!(number.as_str(), code.as_str());
        }
        for name in SYSTEM {
            assert_eq!(CodeNumber::of_text(name).as_str(), name);
        }
        assert_eq!(CodeNumber::of_text("ERR_MINE").as_str(), "OTHER");
        assert!(Code::ALL.len() < FIRST_SYSTEM.into() && Reason::ALL.len() < 255);
    }
}
