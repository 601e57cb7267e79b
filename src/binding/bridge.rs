//! The class `Engine`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use napi::bindgen_prelude::{This, Uint32Array};
use napi::{Env, Result, check_status, sys};
use napi_derive::napi;

use super::options::EngineOptions;
use super::server::NativeServer;
use super::strings::Strings;
use super::values::{self, Value, invalid};
use crate::http1::Profile;
use crate::layout::delivery::{OVERFLOWN, RECORDS, SEEN, SERVER_RECORD};
use crate::memory::Memory;
use crate::observe::refusals::Seen;
use crate::record::Records;
#[cfg(unix)]
use {
    super::calls::ONLY,
    super::pages::Pages,
    super::parser::NativeParser,
    super::uv::Uv,
    super::wake::{Ending, Parts, Wake},
    crate::conn::{Conn, Core, address::End, io, outbox::Remainder},
    crate::engine::queue::Queue,
    crate::js_thread::connections::Connections,
    crate::listener::Listener,
    napi::JsValue,
    napi::bindgen_prelude::{Either, Object},
    std::os::fd::{IntoRawFd, RawFd},
    std::sync::Arc,
};

/// Numbers of the array before the first record.
const META_HEADER: usize = RECORDS as usize;
/// Refusals that were seen and whose fate JavaScript has not told; older ones are forgotten.
const UNDECIDED: usize = 256;

/// What belongs to one engine on the JavaScript thread. `Engine`, its servers and its functions
/// share it.
pub struct Local {
    env: sys::napi_env,
    pub profile: &'static Profile,
    meta: Meta,
    published: RefCell<Published>,
    strings: RefCell<Strings>,
    undecided: RefCell<Undecided>,
    server_ids: Cell<u32>,
    /// None where the process does not export libuv, as some programs that embed Node.
    #[cfg(unix)]
    pub native: Option<Native>,
}

/// The engine proper.
#[cfg(unix)]
pub struct Native {
    pub core: Arc<Core>,
    pub wake: Arc<Wake>,
    pub connections: Rc<RefCell<Connections>>,
    /// By id - 1.
    pub listeners: RefCell<Vec<Option<Arc<Listener>>>>,
    /// Bytes of strings on their way to the kernel.
    pub scratch: RefCell<Vec<u8>>,
    pub pages: RefCell<Pages>,
    /// The object that JavaScript has, held while there are listeners or connections.
    engine: sys::napi_ref,
    held: Cell<bool>,
    /// Ends the threads; dropped with the rest.
    _ending: Ending,
}

/// What the last delivery left beside its text.
#[derive(Default)]
struct Published {
    blobs: Vec<Option<Memory>>,
    overflow: Vec<u32>,
}

/// Refusals on their way to where they are decided.
#[derive(Default)]
struct Undecided {
    last: u32,
    seen: VecDeque<(u32, Box<Seen>)>,
}

impl Undecided {
    /// Keeps one. Its number, never 0, has 24 bits.
    fn add(&mut self, seen: Box<Seen>) -> u32 {
        self.last = self.last % 0xff_ffff + 1;
        if self.seen.len() == UNDECIDED {
            self.seen.pop_front();
        }
        self.seen.push_back((self.last, seen));
        self.last
    }
}

/// The Uint32Array that JavaScript reads numbers from.
struct Meta {
    data: *mut u32,
    length: usize,
    reference: sys::napi_ref,
}

impl Local {
    /// Puts a delivery where JavaScript reads it, and returns its text.
    pub fn publish(
        &self,
        id: u32,
        flags: u32,
        bytes: u32,
        mut records: Records,
    ) -> Result<sys::napi_value> {
        let flags = match records.seen.take() {
            Some(seen) => flags | self.undecided.borrow_mut().add(seen) << SEEN,
            None => flags,
        };
        let mut published = self.published.borrow_mut();
        if flags & SERVER_RECORD == 0 {
            self.strings.borrow_mut().take(self.env, &mut records)?;
        }
        let total = META_HEADER + records.numbers.len();
        let header = |flags| [total as u32, id, flags, bytes];
        if total <= self.meta.length {
            // SAFETY: the array has room for `total` numbers, is kept alive by the reference,
            // and only this thread uses it.
            let meta = unsafe { std::slice::from_raw_parts_mut(self.meta.data, total) };
            meta[..META_HEADER].copy_from_slice(&header(flags));
            meta[META_HEADER..].copy_from_slice(&records.numbers);
        } else {
            let flags = flags | OVERFLOWN;
            // SAFETY: as above; the constructor made sure of META_HEADER numbers.
            let meta = unsafe { std::slice::from_raw_parts_mut(self.meta.data, META_HEADER) };
            meta.copy_from_slice(&header(flags));
            let numbers = records.numbers.iter().copied();
            published.overflow = header(flags).into_iter().chain(numbers).collect();
        }
        published.blobs.clear();
        published.blobs.extend(records.blobs.drain(..).map(Some));
        let text = values::latin1(self.env, &records.text);
        records.recycle();
        text
    }

