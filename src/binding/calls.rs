//! The calls of the hot path: functions on the engine's object that use Node-API directly. They need one call to get
//! their arguments. Methods of napi-rs would unwrap, check and lock as well.

use std::ffi::{CStr, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use napi::{Result, check_status, sys};

use super::local::Local;
use super::pages;
use super::values::{self, Encoding, double, int};
use crate::conn::outbox::{Output, Piece};
use crate::conn::{Conn, Core, Taken};
use crate::engine::deferred::Moment;
use crate::layout::taken;
use crate::layout::write::{
    BLANK_FOLLOWS, BYTES, FIN_FOLLOWS, HEAD_UTF8, LATIN1, MAY_WAIT, MORE_FOLLOWS,
};
use crate::memory::{Loan, Owner};

type Callback =
    unsafe extern "C" fn(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value;

/// Makes a table of callbacks that catch every panic, because a panic must not pass through C. After a panic a call
/// returns the value that is behind it in the table.
macro_rules! calls {
    ($($name:literal: $call:ident, $after_panic:expr;)*) => {
        [$(($name, {
            unsafe extern "C" fn enter(
                env: sys::napi_env,
                info: sys::napi_callback_info,
            ) -> sys::napi_value {
                // SAFETY: the arguments are those of a callback.
                let call = || unsafe { $call(env, info) };
                catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| $after_panic(env))
            }
            enter as Callback
        })),*]
    };
}

const CALLS: [(&CStr, Callback); 14] = calls! {
    c"next": next, values::null;
    c"goOn": go_on, zero;
    c"write": write, failed;
    c"writev": writev, failed;
    c"respond": respond, failed;
    c"shutdown": shutdown, failed;
    c"pause": pause, values::undefined;
    c"resume": resume, values::undefined;
    c"close": close, zero;
    c"reset": reset, zero;
    c"decline": decline, values::null;
    c"blob": blob, values::undefined;
    c"flush": flush, values::undefined;
    c"serverOf": server_of, zero;
};

/// The result of a write after a panic. JavaScript then destroys the connection with an error.
fn failed(env: sys::napi_env) -> sys::napi_value {
    int(env, -libc::EIO)
}

fn zero(env: sys::napi_env) -> sys::napi_value {
    int(env, 0)
}

/// Defines the calls as own properties of the engine's object.
pub fn define(env: sys::napi_env, engine: sys::napi_value, local: &Rc<Local>) -> Result<()> {
    for (name, callback) in CALLS {
        let data = Rc::into_raw(local.clone()).cast_mut().cast();
        let mut function = std::ptr::null_mut();
        // SAFETY: the values belong to the current call. `drop_local` gives back the count that `into_raw` took, when
        // the function is collected and cannot be called any more.
        unsafe {
            check_status!(sys::napi_create_function(
                env,
                name.as_ptr(),
                -1,
                Some(callback),
                data,
                &mut function,
            ))?;
            check_status!(sys::napi_add_finalizer(
                env,
                function,
                data,
                Some(drop_local),
                std::ptr::null_mut(),
                std::ptr::null_mut(),
            ))?;
            check_status!(sys::napi_set_named_property(
                env,
                engine,
                name.as_ptr(),
                function
            ))?;
        }
    }
    Ok(())
}

unsafe extern "C" fn drop_local(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: `define` made the pointer with `into_raw`; the finalizer runs once.
    drop(unsafe { Rc::from_raw(data.cast::<Local>()) });
}

/// One call, with its engine and arguments.
struct Call<'a, const N: usize> {
    env: sys::napi_env,
    local: &'a Local,
    arguments: [sys::napi_value; N],
}

