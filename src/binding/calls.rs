//! The calls of the hot path: functions of the engine's object, straight on Node-API. They cost
//! one call for their arguments, where napi-rs's methods unwrap, check and lock as well.

use std::ffi::{CStr, c_void};
use std::rc::Rc;

use napi::{Result, check_status, sys};

use super::bridge::Local;
use super::pages;
use super::values::{self, Encoding, double, int};
use crate::conn::Conn;
use crate::conn::io::MAX_PIECES;

type Callback =
    unsafe extern "C" fn(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value;

const CALLS: [(&CStr, Callback); 13] = [
    (c"next", next),
    (c"write", write),
    (c"writev", writev),
    (c"respond", respond),
    (c"shutdown", shutdown),
    (c"pause", pause),
    (c"resume", resume),
    (c"close", close),
    (c"reset", reset),
    (c"decline", decline),
    (c"blob", blob),
    (c"flush", flush),
    (c"serverOf", server_of),
];

/// Makes the calls own properties of the engine's object.
pub fn define(env: sys::napi_env, engine: sys::napi_value, local: &Rc<Local>) -> Result<()> {
    for (name, callback) in CALLS {
        let data = Rc::into_raw(local.clone()).cast_mut().cast();
        let mut function = std::ptr::null_mut();
        // SAFETY: the values belong to the current call. `drop_local` gives back the count that
        // `into_raw` took, when the function is collected and can be called no more.
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

/// One call: its engine and arguments.
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
        // SAFETY: the pointers are valid. Missing arguments become undefined. The function that
        // is running keeps its data alive.
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

    /// An argument as a number; 0 if it is none.
    fn number(&self, i: usize) -> u32 {
        number(self.env, self.arguments[i])
    }

    fn undefined(&self) -> sys::napi_value {
        values::undefined(self.env)
    }

    /// Writes to the connection of the first argument.
    fn send(&self, flags: u32, pieces: &[&[u8]]) -> sys::napi_value {
        let native = &self.local.native;
        let connections = native.connections.borrow();
        let Some(conn) = connections.get(self.number(0)) else {
            return int(self.env, -libc::EBADF);
        };
        let last = flags & FIN_FOLLOWS != 0;
        let wait = !last
            && (flags & MORE_FOLLOWS != 0 || (flags & MAY_WAIT != 0 && connections.has_more()));
        if wait && conn.defer(pieces).is_some() {
            native.core.deferred.add(conn);
            return int(self.env, 0);
        }
        let mut result = Ok(false);
        for some in pieces.chunks(MAX_PIECES) {
            result = if last {
                conn.write_last(some)
            } else {
                conn.write(some)
            };
            if result.is_err() {
                break;
            }
        }
        int(self.env, outcome(result))
    }

    /// Closes the connection of the first argument.
    fn close(&self, reset: bool) -> sys::napi_value {
        let mut connections = self.local.native.connections.borrow_mut();
        let written = connections.close(self.number(0), reset);
        double(self.env, written as f64)
    }

    fn with_conn(&self, f: impl FnOnce(&Conn) -> i32) -> sys::napi_value {
        let connections = self.local.native.connections.borrow();
        let result = connections
            .get(self.number(0))
            .map_or(-libc::EBADF, |conn| f(conn));
        int(self.env, result)
    }
}

/// The bits of a write's number that are its encoding.
const ENCODING: u32 = 3;
/// The output may wait for the end of the batch, if there is more in it.
const MAY_WAIT: u32 = 4;
/// More output of the connection is to follow at once.
const MORE_FOLLOWS: u32 = 8;
/// The output is the last: `shutdown` follows before this returns to the event loop.
const FIN_FOLLOWS: u32 = 16;

/// The head of a response is UTF-8, not latin1.
const HEAD_UTF8: u32 = 32;

fn number(env: sys::napi_env, value: sys::napi_value) -> u32 {
    let mut number = 0;
    // SAFETY: Node-API checks that the value is a number, and leaves `number` alone otherwise.
    unsafe { sys::napi_get_value_uint32(env, value, &mut number) };
    number
}

/// 0 done, 1 pending, or -errno.
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

unsafe extern "C" fn next(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<0>::new(env, info) };
    let native = &call.local.native;
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

unsafe extern "C" fn blob(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<1>::new(env, info) };
    match call.local.take_blob(call.number(0)) {
        Some(blob) => pages::buffer(env, blob).unwrap_or_else(|error| throw(env, error)),
        None => throw(env, values::invalid("No such blob")),
    }
}

/// A chunk that is to be written: bytes of JavaScript, or a part of the scratch memory.
enum Piece<'a> {
    Bytes(&'a [u8]),
    Text(std::ops::Range<usize>),
}

/// # Safety
/// As `values::bytes`.
unsafe fn piece<'a>(
    env: sys::napi_env,
    chunk: sys::napi_value,
    encoding: u32,
    scratch: &mut Vec<u8>,
) -> Result<Piece<'a>> {
    let encoding = match encoding & ENCODING {
        // SAFETY: the caller sees to it.
        0 => return unsafe { values::bytes(env, chunk) }.map(Piece::Bytes),
        1 => Encoding::Latin1,
        _ => Encoding::Utf8,
    };
    let start = scratch.len();
    values::append_string(env, chunk, encoding, scratch)?;
    Ok(Piece::Text(start..scratch.len()))
}

/// Memory that strings are written through is kept up to this size.
const SCRATCH: usize = 256 * 1024;