    pub fn env(&self) -> sys::napi_env {
        self.env
    }

    /// For calls that JavaScript makes only where the engine is [`supported`](Engine::supported).
    #[cfg(unix)]
    pub fn native(&self) -> &Native {
        self.native.as_ref().expect("there is an engine")
    }

    /// Keeps the engine's object alive while it has something to tell.
    #[cfg(unix)]
    pub fn hold(&self) {
        self.native().hold(self.env);
    }

    /// Takes what was seen of a refusal.
    pub fn take_seen(&self, number: u32) -> Option<Box<Seen>> {
        let undecided = &mut self.undecided.borrow_mut().seen;
        let place = undecided.iter().rposition(|(known, _)| *known == number)?;
        undecided.remove(place).map(|(_, seen)| seen)
    }

    /// Takes a blob of the last delivery.
    pub fn take_blob(&self, i: u32) -> Option<Memory> {
        self.published
            .borrow_mut()
            .blobs
            .get_mut(i as usize)?
            .take()
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        // SAFETY: we are in a finalizer, on the thread of `env`; the references are ours.
        unsafe {
            #[cfg(unix)]
            if let Some(native) = &self.native {
                sys::napi_delete_reference(self.env, native.engine);
            }
            sys::napi_delete_reference(self.env, self.meta.reference);
            sys::napi_delete_reference(self.env, self.strings.borrow().reference());
        }
    }
}

#[cfg(unix)]
impl Native {
    /// Gets ready for connections, which are served on this thread unless there are I/O threads.
    pub fn serve(&self) -> std::io::Result<()> {
        let reactor = if self.core.serves_on_js_thread() {
            Some(self.connections.borrow_mut().serve()?)
        } else {
            None
        };
        self.wake.watch(&self.core, &self.connections, reactor)
    }

    /// Keeps the engine's object alive while it has something to tell.
    pub fn hold(&self, env: sys::napi_env) {
        let needed = self.core.live() > 0;
        if !needed {
            self.wake.unwatch();
            self.connections.borrow_mut().stop_serving();
        }
        if self.held.replace(needed) != needed {
            let mut count = 0;
            // SAFETY: the reference is ours, and we are on the thread of `env`.
            unsafe {
                if needed {
                    sys::napi_reference_ref(env, self.engine, &mut count);
                } else {
                    sys::napi_reference_unref(env, self.engine, &mut count);
                }
            }
        }
    }
}

/// The engine of one load of the package.
#[napi]
pub struct Engine {
    pub(super) local: Rc<Local>,
}

#[napi]
impl Engine {
    /// `meta` receives the numbers of deliveries, `strings` the long strings of heads; `wake` is called when there are some. The
    /// engine keeps `wake` in a property of its own name.
    #[napi(catch_unwind, constructor)]
    pub fn new(
        env: Env,
        this: This,
        #[napi(ts_arg_type = "Uint32Array")] meta: Value,
        #[napi(ts_arg_type = "string[]")] strings: Value,
        #[napi(ts_arg_type = "() => void")] wake: Value,
        options: EngineOptions,
    ) -> Result<Engine> {
        let env = env.raw();
        let profile = Profile::of(
            &options.llhttp,
            options.header_count(),
            options.upgrade_skips_body,
        );
        let meta = Meta::new(env, meta)?;
        let strings = RefCell::new(Strings::new(env, strings.0)?);
        #[cfg(unix)]
        let native = Uv::load()
            .map(|uv| Native::new(env, this.object.raw(), wake, uv, &options))
            .transpose()?;
        let local = Rc::new(Local {
            env,
            profile,
            meta,
            published: RefCell::default(),
            strings,
            undecided: RefCell::default(),
            server_ids: Cell::new(0),
            #[cfg(unix)]
            native,
        });
        #[cfg(unix)]
        super::calls::define(env, this.object.raw(), &local)?;
        #[cfg(not(unix))]
        let _ = (this, wake);
        Ok(Engine { local })
    }

