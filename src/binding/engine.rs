//! The class `Engine`.

use std::rc::Rc;

use napi::bindgen_prelude::{This, Uint32Array};
use napi::{Env, Result};
use napi_derive::napi;

use super::local::{Local, Meta};
use super::options::EngineOptions;
use super::server::NativeServer;
use super::strings::Strings;
use super::values::{self, Value, invalid};
use crate::http1::Profile;
#[cfg(unix)]
use {
    super::calls::ONLY,
    super::native::Native,
    super::parser::NativeParser,
    super::uv::Uv,
    crate::conn::{Conn, address::End, io, outbox::Remainder},
    crate::http1::invariant,
    napi::bindgen_prelude::{Either, Object},
    napi::{JsValue, check_status, sys},
    std::os::fd::{IntoRawFd, RawFd},
    std::sync::Arc,
};

/// The engine of one load of the package.
#[napi]
pub struct Engine {
    pub(super) local: Rc<Local>,
}

#[napi]
impl Engine {
    /// `meta` receives the numbers of deliveries, `strings` the long strings of heads; `wake` is called when there are
    /// some. The engine keeps `wake` in a property of its own name.
    #[napi(catch_unwind, constructor)]
    pub fn new(
        env: Env,
        this: This<'_>,
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
        let strings = Strings::new(env, strings.0)?;
        #[cfg(unix)]
        let native = Uv::load()
            .map(|uv| Native::new(env, this.object.raw(), wake, uv))
            .transpose()?;
        let local = Rc::new(Local::new(
            env,
            profile,
            meta,
            strings,
            #[cfg(unix)]
            native,
        ));
        #[cfg(unix)]
        super::calls::define(env, this.object.raw(), &local)?;
        #[cfg(not(unix))]
        let _ = (this, wake);
        Ok(Engine { local })
    }

    /// Whether this system and this process have an engine. If not, only the parser can be used.
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
        Uint32Array::new(self.local.overflow())
    }

    #[napi(catch_unwind)]
    pub fn create_server(&self) -> NativeServer {
        NativeServer::new(&self.local, self.local.next_server_id())
    }
}

#[cfg(unix)]
#[napi]
impl Engine {
    /// Calls `wake` once more.
    #[napi(catch_unwind)]
    pub fn rewake(&self) -> Result<()> {
        self.local.native()?.core.queue.rewake();
        Ok(())
    }

    #[napi(catch_unwind, js_name = "ref")]
    pub fn reference(&self) -> Result<()> {
        self.local.native()?.wake.set_ref(true);
        Ok(())
    }

    #[napi(catch_unwind)]
    pub fn unref(&self) -> Result<()> {
        self.local.native()?.wake.set_ref(false);
        Ok(())
    }

    /// Whether the engine keeps the process alive. Who lists what does finds the engine as the
    /// resource of its own type, and asks it as it asks libuv's handles.
    #[napi(catch_unwind)]
    pub fn has_ref(&self) -> Result<bool> {
        Ok(self.local.native()?.wake.has_ref())
    }

    /// Counts a connection that was accepted while `screened` was set. Returns false if it counts already, or has
    /// ended.
    #[napi(catch_unwind)]
    pub fn admit(&self, id: u32) -> Result<bool> {
        Ok(self.with(id, |conn| conn.admit())?.unwrap_or(false))
    }

    /// Whether nothing was read from a connection.
    #[napi(catch_unwind)]
    pub fn is_fresh(&self, id: u32) -> Result<bool> {
        Ok(self.with(id, |conn| conn.is_fresh())?.unwrap_or(false))
    }

