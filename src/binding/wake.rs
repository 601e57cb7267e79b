//! Wakes the JavaScript thread.
//!
//! It uses a libuv handle and not a threadsafe function of Node-API. That function signals while it holds the lock that
//! the JavaScript thread takes next, which costs two more context switches at every wake-up. Node exports libuv to
//! addons. If a program that embeds Node does not, there is no engine.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::os::fd::RawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use napi::{Error, Result, Status, check_status, sys};

use super::uv::{Handle, UV_ASYNC, UV_POLL, UV_PREPARE, UV_READABLE, UV_TIMER, Uv};
use crate::conn::Core;
use crate::js_thread::connections::Connections;

/// Calls the `wake` function of an engine, from any thread.
#[derive(Debug)]
pub struct Wake {
    uv: Uv,
    event_loop: *mut sys::uv_loop_s,
    handle: Handle,
    /// The timer that `turn_begins` starts; null while there are no connections.
    timer: AtomicPtr<c_void>,
    /// The handle that reports each turn of the event loop; null while there are no connections.
    turner: AtomicPtr<c_void>,
    /// The handle that watches the descriptor of the JavaScript thread's reactor; null while there is none.
    poller: AtomicPtr<c_void>,
    /// It keeps the process alive.
    referenced: AtomicBool,
    /// The handle is closing.
    ended: AtomicBool,
}

// SAFETY: other threads only call `send`, which libuv allows from any thread, and they have ended before the handle is
// closed. Everything else happens on the JavaScript thread.
unsafe impl Send for Wake {}
// SAFETY: as above.
unsafe impl Sync for Wake {}

/// What the handles have as their `data`, the first field of every handle.
struct Target {
    env: sys::napi_env,
    /// The number of handles that are not closed.
    handles: Cell<u32>,
    /// A weak reference to the function. The engine's object keeps the function alive.
    function: sys::napi_ref,
    /// The async context in which the function runs.
    context: sys::napi_async_context,
    /// Is removed when the handles are closed, if the environment waits for that.
    hook: sys::napi_async_cleanup_hook_handle,
}

/// What the handles have as their `data` that are open while there are connections.
struct Served {
    target: *mut Target,
    uv: Uv,
    /// The timer of the same engine; null for the timer itself.
    timer: Handle,
    core: Arc<Core>,
    connections: Rc<RefCell<Connections>>,
}

impl Wake {
    /// `engine` is the resource that asynchronous hooks see.
    ///
    /// # Safety
    /// `env` is the environment of the current call, `engine` and `function` are values of it.
    pub unsafe fn new(
        env: sys::napi_env,
        engine: sys::napi_value,
        function: sys::napi_value,
        uv: Uv,
    ) -> Result<Arc<Wake>> {
        let mut event_loop = std::ptr::null_mut();
        let mut reference = std::ptr::null_mut();
        let mut context = std::ptr::null_mut();
        let mut name = std::ptr::null_mut();
        // SAFETY: the pointers are valid for the calls. The memory is as large as libuv wants it,
        // initialised by `uv_async_init`, and freed by `closed`, after libuv is done with it.
        unsafe {
            check_status!(sys::napi_get_uv_event_loop(env, &mut event_loop))?;
            check_status!(sys::napi_create_string_latin1(
                env,
                c"FERROHTTP".as_ptr(),
                -1,
                &mut name
            ))?;
            check_status!(sys::napi_create_reference(env, function, 0, &mut reference))?;
            check_status!(sys::napi_async_init(env, engine, name, &mut context))?;
            let handle = libc::calloc(1, (uv.size)(UV_ASYNC));
            if handle.is_null() || (uv.init)(event_loop, handle, wake) != 0 {
                libc::free(handle);
                sys::napi_delete_reference(env, reference);
                sys::napi_async_destroy(env, context);
                return Err(Error::new(
                    Status::GenericFailure,
                    "uv_async_init failed".to_owned(),
                ));
            }
            let target = Box::new(Target {
                env,
                function: reference,
                context,
                hook: std::ptr::null_mut(),
                handles: Cell::new(1),
            });
            handle.cast::<*mut Target>().write(Box::into_raw(target));
            (uv.unref)(handle);
            Ok(Arc::new(Wake {
                uv,
                event_loop,
                handle,
                timer: AtomicPtr::default(),
                turner: AtomicPtr::default(),
                poller: AtomicPtr::default(),
                referenced: AtomicBool::new(false),
                ended: AtomicBool::new(false),
            }))
        }
    }