    /// Whether this system and this process have an engine; where not, only the parser can be used.
    #[napi(catch_unwind, getter)]
    pub fn supported(&self) -> bool {
        #[cfg(unix)]
        return self.local.native.is_some();
        #[cfg(not(unix))]
        false
    }

    /// The numbers of the last delivery if they did not fit in the array.
    #[napi(catch_unwind)]
    pub fn meta(&self) -> Uint32Array {
        Uint32Array::new(self.local.published.borrow().overflow.clone())
    }

    #[napi(catch_unwind)]
    pub fn create_server(&self) -> NativeServer {
        let id = self.local.server_ids.get() + 1;
        self.local.server_ids.set(id);
        NativeServer::new(&self.local, id)
    }
}

#[cfg(unix)]
#[napi]
impl Engine {
    /// Schedules a further wake.
    #[napi(catch_unwind)]
    pub fn rewake(&self) {
        self.local.native().core.queue.rewake();
    }

    #[napi(catch_unwind, js_name = "ref")]
    pub fn reference(&self) {
        self.local.native().wake.set_ref(true);
    }

    #[napi(catch_unwind)]
    pub fn unref(&self) {
        self.local.native().wake.set_ref(false);
    }

    /// Whether the engine keeps the process alive. Who lists what does finds the engine as the
    /// resource of its own type, and asks it as it asks libuv's handles.
    #[napi(catch_unwind)]
    pub fn has_ref(&self) -> bool {
        self.local.native().wake.has_ref()
    }

    /// Counts a connection that was accepted while the setting `screened` held. False if it counts
    /// already, or has ended.
    #[napi(catch_unwind)]
    pub fn admit(&self, id: u32) -> bool {
        self.with(id, |conn| conn.admit()).unwrap_or(false)
    }

    /// Whether nothing was read of a connection.
    #[napi(catch_unwind)]
    pub fn is_fresh(&self, id: u32) -> bool {
        self.with(id, |conn| conn.is_fresh()).unwrap_or(false)
    }

    /// Gives a connection away. Throws if there is none.
    #[napi(
        catch_unwind,
        ts_return_type = "{ fd: number, data: Buffer, pending: Array<Uint8Array | number>, finWanted: boolean, queued: number, hungUp: boolean, parser: NativeParser }"
    )]
    pub fn detach(&self, env: Env, id: u32) -> Result<Either<i32, Object<'_>>> {
        let native = self.local.native();
        let detached = native.connections.borrow_mut().detach(&native.core, id);
        let (detached, queued) = match detached {
            Ok(detached) => detached,
            Err(error) => return Ok(Either::A(-error.raw_os_error().unwrap_or(libc::EIO))),
        };
        let data = detached.parked.as_ref().map_or(Vec::new(), |parked| {
            parked.packet.get(parked.at..).unwrap_or(&[]).to_vec()
        });
        let mut result = Object::new(&env)?;
        result.set("data", Value(values::buffer(env.raw(), &data)?))?;
        let mut pending = Vec::with_capacity(2 * detached.pending.len());
        for remainder in &detached.pending {
            let (chunk, skipped) = remains(env.raw(), remainder)?;
            pending.push(Value(chunk));
            pending.push(Value(values::double(env.raw(), skipped as f64)));
        }
        result.set("pending", pending)?;
        result.set("finWanted", detached.fin_wanted)?;
        result.set("queued", queued)?;
        result.set("hungUp", detached.hung_up)?;
        let parser = NativeParser::resumed(
            &detached.server,
            detached.parser,
            detached.progress,
            detached.parked,
        );
        result.set("parser", parser)?;
        // Last: whatever failed before has not leaked it.
        result.set("fd", detached.fd.into_raw_fd())?;
        Ok(Either::B(result))
    }

    /// Bytes that were read before JavaScript knew the connection; counted once.
    #[napi(catch_unwind)]
    pub fn take_bytes_read(&self, id: u32) -> u32 {
        let mut connections = self.local.native().connections.borrow_mut();
        connections.take_bytes_read(id)
    }

    /// What JavaScript wrote to the connection so far.
    #[napi(catch_unwind)]
    pub fn bytes_written(&self, id: u32) -> f64 {
        self.with(id, |conn| conn.bytes_written()).unwrap_or(0) as f64
    }

    /// What the kernel has not taken of it.
    #[napi(catch_unwind)]
    pub fn write_queue_size(&self, id: u32) -> f64 {
        self.with(id, |conn| conn.write_queue_size()).unwrap_or(0) as f64
    }

    /// Address, port and family of one end; undefined if it has no Internet address.
    #[napi(catch_unwind, ts_return_type = "[string, number, string] | undefined")]
    pub fn address(&self, id: u32, peer: bool) -> Option<(String, u32, &'static str)> {
        let end = if peer { End::Peer } else { End::Local };
        let address = self.with(id, |conn| conn.address(end)).flatten()?;
        Some((address.host, address.port.into(), address.family))
    }

    /// A connection was answered a refusal, and is about to be closed.
    #[napi(catch_unwind)]
    pub fn set_refused(&self, id: u32) {
        self.with(id, |conn| conn.set_refused());
    }

    /// A connection all of whose requests were answered is about to be closed.
    #[napi(catch_unwind)]
    pub fn note_idle_close(&self, id: u32) {
        let mut connections = self.local.native().connections.borrow_mut();
        connections.note_idle_close(id);
    }

    #[napi(catch_unwind)]
    pub fn set_no_delay(&self, id: u32, on: bool) -> i32 {
        self.option(id, |fd| io::set_no_delay(fd, on))
    }

    #[napi(catch_unwind)]
    pub fn set_keep_alive(&self, id: u32, on: bool, seconds: u32) -> i32 {
        self.option(id, |fd| io::set_keep_alive(fd, on, seconds))
    }

    fn with<T>(&self, id: u32, f: impl FnOnce(&Arc<Conn>) -> T) -> Option<T> {
        self.local.native().connections.borrow().get(id).map(f)
    }

    fn option(&self, id: u32, set: impl FnOnce(RawFd) -> std::io::Result<()>) -> i32 {
        match self.with(id, |conn| conn.with_fd(set)).flatten() {
            Some(Ok(())) => 0,
            Some(Err(error)) => -error.raw_os_error().unwrap_or(libc::EIO),
            None => -libc::EBADF,
        }
    }
}

