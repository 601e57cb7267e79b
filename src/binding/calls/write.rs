//! The calls that write: what JavaScript passes becomes an [`Output`].

use std::sync::Arc;

use napi::{Result, check_status, sys};

use super::{Call, number};
use crate::binding::pages;
use crate::binding::values::{self, Encoding, int};
use crate::conn::output::{Output, Piece};
use crate::conn::{Core, Taken};
use crate::layout::taken;
use crate::layout::write::{
    BLANK_FOLLOWS, BYTES, FIN_FOLLOWS, HEAD_UTF8, LATIN1, MAY_WAIT, MORE_FOLLOWS,
};
use crate::memory::{Loan, Owner};

/// The bits of a write's flags that are the encoding.
const ENCODING: u32 = 3;
/// The number of a piece that is the only one.
pub const ONLY: u32 = u32::MAX;

impl<const N: usize> Call<'_, N> {
    /// Writes to the connection of the first argument. The numbers of the pieces refer to `value`: an array, or the
    /// only piece with a number.
    fn send(
        &self,
        flags: u32,
        text: &mut Vec<u8>,
        pieces: &[Piece<'_>],
        blanks: u32,
        value: sys::napi_value,
    ) -> Result<sys::napi_value> {
        let native = self.native()?;
        let connections = native.connections.borrow();
        let Some(conn) = connections.get(self.number(0)) else {
            return Ok(int(self.env, -libc::EBADF));
        };
        let mut output = Output {
            text,
            pieces,
            blanks,
            several: pieces.len() > 1 || flags & BLANK_FOLLOWS != 0,
            lend: &|| lend(self.env, value, &native.core),
        };
        let last = flags & FIN_FOLLOWS != 0;
        let wait = !last
            && (flags & MORE_FOLLOWS != 0 || (flags & MAY_WAIT != 0 && connections.has_more()));
        if wait && conn.defer(&output, connections.knowledge(conn)) {
            native.core.deferred.add(conn);
            return Ok(int(self.env, 0));
        }
        let result = match conn.write(&mut output, last) {
            Ok(Taken::All) => taken::ALL as i32,
            Ok(Taken::Part) => taken::PART as i32,
            Ok(Taken::Nothing) => taken::NOTHING as i32,
            Ok(Taken::Ended(errno)) => taken::ENDED as i32 | errno,
            Err(errno) => -errno,
        };
        Ok(int(self.env, result))
    }

    /// Calls a function that writes, with the memory for strings.
    fn with_text(
        &self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<sys::napi_value>,
    ) -> Result<sys::napi_value> {
        let mut text = self.native()?.text.borrow_mut();
        let result = write(&mut text);
        text.clear();
        text.shrink_to(TEXT);
        result
    }
}

/// Makes a piece from a chunk that is to be written: bytes of JavaScript, or a string that is appended to the text.
///
/// # Safety
/// As `values::bytes`.
unsafe fn piece<'a>(
    env: sys::napi_env,
    chunk: sys::napi_value,
    encoding: u32,
    text: &mut Vec<u8>,
    number: u32,
) -> Result<Piece<'a>> {
    let encoding = match encoding & ENCODING {
        BYTES => {
            // SAFETY: the caller sees to it.
            return unsafe { values::bytes(env, chunk) }.map(|bytes| Piece::Bytes(bytes, number));
        }
        LATIN1 => Encoding::Latin1,
        _ => Encoding::Utf8,
    };
    let start = text.len();
    values::append_string(env, chunk, encoding, text)?;
    Ok(Piece::Text(start..text.len()))
}