impl<const N: usize> Call<'_, N> {
    /// # Safety
    /// The arguments are those of a callback from `CALLS`.
    unsafe fn new(env: sys::napi_env, info: sys::napi_callback_info) -> Self {
        let mut arguments = [std::ptr::null_mut(); N];
        let mut count = N;
        let mut data = std::ptr::null_mut();
        // SAFETY: the pointers are valid. Missing arguments become undefined. The running function keeps its data
        // alive.
        unsafe {
            sys::napi_get_cb_info(
                env,
                info,
                &mut count,
                arguments.as_mut_ptr(),
                std::ptr::null_mut(),
                &mut data,
            );
            Call {
                env,
                local: &*data.cast::<Local>(),
                arguments,
            }
        }
    }

    /// An argument as a number; 0 if it is no number.
    fn number(&self, i: usize) -> u32 {
        number(self.env, self.arguments[i])
    }

    fn undefined(&self) -> sys::napi_value {
        values::undefined(self.env)
    }

    /// Writes to the connection of the first argument. The numbers of the pieces refer to `value`: an array, or the
    /// only piece with a number.
    fn send(
        &self,
        flags: u32,
        text: &mut Vec<u8>,
        pieces: &[Piece<'_>],
        blanks: u32,
        value: sys::napi_value,
    ) -> sys::napi_value {
        let native = self.local.native();
        let connections = native.connections.borrow();
        let Some(conn) = connections.get(self.number(0)) else {
            return int(self.env, -libc::EBADF);
        };
        let mut output = Output {
            text,
            pieces,
            blanks,
            lend: &|| lend(self.env, value, &native.core),
        };
        let last = flags & FIN_FOLLOWS != 0;
        let wait = !last
            && (flags & MORE_FOLLOWS != 0 || (flags & MAY_WAIT != 0 && connections.has_more()));
        if wait && conn.defer(&output, !connections.is_dispatching()) {
            native.core.deferred.add(conn);
            return int(self.env, 0);
        }
        let result = match conn.write(&mut output, last) {
            Ok(Taken::All) => taken::ALL as i32,
            Ok(Taken::Part) => taken::PART as i32,
            Ok(Taken::Nothing) => taken::NOTHING as i32,
            Ok(Taken::Ended(errno)) => taken::ENDED as i32 | errno,
            Err(errno) => -errno,
        };
        int(self.env, result)
    }

    /// Calls a function that writes, with the memory for strings.
    fn with_text(
        &self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<sys::napi_value>,
    ) -> sys::napi_value {
        let mut text = self.local.native().scratch.borrow_mut();
        let result = write(&mut text).unwrap_or_else(|error| throw(self.env, error));
        text.clear();
        text.shrink_to(SCRATCH);
        result
    }

    /// Closes the connection of the first argument.
    fn close(&self, reset: bool) -> sys::napi_value {
        let mut connections = self.local.native().connections.borrow_mut();
        let written = connections.close(self.number(0), reset);
        double(self.env, written as f64)
    }

    fn with_conn(&self, f: impl FnOnce(&Arc<Conn>) -> i32) -> sys::napi_value {
        let connections = self.local.native().connections.borrow();
        let result = connections.get(self.number(0)).map_or(-libc::EBADF, f);
        int(self.env, result)
    }
}

/// The bits of a write's flags that are the encoding.
const ENCODING: u32 = 3;
/// The number of a piece that is the only one.
pub const ONLY: u32 = u32::MAX;

fn number(env: sys::napi_env, value: sys::napi_value) -> u32 {
    let mut number = 0;
    // SAFETY: Node-API checks that the value is a number, and does not change `number` otherwise.
    unsafe { sys::napi_get_value_uint32(env, value, &mut number) };
    number
}

/// The number that a call returns: 0 for done, 1 for pending, or -errno.
fn outcome(result: std::result::Result<bool, i32>) -> i32 {
    match result {
        Ok(pending) => i32::from(pending),
        Err(errno) => -errno,
    }
}

fn throw(env: sys::napi_env, error: napi::Error) -> sys::napi_value {
    let message = std::ffi::CString::new(error.reason.as_str()).unwrap_or_default();
    // SAFETY: the message is a terminated string. If an exception is pending already, it stays.
    unsafe { sys::napi_throw_type_error(env, std::ptr::null(), message.as_ptr()) };
    std::ptr::null_mut()
}

/// # Safety
/// The arguments are those of a callback.
unsafe fn next(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<0>::new(env, info) };
    let native = call.local.native();
    let popped = {
        let mut pages = native.pages.borrow_mut();
        let mut connections = native.connections.borrow_mut();
        connections.next(&native.core, &mut *pages)
    };
    let Some(popped) = popped else {
        call.local.hold();
        return values::null(env);
    };
    call.local
        .publish(popped.id, popped.flags, popped.bytes, popped.records)
        .unwrap_or_else(|error| throw(env, error))
}

/// # Safety
/// The arguments are those of a callback.
unsafe fn go_on(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<0>::new(env, info) };
    let native = call.local.native();
    let mut connections = native.connections.borrow_mut();
    let goes_on = connections.go_on(&native.core, || native.wake.is_loop_idle());
    int(env, goes_on.into())
}