/// Output that has not left, as a Buffer and a position from which on it is to be sent.
#[cfg(unix)]
fn remains(env: sys::napi_env, remainder: &Remainder) -> Result<(sys::napi_value, usize)> {
    let (loan, number, skipped) = match remainder {
        Remainder::Bytes(bytes) => return Ok((values::buffer(env, bytes)?, 0)),
        Remainder::Lent {
            loan,
            number,
            skipped,
        } => (loan, *number, *skipped),
    };
    let owner = loan.owner().ok_or_else(|| invalid("Not on this thread"))?;
    let mut value = std::ptr::null_mut();
    // SAFETY: the loan's reference is a live one of this environment.
    check_status!(unsafe {
        sys::napi_get_reference_value(env, owner.reference.cast(), &mut value)
    })?;
    match number {
        ONLY => Ok((value, skipped)),
        number => Ok((values::element(env, value, number)?, skipped)),
    }
}

impl Meta {
    fn new(env: sys::napi_env, array: Value) -> Result<Meta> {
        let mut kind = 0;
        let mut length = 0;
        let mut data = std::ptr::null_mut();
        let mut reference = std::ptr::null_mut();
        // SAFETY: Node-API checks that the value is a typed array; the pointers are valid.
        unsafe {
            check_status!(
                sys::napi_get_typedarray_info(
                    env,
                    array.0,
                    &mut kind,
                    &mut length,
                    &mut data,
                    std::ptr::null_mut(),
                    std::ptr::null_mut(),
                ),
                "Expected a Uint32Array"
            )?;
            if kind != sys::TypedarrayType::uint32_array || length < META_HEADER {
                return Err(invalid("Expected a Uint32Array of some length"));
            }
            check_status!(sys::napi_create_reference(env, array.0, 1, &mut reference))?;
        }
        Ok(Meta {
            data: data.cast(),
            length,
            reference,
        })
    }
}

#[cfg(not(unix))]
#[napi]
impl Engine {
    /// Blob `i` of the last delivery, as a Buffer of its own. Each can be taken once.
    #[napi(catch_unwind, ts_return_type = "Buffer")]
    pub fn blob(&self, i: u32) -> Result<Value> {
        let blob = self
            .local
            .take_blob(i)
            .ok_or_else(|| invalid("No such blob"))?;
        values::buffer(self.local.env, &blob).map(Value)
    }
}

#[cfg(unix)]
impl Native {
    fn new(
        env: sys::napi_env,
        engine: sys::napi_value,
        wake: Value,
        uv: Uv,
        options: &EngineOptions,
    ) -> Result<Native> {
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
        let core = Arc::new(Core::new(queue, options.io_threads()));
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
            scratch: RefCell::default(),
            pages: RefCell::new(Pages::new(env)),
            engine: reference,
            held: Cell::new(false),
            _ending: ending,
        })
    }
}