    pub fn wake(&self) {
        if !self.ended.load(Ordering::Acquire) {
            // SAFETY: the handle is closed only after `ended` was set, and when no other thread
            // is left.
            unsafe { (self.uv.send)(self.handle) };
        }
    }

    /// Sets whether this keeps the process alive. It is called on the JavaScript thread only.
    pub fn set_ref(&self, on: bool) {
        if !self.ended.load(Ordering::Acquire) {
            self.referenced.store(on, Ordering::Relaxed);
            let set = if on { self.uv.reference } else { self.uv.unref };
            // SAFETY: as in `wake`.
            unsafe { set(self.handle) };
        }
    }

    /// Reports each turn of the event loop to `connections`, and starts a timer when they want it. If there is a reactor,
    /// calls the function `wake` when it has something to do. [`unwatch`](Self::unwatch) ends all that. It is called on
    /// the JavaScript thread only.
    pub fn watch(
        &self,
        core: &Arc<Core>,
        connections: &Rc<RefCell<Connections>>,
        reactor: Option<RawFd>,
    ) -> std::io::Result<()> {
        if self.has_ended() || !self.turner.load(Ordering::Relaxed).is_null() {
            return Ok(());
        }
        let uv = &self.uv;
        let served = || Served {
            target: std::ptr::null_mut(),
            uv: *uv,
            timer: self.timer.load(Ordering::Relaxed),
            core: core.clone(),
            connections: connections.clone(),
        };
        // SAFETY: the handles are of the types that these functions are for.
        let watched = unsafe {
            self.open(
                &self.timer,
                UV_TIMER,
                served(),
                |event_loop, handle| (uv.timer_init)(event_loop, handle),
                |_| 0,
            )
            .and_then(|()| {
                self.open(
                    &self.turner,
                    UV_PREPARE,
                    served(),
                    |event_loop, handle| (uv.prepare_init)(event_loop, handle),
                    |handle| (uv.prepare_start)(handle, turn_begins),
                )
            })
            .and_then(|()| match reactor {
                Some(fd) => self.open(
                    &self.poller,
                    UV_POLL,
                    served(),
                    |event_loop, handle| (uv.poll_init)(event_loop, handle, fd),
                    |handle| (uv.poll_start)(handle, UV_READABLE, readable),
                ),
                None => Ok(()),
            })
        };
        if watched.is_err() {
            self.unwatch();
        }
        watched
    }

    /// Makes and starts a handle that keeps nothing alive.
    ///
    /// # Safety
    /// `init` and `start` are for handles of this type, and initialise and start the one they get.
    unsafe fn open(
        &self,
        place: &AtomicPtr<c_void>,
        kind: c_int,
        mut served: Served,
        init: impl FnOnce(*mut sys::uv_loop_s, Handle) -> c_int,
        start: impl FnOnce(Handle) -> c_int,
    ) -> std::io::Result<()> {
        // SAFETY: as in `new`; the handle of the engine is open, so its data is the target.
        let status = unsafe {
            let handle = libc::calloc(1, (self.uv.size)(kind));
            if handle.is_null() {
                return Err(std::io::Error::from_raw_os_error(libc::ENOMEM));
            }
            let status = init(self.event_loop, handle);
            if status != 0 {
                libc::free(handle);
                return Err(std::io::Error::from_raw_os_error(-status));
            }
            let target = self.handle.cast::<*mut Target>().read();
            (*target).handles.set((*target).handles.get() + 1);
            served.target = target;
            let data = Box::into_raw(Box::new(served));
            handle.cast::<*mut Served>().write(data);
            place.store(handle, Ordering::Relaxed);
            (self.uv.unref)(handle);
            start(handle)
        };
        match status {
            0 => Ok(()),
            error => Err(std::io::Error::from_raw_os_error(-error)),
        }
    }

    /// Ends [`watch`](Self::watch). It is called on the JavaScript thread only, before the reactor's descriptor is
    /// closed.
    pub fn unwatch(&self) {
        for place in [&self.turner, &self.poller, &self.timer] {
            let handle = place.swap(std::ptr::null_mut(), Ordering::Relaxed);
            if !handle.is_null() {
                // SAFETY: `open` made the handle, and nobody else closes it.
                unsafe { (self.uv.close)(handle, served_closed) };
            }
        }
    }

