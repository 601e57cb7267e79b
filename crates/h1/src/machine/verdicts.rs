//! Errors, and what lenient parsing accepts instead.

use super::Parser;
use super::state::{Halt, Step};
use crate::{Code, Lenient, ParseError, Reason, Sink};

impl Parser {
    #[inline(always)]
    pub(crate) fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    #[inline(always)]
    pub(super) fn lenient(&self, flag: Lenient) -> bool {
        self.config.lenient.contains(flag)
    }

    /// Whether lenient parsing accepts what strict parsing refuses with this code. If so, that is noted.
    #[cold]
    pub(super) fn tolerates(&mut self, flag: Lenient, code: Code) -> bool {
        let tolerates = self.lenient(flag);
        if tolerates {
            self.note_tolerated(code);
        }
        tolerates
    }

    /// Whether lenient parsing accepts a line that ends in LF alone.
    pub(super) fn tolerates_bare_lf(&mut self, code: Code) -> bool {
        self.tolerates(Lenient::OPTIONAL_CR_BEFORE_LF, code)
    }

    pub(super) fn note_tolerated(&mut self, code: Code) {
        self.tolerated[0] |= 1 << code.index();
    }

    #[cold]
    pub(super) fn tell_tolerated<S: Sink + ?Sized>(&mut self, sink: &mut S) {
        let [so_far, told] = self.tolerated;
        let fresh = so_far & !told;
        for &code in Code::ALL {
            if fresh & 1 << code.index() != 0 {
                sink.tolerated(code);
            }
        }
        self.tolerated[1] = so_far;
    }

    /// Makes an error at the offset `at`, as the result of a step.
    #[cold]
    pub(super) fn fail(&self, code: Code, reason: Reason, at: usize) -> Step {
        Err(Halt::Failed(ParseError {
            code,
            reason,
            bytes_parsed: at as i32,
        }))
    }
}