/// # Safety
/// The arguments are those of a callback.
unsafe fn blob(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<1>::new(env, info) };
    match call.local.take_blob(call.number(0)) {
        Some(blob) => pages::buffer(env, blob).unwrap_or_else(|error| throw(env, error)),
        None => throw(env, values::invalid("No such blob")),
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
const SCRATCH: usize = 64 * 1024;

/// # Safety
/// The arguments are those of a callback.
unsafe fn write(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<3>::new(env, info) };
    let chunk = call.arguments[1];
    call.with_text(|text| {
        // SAFETY: the bytes are used before this returns to JavaScript, or lent.
        let piece = unsafe { piece(env, chunk, call.number(2), text, ONLY) }?;
        let blanks = u32::from(call.number(2) & BLANK_FOLLOWS != 0);
        Ok(call.send(call.number(2), text, &[piece], blanks, chunk))
    })
}

/// Writes a whole response: its head, its body of one chunk, and its tail. Head and tail are strings.
/// # Safety
/// The arguments are those of a callback.
unsafe fn respond(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<5>::new(env, info) };
    let flags = call.number(4);
    let head_encoding = if flags & HEAD_UTF8 != 0 {
        Encoding::Utf8
    } else {
        Encoding::Latin1
    };
    let [_, head, body, tail, _] = call.arguments;
    call.with_text(|text| {
        values::append_string(env, head, head_encoding, text)?;
        let head_end = text.len();
        // SAFETY: the bytes are used before this returns to JavaScript, or lent.
        let piece = unsafe { piece(env, body, flags, text, ONLY) }?;
        let body_end = text.len();
        values::append_string(env, tail, Encoding::Latin1, text)?;
        let end = text.len();
        // Without chunked encoding, Node writes an empty chunk at the end, which has the callback.
        let blanks = u32::from(body_end == end);
        Ok(match piece {
            Piece::Text(_) => call.send(flags, text, &[Piece::Text(0..end)], blanks, body),
            bytes if body_end == end => {
                let pieces = [Piece::Text(0..head_end), bytes];
                call.send(flags, text, &pieces, blanks, body)
            }
            bytes => {
                let pieces = [Piece::Text(0..head_end), bytes, Piece::Text(body_end..end)];
                call.send(flags, text, &pieces, blanks, body)
            }
        })
    })
}

/// Sends deferred output and FIN, because the turn is over.
/// # Safety
/// The arguments are those of a callback.
unsafe fn flush(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<0>::new(env, info) };
    call.local.native().core.deferred.flush(Moment::Turn);
    call.undefined()
}

/// # Safety
/// The arguments are those of a callback.
unsafe fn writev(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<3>::new(env, info) };
    let array = call.arguments[1];
    call.with_text(|text| {
        // SAFETY: the bytes are used before this returns to JavaScript, or lent.
        let pieces = unsafe { pieces(env, array, text) }?;
        let blanks = pieces.iter().rev().take_while(|piece| piece.is_blank());
        let passed = blanks.count() as u32;
        let blanks = passed + u32::from(call.number(2) & BLANK_FOLLOWS != 0);
        Ok(call.send(call.number(2), text, &pieces, blanks, array))
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

/// # Safety
/// The arguments are those of a callback.
unsafe fn shutdown(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<1>::new(env, info) };
    let deferred = &call.local.native().core.deferred;
    call.with_conn(|conn| {
        let result = conn.shutdown();
        if result == Ok(false) {
            deferred.add(conn);
        }
        outcome(result)
    })
}

/// The id of a connection's server; 0 if there is no such connection.
/// # Safety
/// The arguments are those of a callback.
unsafe fn server_of(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<1>::new(env, info) };
    let connections = call.local.native().connections.borrow();
    let server = connections.get(call.number(0)).map_or(0, |c| c.server.id);
    double(env, server.into())
}

/// # Safety
/// The arguments are those of a callback.
unsafe fn pause(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<1>::new(env, info) };
    call.local
        .native()
        .connections
        .borrow_mut()
        .pause(call.number(0));
    call.undefined()
}

/// # Safety
/// The arguments are those of a callback.
unsafe fn resume(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<1>::new(env, info) };
    let id = call.number(0);
    call.local.native().connections.borrow_mut().resume(id);
    call.undefined()
}

/// # Safety
/// The arguments are those of a callback.
unsafe fn close(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<1>::new(env, info) };
    call.close(false)
}

/// # Safety
/// The arguments are those of a callback.
unsafe fn reset(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<1>::new(env, info) };
    call.close(true)
}

/// # Safety
/// The arguments are those of a callback.
unsafe fn decline(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<1>::new(env, info) };
    let id = call.number(0);
    let connections = call.local.native().connections.borrow();
    match connections.get(id).and_then(Conn::decline_upgrade) {
        Some(records) => call
            .local
            .publish(id, 0, 0, records)
            .unwrap_or_else(|error| throw(env, error)),
        None => values::null(env),
    }
}
