//! The functions of libuv that are used here. Node exports them to addons.

use std::ffi::{CStr, c_int, c_void};
use std::mem::transmute;

use napi::sys;

/// The numbers of handle types, and that of the event `UV_READABLE`. They are part of libuv's ABI.
pub const UV_ASYNC: c_int = 1;
pub const UV_POLL: c_int = 8;
pub const UV_PREPARE: c_int = 9;
pub const UV_TIMER: c_int = 13;
pub const UV_READABLE: c_int = 1;

pub type Handle = *mut c_void;

pub type Init = unsafe extern "C" fn(*mut sys::uv_loop_s, Handle, Callback) -> c_int;
pub type Signal = unsafe extern "C" fn(Handle) -> c_int;
pub type Close = unsafe extern "C" fn(Handle, Callback);
pub type Refer = unsafe extern "C" fn(Handle);
pub type Size = unsafe extern "C" fn(c_int) -> usize;
pub type Callback = unsafe extern "C" fn(Handle);
pub type PollInit = unsafe extern "C" fn(*mut sys::uv_loop_s, Handle, c_int) -> c_int;
pub type PollStart = unsafe extern "C" fn(Handle, c_int, PollCallback) -> c_int;
pub type PrepareInit = unsafe extern "C" fn(*mut sys::uv_loop_s, Handle) -> c_int;
pub type PrepareStart = unsafe extern "C" fn(Handle, Callback) -> c_int;
pub type TimerInit = unsafe extern "C" fn(*mut sys::uv_loop_s, Handle) -> c_int;
pub type TimerStart = unsafe extern "C" fn(Handle, Callback, u64, u64) -> c_int;
pub type TimerStop = unsafe extern "C" fn(Handle) -> c_int;
pub type Timeout = unsafe extern "C" fn(*const sys::uv_loop_s) -> c_int;
pub type Now = unsafe extern "C" fn(*const sys::uv_loop_s) -> u64;
pub type Clock = unsafe extern "C" fn() -> u64;
pub type PollCallback = unsafe extern "C" fn(Handle, c_int, c_int);

/// The functions.
#[derive(Clone, Copy, Debug)]
pub struct Uv {
    pub init: Init,
    pub send: Signal,
    pub close: Close,
    pub reference: Refer,
    pub unref: Refer,
    pub size: Size,
    pub poll_init: PollInit,
    pub poll_start: PollStart,
    pub prepare_init: PrepareInit,
    pub prepare_start: PrepareStart,
    pub timer_init: TimerInit,
    pub timer_start: TimerStart,
    pub timer_stop: TimerStop,
    pub backend_timeout: Timeout,
    pub now: Now,
    pub hrtime: Clock,
}

impl Uv {
    /// None if this process does not export libuv.
    pub fn load() -> Option<Uv> {
        // SAFETY: these are the signatures of libuv 1, whose ABI is stable.
        unsafe {
            Some(Uv {
                init: transmute::<*mut c_void, Init>(symbol(c"uv_async_init")?),
                send: transmute::<*mut c_void, Signal>(symbol(c"uv_async_send")?),
                close: transmute::<*mut c_void, Close>(symbol(c"uv_close")?),
                reference: transmute::<*mut c_void, Refer>(symbol(c"uv_ref")?),
                unref: transmute::<*mut c_void, Refer>(symbol(c"uv_unref")?),
                size: transmute::<*mut c_void, Size>(symbol(c"uv_handle_size")?),
                poll_init: transmute::<*mut c_void, PollInit>(symbol(c"uv_poll_init")?),
                poll_start: transmute::<*mut c_void, PollStart>(symbol(c"uv_poll_start")?),
                prepare_init: transmute::<*mut c_void, PrepareInit>(symbol(c"uv_prepare_init")?),
                backend_timeout: transmute::<*mut c_void, Timeout>(symbol(c"uv_backend_timeout")?),
                now: transmute::<*mut c_void, Now>(symbol(c"uv_now")?),
                hrtime: transmute::<*mut c_void, Clock>(symbol(c"uv_hrtime")?),
                prepare_start: transmute::<*mut c_void, PrepareStart>(symbol(c"uv_prepare_start")?),
                timer_init: transmute::<*mut c_void, TimerInit>(symbol(c"uv_timer_init")?),
                timer_start: transmute::<*mut c_void, TimerStart>(symbol(c"uv_timer_start")?),
                timer_stop: transmute::<*mut c_void, TimerStop>(symbol(c"uv_timer_stop")?),
            })
        }
    }
}

fn symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: the name is a terminated string.
    let symbol = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!symbol.is_null()).then_some(symbol)
}