/// Keeps the memory of a value in place until the loan is over. Returns None if Node-API fails.
fn lend(env: sys::napi_env, value: sys::napi_value, core: &Arc<Core>) -> Option<Loan> {
    let mut reference = std::ptr::null_mut();
    // SAFETY: the value belongs to the current call.
    let status = unsafe { sys::napi_create_reference(env, value, 1, &mut reference) };
    if status != sys::Status::napi_ok {
        return None;
    }
    let owner = Owner {
        env: env.cast(),
        reference: reference.cast(),
        give_up: pages::give_up,
    };
    // SAFETY: the memory of a view does not move while there is a reference to the view, and this is the thread of
    // `env`.
    Some(unsafe { Loan::new(owner, core.clone()) })
}

/// The largest size of the memory for strings that is kept.
const TEXT: usize = 64 * 1024;

pub fn write(call: &Call<'_, 3>) -> Result<sys::napi_value> {
    let chunk = call.arguments[1];
    let flags = call.number(2);
    call.with_text(|text| {
        // SAFETY: the bytes are used before this returns to JavaScript, or lent.
        let piece = unsafe { piece(call.env, chunk, flags, text, ONLY) }?;
        let blanks = u32::from(flags & BLANK_FOLLOWS != 0);
        call.send(flags, text, &[piece], blanks, chunk)
    })
}

/// Writes a whole response: its head, its body of one chunk, and its tail. Head and tail are strings.
pub fn respond(call: &Call<'_, 5>) -> Result<sys::napi_value> {
    let flags = call.number(4);
    let head_encoding = if flags & HEAD_UTF8 != 0 {
        Encoding::Utf8
    } else {
        Encoding::Latin1
    };
    let [_, head, body, tail, _] = call.arguments;
    call.with_text(|text| {
        values::append_string(call.env, head, head_encoding, text)?;
        let head_end = text.len();
        // SAFETY: the bytes are used before this returns to JavaScript, or lent.
        let piece = unsafe { piece(call.env, body, flags, text, ONLY) }?;
        let body_end = text.len();
        values::append_string(call.env, tail, Encoding::Latin1, text)?;
        let end = text.len();
        let blanks = u32::from(flags & BLANK_FOLLOWS != 0);
        match piece {
            Piece::Text(_) => call.send(flags, text, &[Piece::Text(0..end)], blanks, body),
            bytes if body_end == end => {
                let pieces = [Piece::Text(0..head_end), bytes];
                call.send(flags, text, &pieces, blanks, body)
            }
            bytes => {
                let pieces = [Piece::Text(0..head_end), bytes, Piece::Text(body_end..end)];
                call.send(flags, text, &pieces, blanks, body)
            }
        }
    })
}

pub fn writev(call: &Call<'_, 3>) -> Result<sys::napi_value> {
    let array = call.arguments[1];
    let flags = call.number(2);
    call.with_text(|text| {
        // SAFETY: the bytes are used before this returns to JavaScript, or lent.
        let pieces = unsafe { pieces(call.env, array, text) }?;
        let blanks = pieces.iter().rev().take_while(|piece| piece.is_blank());
        let passed = blanks.count() as u32;
        let blanks = passed + u32::from(flags & BLANK_FOLLOWS != 0);
        call.send(flags, text, &pieces, blanks, array)
    })
}

/// Makes pieces from `[chunk, encoding, ...]`. The number of each is its index there.
///
/// # Safety
/// As `values::bytes`.
unsafe fn pieces<'a>(
    env: sys::napi_env,
    array: sys::napi_value,
    text: &mut Vec<u8>,
) -> Result<Vec<Piece<'a>>> {
    let mut length = 0;
    // SAFETY: Node-API checks that the value is an array.
    let status = unsafe { sys::napi_get_array_length(env, array, &mut length) };
    check_status!(status, "Expected an array")?;
    let mut pieces = Vec::with_capacity(length as usize / 2);
    for i in (0..length / 2).map(|i| 2 * i) {
        let encoding = number(env, values::element(env, array, i + 1)?);
        let chunk = values::element(env, array, i)?;
        // SAFETY: the caller sees to it.
        pieces.push(unsafe { piece(env, chunk, encoding, text, i)? });
    }
    Ok(pieces)
}