    pub fn has_ref(&self) -> bool {
        self.referenced.load(Ordering::Relaxed) && !self.has_ended()
    }

    /// Whether the event loop has nothing to run before it polls for events again: no setImmediate callback, no timer
    /// that is due, no handle that is closing. It is called on the JavaScript thread only.
    pub fn is_loop_idle(&self) -> bool {
        let uv = &self.uv;
        let timer = self.timer.load(Ordering::Relaxed);
        // SAFETY: the loop lives as long as the environment, which is calling. The timer is open while it is there.
        unsafe {
            // This timer does not count. It is started again before the event loop polls, if it is still wanted.
            if !timer.is_null() {
                (uv.timer_stop)(timer);
            }
            match (uv.backend_timeout)(self.event_loop) {
                0 => false,
                // The time of the loop is that of its last look at the clock.
                due if due > 0 => {
                    (uv.hrtime)() / 1_000_000 < (uv.now)(self.event_loop) + due as u64
                }
                _ => true,
            }
        }
    }

    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Closes the handles. It is called on the JavaScript thread, when no other thread is left. After that `hook` is
    /// removed, unless it is null.
    fn close(&self, hook: sys::napi_async_cleanup_hook_handle) {
        if self.ended.swap(true, Ordering::AcqRel) {
            return;
        }
        self.unwatch();
        // SAFETY: the handle is open, so its data is the target that `new` put there.
        unsafe {
            let target = &mut *self.handle.cast::<*mut Target>().read();
            target.hook = hook;
            sys::napi_delete_reference(target.env, target.function);
            sys::napi_async_destroy(target.env, target.context);
            (self.uv.close)(self.handle, closed);
        }
    }
}

/// Called when libuv does not use the handle any more.
unsafe extern "C" fn closed(handle: Handle) {
    // SAFETY: `new` made the data; nobody uses the handle any more.
    unsafe {
        let target = handle.cast::<*mut Target>().read();
        libc::free(handle);
        release(target);
    }
}

/// The same as `closed`, for the other handles.
unsafe extern "C" fn served_closed(handle: Handle) {
    // SAFETY: `open` made the data from a Box; nobody uses it or the handle any more.
    unsafe {
        let served = Box::from_raw(handle.cast::<*mut Served>().read());
        libc::free(handle);
        release(served.target);
    }
}

/// Notes that one handle of the target is closed.
///
/// # Safety
/// The target is that of a handle which nobody uses any more.
unsafe fn release(target: *mut Target) {
    // SAFETY: the target lives until its last handle is closed; `new` made it from a Box.
    unsafe {
        let left = (*target).handles.get() - 1;
        (*target).handles.set(left);
        if left == 0 {
            let target = Box::from_raw(target);
            if !target.hook.is_null() {
                sys::napi_remove_async_cleanup_hook(target.hook);
            }
        }
    }
}

/// Called by the event loop of the JavaScript thread, which polls for events next.
unsafe extern "C" fn turn_begins(handle: Handle) {
    // SAFETY: the handle is open, so its data is what `open` put there.
    let served = unsafe { &*handle.cast::<*const Served>().read() };
    // A panic must not reach C. Whatever it left undone is done in the next turn.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let wanted = served.connections.borrow_mut().begin_turn(&served.core);
        if let Some(ms) = wanted {
            // SAFETY: the timer was initialised before this handle, and is closed together with it.
            unsafe { (served.uv.timer_start)(served.timer, time_is_up, ms, 0) };
        }
    }));
}

/// Called by the event loop of the JavaScript thread when postponed connections have waited long enough.
unsafe extern "C" fn time_is_up(handle: Handle) {
    // SAFETY: the handle is open, so its data is what `open` put there.
    let served = unsafe { &*handle.cast::<*const Served>().read() };
    served.core.queue.rewake();
}

/// Called by the event loop of the JavaScript thread when the reactor has something to do.
unsafe extern "C" fn readable(handle: Handle, _status: c_int, _events: c_int) {
    // SAFETY: the handle is open, so its data is what `open` put there, and the environment is alive.
    unsafe {
        let served = &*handle.cast::<*const Served>().read();
        // Deliveries need not wake JavaScript from now on.
        served.core.queue.awaken();
        enter(&*served.target);
    }
}