    /// Gives a connection away. Throws if there is none.
    #[napi(
        catch_unwind,
        ts_return_type = "{ fd: number, data: Buffer, pending: Array<Uint8Array | number>, finWanted: boolean, queued: number, hungUp: boolean, error: number, parser: NativeParser }"
    )]
    pub fn detach(&self, env: Env, id: u32) -> Result<Either<i32, Object<'_>>> {
        let native = self.local.native()?;
        let detached = native.connections.borrow_mut().detach(&native.core, id);
        let (detached, queued) = match detached {
            Ok(detached) => detached,
            Err(error) => return Ok(Either::A(-error.raw_os_error().unwrap_or(libc::EIO))),
        };
        let data = detached.parked.as_ref().map_or(Vec::new(), |parked| {
            invariant!(
                parked.packet.get(parked.at..),
                "a parser parks within its packet"
            )
            .to_vec()
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
        result.set("error", detached.error.map_or(0, |errno| -errno))?;
        let parser = NativeParser::resumed(
            &detached.server,
            detached.parser,
            detached.progress,
            detached.parked,
        );
        result.set("parser", parser)?;
        // This comes last, so that no earlier failure leaks the descriptor.
        result.set("fd", detached.fd.into_raw_fd())?;
        Ok(Either::B(result))
    }

    /// Takes the number of bytes that were read before JavaScript knew the connection. They are counted once.
    #[napi(catch_unwind)]
    pub fn take_bytes_read(&self, id: u32) -> Result<u32> {
        let mut connections = self.local.native()?.connections.borrow_mut();
        Ok(connections.take_bytes_read(id))
    }

    /// How many bytes JavaScript has written to the connection.
    #[napi(catch_unwind)]
    pub fn bytes_written(&self, id: u32) -> Result<f64> {
        Ok(self.with(id, |conn| conn.bytes_written())?.unwrap_or(0) as f64)
    }

    /// How many of them are pending.
    #[napi(catch_unwind)]
    pub fn write_queue_size(&self, id: u32) -> Result<f64> {
        Ok(self.with(id, |conn| conn.write_queue_size())?.unwrap_or(0) as f64)
    }

    /// Address, port and family of one end; undefined if it has no Internet address.
    #[napi(catch_unwind, ts_return_type = "[string, number, string] | undefined")]
    pub fn address(&self, id: u32, peer: bool) -> Result<Option<(String, u32, &'static str)>> {
        let end = if peer { End::Peer } else { End::Local };
        let address = self.with(id, |conn| conn.address(end))?.flatten();
        Ok(address.map(|address| (address.host, address.port.into(), address.family)))
    }

    /// A listener threw while a packet of the connection was dispatched. All later packets are refused.
    #[napi(catch_unwind)]
    pub fn give_up(&self, id: u32) -> Result<()> {
        self.with(id, |conn| conn.give_up())?;
        Ok(())
    }

    /// Notes that a connection was refused with a reply, and is about to be closed.
    #[napi(catch_unwind)]
    pub fn set_refused(&self, id: u32) -> Result<()> {
        self.with(id, |conn| conn.set_refused())?;
        Ok(())
    }

    /// Notes that a connection is about to be closed after all its requests were answered.
    #[napi(catch_unwind)]
    pub fn note_idle_close(&self, id: u32) -> Result<()> {
        let mut connections = self.local.native()?.connections.borrow_mut();
        connections.note_idle_close(id);
        Ok(())
    }

    #[napi(catch_unwind)]
    pub fn set_no_delay(&self, id: u32, on: bool) -> Result<i32> {
        self.option(id, |fd| io::set_no_delay(fd, on))
    }

    #[napi(catch_unwind)]
    pub fn set_keep_alive(&self, id: u32, on: bool, seconds: u32) -> Result<i32> {
        self.option(id, |fd| io::set_keep_alive(fd, on, seconds))
    }

    fn with<T>(&self, id: u32, f: impl FnOnce(&Arc<Conn>) -> T) -> Result<Option<T>> {
        Ok(self.local.native()?.connections.borrow().get(id).map(f))
    }

    fn option(&self, id: u32, set: impl FnOnce(RawFd) -> std::io::Result<()>) -> Result<i32> {
        Ok(match self.with(id, |conn| conn.with_fd(set))?.flatten() {
            Some(Ok(())) => 0,
            Some(Err(error)) => -error.raw_os_error().unwrap_or(libc::EIO),
            None => -libc::EBADF,
        })
    }
}

/// Output that has not left, as a Buffer and the offset at which the rest begins.
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

#[cfg(not(unix))]
#[napi]
impl Engine {
    /// Blob `i` of the last delivery as a Buffer. Each can be taken once.
    #[napi(catch_unwind, ts_return_type = "Buffer")]
    pub fn blob(&self, i: u32) -> Result<Value> {
        let blob = self
            .local
            .take_blob(i)
            .ok_or_else(|| invalid("No such blob"))?;
        values::buffer(self.local.env(), &blob).map(Value)
    }
}
