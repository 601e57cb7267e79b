//! Waking the JavaScript thread.

use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::{Result, check_status, sys};

/// Calls the `wake` function of an engine, from any thread.
///
/// The function itself is held weakly: `Hold` decides how long the engine, and with it the
/// function, lives.
#[derive(Debug)]
pub struct Wake {
    function: sys::napi_threadsafe_function,
    /// The environment is going, and the function with it.
    ended: AtomicBool,
}

// SAFETY: calling a threadsafe function is what any thread may do; `ended` is set before it is
// released, when no other thread uses it any more.
unsafe impl Send for Wake {}
// SAFETY: as above.
unsafe impl Sync for Wake {}

impl Wake {
    /// # Safety
    /// `env` is the environment of the current call and `callback` a function of it.
    pub unsafe fn new(env: sys::napi_env, callback: sys::napi_value) -> Result<Arc<Wake>> {
        let mut name = std::ptr::null_mut();
        let mut reference = std::ptr::null_mut();
        let mut function = std::ptr::null_mut();
        // SAFETY: all pointers are valid for the calls; the reference is deleted by `finalize`.
        unsafe {
            check_status!(sys::napi_create_string_latin1(
                env,
                c"FERROHTTP".as_ptr(),
                -1,
                &mut name
            ))?;
            check_status!(sys::napi_create_reference(env, callback, 0, &mut reference))?;
            check_status!(sys::napi_create_threadsafe_function(
                env,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                name,
                0,
                1,
                reference.cast(),
                Some(finalize),
                reference.cast(),
                Some(call),
                &mut function,
            ))?;
            check_status!(sys::napi_unref_threadsafe_function(env, function))?;
        }
        Ok(Arc::new(Wake {
            function,
            ended: AtomicBool::new(false),
        }))
    }

    pub fn wake(&self) {
        if !self.ended.load(Ordering::Acquire) {
            // SAFETY: the function is released only after `ended` was set.
            unsafe {
                sys::napi_call_threadsafe_function(
                    self.function,
                    std::ptr::null_mut(),
                    sys::ThreadsafeFunctionCallMode::nonblocking,
                );
            }
        }
    }

    /// Whether this keeps the process alive.
    pub fn set_ref(&self, env: sys::napi_env, on: bool) {
        if self.ended.load(Ordering::Acquire) {
            return;
        }
        // SAFETY: we are on the thread of `env`, and the function is not released.
        unsafe {
            if on {
                sys::napi_ref_threadsafe_function(env, self.function);
            } else {
                sys::napi_unref_threadsafe_function(env, self.function);
            }
        }
    }

    /// The environment ends, and releases the function itself.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// The engine is gone while the environment goes on.
    pub fn release(&self) {
        if !self.ended.swap(true, Ordering::AcqRel) {
            // SAFETY: no other thread of the engine is left, and nobody calls it from now on.
            unsafe {
                sys::napi_release_threadsafe_function(
                    self.function,
                    sys::ThreadsafeFunctionReleaseMode::abort,
                );
            }
        }
    }
}

unsafe extern "C" fn finalize(env: sys::napi_env, reference: *mut c_void, _hint: *mut c_void) {
    if !env.is_null() {
        // SAFETY: nobody uses the reference after the function's end.
        unsafe { sys::napi_delete_reference(env, reference.cast()) };
    }
}

unsafe extern "C" fn call(
    env: sys::napi_env,
    _callback: sys::napi_value,
    reference: *mut c_void,
    _data: *mut c_void,
) {
    if env.is_null() {
        return;
    }
    // SAFETY: Node calls this on the thread of `env`, in a handle scope, before `finalize`.
    unsafe {
        let mut callback = std::ptr::null_mut();
        let mut receiver = std::ptr::null_mut();
        if sys::napi_get_reference_value(env, reference.cast(), &mut callback)
            != sys::Status::napi_ok
            || callback.is_null()
            || sys::napi_get_undefined(env, &mut receiver) != sys::Status::napi_ok
        {
            return;
        }
        let status = sys::napi_call_function(
            env,
            receiver,
            callback,
            0,
            std::ptr::null(),
            std::ptr::null_mut(),
        );
        // Node would swallow what a threadsafe function throws; it belongs to
        // 'uncaughtException'.
        if status == sys::Status::napi_pending_exception {
            let mut exception = std::ptr::null_mut();
            if sys::napi_get_and_clear_last_exception(env, &mut exception) == sys::Status::napi_ok {
                sys::napi_fatal_exception(env, exception);
            }
        }
    }
}
