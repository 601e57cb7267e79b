//! The engine itself: its threads, its queue, its connections, and what keeps its object alive.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use napi::{Result, check_status, sys};

use super::options::io_threads;
use super::pages::Pages;
use super::uv::Uv;
use super::values::Value;
use super::wake::{Ending, Parts, Wake};
use crate::conn::Core;
use crate::engine::queue::Queue;
use crate::js_thread::connections::Connections;
use crate::listener::Listener;

/// The engine itself.
pub struct Native {
    pub core: Arc<Core>,
    pub wake: Arc<Wake>,
    pub connections: Rc<RefCell<Connections>>,
    /// The listeners by id - 1.
    pub listeners: RefCell<Vec<Option<Arc<Listener>>>>,
    /// Memory for strings on their way to the kernel.
    pub text: RefCell<Vec<u8>>,
    pub pages: RefCell<Pages>,
    /// The reference to the object that JavaScript has. It is strong while there are listeners or connections.
    engine: sys::napi_ref,
    held: Cell<bool>,
    /// Ends the threads when this is dropped.
    _ending: Ending,
}

impl Native {
    /// Prepares for connections. They are served on this thread unless there are I/O threads.
    pub fn serve(&self) -> std::io::Result<()> {
        let reactor = if self.core.serves_on_js_thread() {
            Some(self.connections.borrow_mut().serve()?)
        } else {
            None
        };
        self.wake.watch(&self.core, &self.connections, reactor)
    }

    /// Keeps the engine's object alive while it has listeners or connections.
    pub fn hold(&self, env: sys::napi_env) {
        let needed = self.core.live() > 0;
        if !needed {
            self.wake.unwatch();
            self.connections.borrow_mut().stop_serving();
        }
        if self.held.replace(needed) != needed {
            let mut count = 0;
            // SAFETY: the reference is the engine's own, and this is the thread of `env`.
            unsafe {
                if needed {
                    sys::napi_reference_ref(env, self.engine, &mut count);
                } else {
                    sys::napi_reference_unref(env, self.engine, &mut count);
                }
            }
        }
    }

    /// The reference to the object that JavaScript has. Whoever drops the engine deletes it.
    pub fn reference(&self) -> sys::napi_ref {
        self.engine
    }

    pub fn new(env: sys::napi_env, engine: sys::napi_value, wake: Value, uv: Uv) -> Result<Native> {
        let mut reference = std::ptr::null_mut();
        // SAFETY: the values belong to the current call.
        let wake = unsafe {
            check_status!(sys::napi_set_named_property(
                env,
                engine,
                c"wake".as_ptr(),
                wake.0
            ))?;
            check_status!(sys::napi_create_reference(env, engine, 0, &mut reference))?;
            Wake::new(env, engine, wake.0, uv)?
        };
        let waker = wake.clone();
        let queue = Queue::new(Box::new(move || waker.wake()));
        let core = Arc::new(Core::new(queue, io_threads()));
        let connections = Rc::default();
        // SAFETY: as above.
        let ending = unsafe {
            let parts = Parts {
                core: core.clone(),
                wake: wake.clone(),
                connections: Rc::clone(&connections),
            };
            Ending::register(env, parts)?
        };
        Ok(Native {
            core,
            wake,
            connections,
            listeners: RefCell::default(),
            text: RefCell::default(),
            pages: RefCell::new(Pages::new(env)),
            engine: reference,
            held: Cell::new(false),
            _ending: ending,
        })
    }
}