/// Called by the event loop of the JavaScript thread.
unsafe extern "C" fn wake(handle: Handle) {
    // SAFETY: the handle is open, so its data points to the target, and the environment is alive.
    // Node-API checks everything else.
    unsafe {
        enter(&*handle.cast::<*const Target>().read());
    }
}

/// # Safety
/// On the thread of the target's environment, which is alive, outside of JavaScript.
unsafe fn enter(target: &Target) {
    // SAFETY: the caller's; Node-API checks everything else.
    unsafe {
        let mut scope = std::ptr::null_mut();
        if sys::napi_open_handle_scope(target.env, &mut scope) != sys::Status::napi_ok {
            return;
        }
        call(target);
        sys::napi_close_handle_scope(target.env, scope);
    }
}

/// # Safety
/// In a handle scope on the thread of the target's environment.
unsafe fn call(target: &Target) {
    let env = target.env;
    let mut function = std::ptr::null_mut();
    let mut receiver = std::ptr::null_mut();
    let mut scope = std::ptr::null_mut();
    // SAFETY: the reference and the context live as long as the handle is open; the rest is the
    // caller's.
    unsafe {
        if sys::napi_get_reference_value(env, target.function, &mut function)
            != sys::Status::napi_ok
            || function.is_null()
            || sys::napi_get_undefined(env, &mut receiver) != sys::Status::napi_ok
            || sys::napi_open_callback_scope(env, receiver, target.context, &mut scope)
                != sys::Status::napi_ok
        {
            return;
        }
        let status = sys::napi_call_function(
            env,
            receiver,
            function,
            0,
            std::ptr::null(),
            std::ptr::null_mut(),
        );
        // What the function throws becomes 'uncaughtException'. This has to happen while the scope is open, because it
        // also resets the stack of async contexts.
        if status == sys::Status::napi_pending_exception {
            let mut exception = std::ptr::null_mut();
            if sys::napi_get_and_clear_last_exception(env, &mut exception) == sys::Status::napi_ok {
                sys::napi_fatal_exception(env, exception);
            }
        }
        sys::napi_close_callback_scope(env, scope);
    }
}

/// Everything that has to end with an environment.
#[derive(Debug)]
pub struct Parts {
    pub core: Arc<Core>,
    pub wake: Arc<Wake>,
    pub connections: Rc<RefCell<Connections>>,
}

impl Parts {
    /// Closes everything. `hook` is removed when libuv has closed its handles, unless it is null.
    fn end(&self, hook: sys::napi_async_cleanup_hook_handle) {
        self.core.shut_down();
        self.wake.close(hook);
        self.connections.borrow_mut().stop_serving();
    }
}

/// Ends an engine when its environment does.
#[derive(Debug)]
pub struct Ending {
    parts: *mut Parts,
    hook: sys::napi_async_cleanup_hook_handle,
    wake: Arc<Wake>,
}

impl Ending {
    /// # Safety
    /// `env` is the environment of the current call, and the one of the parts.
    pub unsafe fn register(env: sys::napi_env, parts: Parts) -> Result<Ending> {
        let mut hook = std::ptr::null_mut();
        let wake = parts.wake.clone();
        let parts = Box::into_raw(Box::new(parts));
        // SAFETY: the hook, or Ending's Drop, or this function takes the box back.
        let status = unsafe {
            sys::napi_add_async_cleanup_hook(env, Some(environment_ends), parts.cast(), &mut hook)
        };
        if status != sys::Status::napi_ok {
            // SAFETY: nobody else has the box.
            unsafe { Box::from_raw(parts) }.end(std::ptr::null_mut());
        }
        check_status!(status)?;
        Ok(Ending { parts, hook, wake })
    }
}

impl Drop for Ending {
    /// The engine's object was collected, before or after the end of its environment.
    fn drop(&mut self) {
        if !self.wake.has_ended() {
            // SAFETY: the hook was not called, or the handle would be closed. So nobody else takes the box back.
            let parts = unsafe {
                sys::napi_remove_async_cleanup_hook(self.hook);
                Box::from_raw(self.parts)
            };
            parts.end(std::ptr::null_mut());
        }
    }
}

/// Runs before Node finalizes objects and closes its event loop.
unsafe extern "C" fn environment_ends(
    hook: sys::napi_async_cleanup_hook_handle,
    parts: *mut c_void,
) {
    // SAFETY: `register` made the pointer from a Box; the hook is called once.
    unsafe { Box::from_raw(parts.cast::<Parts>()) }.end(hook);
}