unsafe extern "C" fn write(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<3>::new(env, info) };
    let mut scratch = call.local.native.scratch.borrow_mut();
    scratch.clear();
    scratch.shrink_to(SCRATCH);
    // SAFETY: the bytes are used before this returns to JavaScript.
    let piece = match unsafe { piece(env, call.arguments[1], call.number(2), &mut scratch) } {
        Ok(piece) => piece,
        Err(error) => return throw(env, error),
    };
    let bytes = match piece {
        Piece::Bytes(bytes) => bytes,
        Piece::Text(range) => &scratch[range],
    };
    call.send(call.number(2), &[bytes])
}

/// Writes the whole of a response: its head, its body of one chunk, and what follows that. Head and
/// tail are strings.
unsafe extern "C" fn respond(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<5>::new(env, info) };
    let mut scratch = call.local.native.scratch.borrow_mut();
    scratch.clear();
    scratch.shrink_to(SCRATCH);
    let flags = call.number(4);
    let head_encoding = if flags & HEAD_UTF8 != 0 {
        Encoding::Utf8
    } else {
        Encoding::Latin1
    };
    let [_, head, body, tail, _] = call.arguments;
    let mut all = || {
        values::append_string(env, head, head_encoding, &mut scratch)?;
        let head_end = scratch.len();
        // SAFETY: the bytes are used before this returns to JavaScript.
        let body = unsafe { piece(env, body, flags, &mut scratch) }?;
        values::append_string(env, tail, Encoding::Latin1, &mut scratch)?;
        Ok((head_end, body))
    };
    match all() {
        Ok((head_end, Piece::Bytes(body))) => {
            let (head, tail) = scratch.split_at(head_end);
            match tail {
                [] => call.send(flags, &[head, body]),
                tail => call.send(flags, &[head, body, tail]),
            }
        }
        Ok((_, Piece::Text(_))) => call.send(flags, &[&scratch]),
        Err(error) => throw(env, error),
    }
}

/// Sends everything that was deferred.
unsafe extern "C" fn flush(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<0>::new(env, info) };
    call.local.native.core.deferred.flush();
    call.undefined()
}

unsafe extern "C" fn writev(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<3>::new(env, info) };
    let mut scratch = call.local.native.scratch.borrow_mut();
    scratch.clear();
    scratch.shrink_to(SCRATCH);
    // SAFETY: the bytes are used before this returns to JavaScript.
    let pieces = match unsafe { pieces(env, call.arguments[1], &mut scratch) } {
        Ok(pieces) => pieces,
        Err(error) => return throw(env, error),
    };
    let slices: Vec<&[u8]> = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Bytes(bytes) => *bytes,
            Piece::Text(range) => &scratch[range.clone()],
        })
        .filter(|bytes| !bytes.is_empty())
        .collect();
    call.send(call.number(2), &slices)
}

/// # Safety
/// As `values::bytes`.
unsafe fn pieces<'a>(
    env: sys::napi_env,
    array: sys::napi_value,
    scratch: &mut Vec<u8>,
) -> Result<Vec<Piece<'a>>> {
    let mut length = 0;
    // SAFETY: Node-API checks that the value is an array.
    check_status!(
        unsafe { sys::napi_get_array_length(env, array, &mut length) },
        "Expected an array"
    )?;
    let element = |i| {
        let mut element = std::ptr::null_mut();
        // SAFETY: the array was checked.
        check_status!(unsafe { sys::napi_get_element(env, array, i, &mut element) })?;
        Ok::<_, napi::Error>(element)
    };
    let mut pieces = Vec::with_capacity(length as usize / 2);
    for i in (0..length / 2).map(|i| 2 * i) {
        let encoding = number(env, element(i + 1)?);
        // SAFETY: the caller sees to it.
        pieces.push(unsafe { piece(env, element(i)?, encoding, scratch)? });
    }
    Ok(pieces)
}

unsafe extern "C" fn shutdown(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<1>::new(env, info) };
    call.with_conn(|conn| outcome(conn.shutdown()))
}

/// The id of a connection's server; 0 if there is no such connection.
unsafe extern "C" fn server_of(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<1>::new(env, info) };
    let connections = call.local.native.connections.borrow();
    let server = connections.get(call.number(0)).map_or(0, |c| c.server.id);
    double(env, server.into())
}

unsafe extern "C" fn pause(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<1>::new(env, info) };
    call.local
        .native
        .connections
        .borrow_mut()
        .pause(call.number(0));
    call.undefined()
}

unsafe extern "C" fn resume(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<1>::new(env, info) };
    let native = &call.local.native;
    let id = call.number(0);
    if native.connections.borrow_mut().resume(&native.core, id) {
        native.core.queue.rewake();
    }
    call.undefined()
}

unsafe extern "C" fn close(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<1>::new(env, info) };
    call.close(false)
}

unsafe extern "C" fn reset(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<1>::new(env, info) };
    call.close(true)
}

unsafe extern "C" fn decline(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: this is a callback from `CALLS`.
    let call = unsafe { Call::<1>::new(env, info) };
    let id = call.number(0);
    let connections = call.local.native.connections.borrow();
    match connections.get(id).and_then(|conn| conn.decline_upgrade()) {
        Some(records) => call
            .local
            .publish(id, 0, 0, records)
            .unwrap_or_else(|error| throw(env, error)),
        None => values::null(env),
    }
}
