//! The calls of the hot path: functions on the engine's object that use Node-API directly. They need one call to get
//! their arguments. Methods of napi-rs would unwrap, check and lock as well.

mod write;

pub use write::ONLY;

use std::ffi::{CStr, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use napi::{Result, check_status, sys};

use super::local::{Header, Local};
use super::native::Native;
use super::pages;
use super::values::{self, double, int};
use crate::conn::Conn;
use crate::engine::deferred::Moment;
use crate::js_thread::connections::Closing;
use crate::observe::store::{Circumstances, Outcome};

type Callback =
    unsafe extern "C" fn(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value;

/// Makes a table of callbacks that catch every panic, because a panic must not pass through C. After a panic a call
/// returns the value that is behind it in the table. An error is thrown.
macro_rules! calls {
    ($($name:literal: $call:path, $after_panic:expr;)*) => {
        [$(($name, {
            unsafe extern "C" fn enter(
                env: sys::napi_env,
                info: sys::napi_callback_info,
            ) -> sys::napi_value {
                // SAFETY: this is a callback from `CALLS`.
                let call = || $call(&unsafe { Call::new(env, info) });
                match catch_unwind(AssertUnwindSafe(call)) {
                    Ok(result) => result.unwrap_or_else(|error| throw(env, error)),
                    Err(_) => $after_panic(env),
                }
            }
            enter as Callback
        })),*]
    };
}

const CALLS: [(&CStr, Callback); 15] = calls! {
    c"next": next, values::null;
    c"goOn": go_on, zero;
    c"write": write::write, failed;
    c"writev": write::writev, failed;
    c"respond": write::respond, failed;
    c"shutdown": shutdown, failed;
    c"pause": pause, values::undefined;
    c"resume": resume, values::undefined;
    c"close": close, zero;
    c"reset": reset, zero;
    c"decline": decline, values::null;
    c"blob": blob, values::undefined;
    c"flush": flush, values::undefined;
    c"serverOf": server_of, zero;
    c"refused": refused, zero;
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
        let local = unsafe {
            sys::napi_get_cb_info(
                env,
                info,
                &mut count,
                arguments.as_mut_ptr(),
                std::ptr::null_mut(),
                &mut data,
            );
            &*data.cast::<Local>()
        };
        Call {
            env,
            local,
            arguments,
        }
    }

    /// An argument as a number; 0 if it is no number.
    fn number(&self, i: usize) -> u32 {
        number(self.env, self.arguments[i])
    }

    fn native(&self) -> Result<&Native> {
        self.local.native()
    }

    fn undefined(&self) -> sys::napi_value {
        values::undefined(self.env)
    }
}

fn number(env: sys::napi_env, value: sys::napi_value) -> u32 {
    let mut number = 0;
    // SAFETY: Node-API checks that the value is a number, and does not change `number` otherwise.
    unsafe { sys::napi_get_value_uint32(env, value, &mut number) };
    number
}

fn throw(env: sys::napi_env, error: napi::Error) -> sys::napi_value {
    let message = std::ffi::CString::new(error.reason.as_str()).unwrap_or_default();
    // SAFETY: the message is a terminated string. If an exception is pending already, it stays.
    unsafe { sys::napi_throw_type_error(env, std::ptr::null(), message.as_ptr()) };
    std::ptr::null_mut()
}

fn next(call: &Call<'_, 0>) -> Result<sys::napi_value> {
    let native = call.native()?;
    let popped = {
        let mut pages = native.pages.borrow_mut();
        let mut connections = native.connections.borrow_mut();
        connections.next(&native.core, &mut *pages)
    };
    let Some(popped) = popped else {
        native.hold(call.env);
        return Ok(values::null(call.env));
    };
    let header = Header {
        id: popped.id,
        flags: popped.flags,
        server: popped.server,
        bytes: popped.bytes,
    };
    call.local.publish(header, popped.records)
}

fn go_on(call: &Call<'_, 0>) -> Result<sys::napi_value> {
    let native = call.native()?;
    let mut connections = native.connections.borrow_mut();
    let goes_on = connections.go_on(&native.core, || native.wake.is_loop_idle());
    Ok(int(call.env, goes_on.into()))
}

fn blob(call: &Call<'_, 1>) -> Result<sys::napi_value> {
    let blob = call.local.take_blob(call.number(0));
    pages::buffer(
        call.env,
        blob.ok_or_else(|| values::invalid("No such blob"))?,
    )
}

/// Sends deferred output and FIN, because the turn is over.
fn flush(call: &Call<'_, 0>) -> Result<sys::napi_value> {
    call.native()?.core.deferred.flush(Moment::Turn);
    Ok(call.undefined())
}

/// The number that a call returns: 0 for done, 1 for pending, or -errno.
fn shutdown(call: &Call<'_, 1>) -> Result<sys::napi_value> {
    let native = call.native()?;
    let connections = native.connections.borrow();
    let result = match connections.get(call.number(0)) {
        Some(conn) => conn.shutdown().inspect(|pending| {
            if !pending {
                native.core.deferred.add(conn);
            }
        }),
        None => Err(libc::EBADF),
    };
    let result = match result {
        Ok(pending) => i32::from(pending),
        Err(errno) => -errno,
    };
    Ok(int(call.env, result))
}

/// The id of a connection's server; 0 if there is no such connection.
fn server_of(call: &Call<'_, 1>) -> Result<sys::napi_value> {
    let connections = call.native()?.connections.borrow();
    let server = connections.get(call.number(0)).map_or(0, |c| c.server.id);
    Ok(double(call.env, server.into()))
}

/// Counts and keeps a refusal that a connection of this server has told under this token. The last argument has the
/// outcome in its lowest two bits, and the status of the reply above them. Returns the refusal's number, or 0 if nothing
/// is known of it here; then JavaScript calls the method of the server.
fn refused(call: &Call<'_, 4>) -> Result<sys::napi_value> {
    let [token, id, server, how] = [0, 1, 2, 3].map(|i| call.number(i));
    let connections = call.native()?.connections.borrow();
    let conn = connections.get(id).filter(|conn| conn.server.id == server);
    let number = conn.and_then(|conn| {
        let mut seen = call.local.take_seen(token)?;
        let server = &conn.server;
        match seen.kind.code.code() {
            Some(code) => server.counters.count(code),
            None => server.counters.count_text(seen.kind.code.as_str()),
        }
        let circumstances = Circumstances {
            outcome: Outcome::of(how & 3),
            status: (how >> 2) as u16,
            ..Circumstances::default()
        };
        Some(server.refusals.add(&mut seen, circumstances))
    });
    Ok(double(call.env, number.unwrap_or(0) as f64))
}

fn pause(call: &Call<'_, 1>) -> Result<sys::napi_value> {
    let mut connections = call.native()?.connections.borrow_mut();
    connections.pause(call.number(0));
    Ok(call.undefined())
}

fn resume(call: &Call<'_, 1>) -> Result<sys::napi_value> {
    let mut connections = call.native()?.connections.borrow_mut();
    connections.resume(call.number(0));
    Ok(call.undefined())
}

fn close(call: &Call<'_, 1>) -> Result<sys::napi_value> {
    end(call, false)
}

fn reset(call: &Call<'_, 1>) -> Result<sys::napi_value> {
    end(call, true)
}

/// How many bytes JavaScript has written to the connection. If the descriptor is closed already, so that CLOSED does not
/// follow, it is -1 minus that number.
fn end(call: &Call<'_, 1>, reset: bool) -> Result<sys::napi_value> {
    let mut connections = call.native()?.connections.borrow_mut();
    let Closing { written, is_over } = connections.close(call.number(0), reset);
    let written = written as f64;
    let number = if is_over { -1.0 - written } else { written };
    Ok(double(call.env, number))
}

fn decline(call: &Call<'_, 1>) -> Result<sys::napi_value> {
    let id = call.number(0);
    let connections = call.native()?.connections.borrow();
    match connections.get(id).and_then(Conn::decline_upgrade) {
        Some(records) => {
            let header = Header {
                id,
                ..Header::default()
            };
            call.local.publish(header, records)
        }
        None => Ok(values::null(call.env)),
    }
}
