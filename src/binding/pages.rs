//! Memory of JavaScript's for bodies: Buffers that it does not have yet.

use std::ffi::c_void;
use std::ptr::NonNull;

use napi::{Result, check_status, sys};

use super::values;
use crate::memory::{Lent, Memory, Owner, PACKET, Supply, Vecs};

/// What is copied costs less through a Vec if it is smaller: a Buffer's own memory needs a
/// reference until JavaScript takes it.
const LARGE: usize = 4096;

/// Makes Buffers, in calls on the thread of its environment.
#[derive(Debug)]
pub struct Pages {
    env: sys::napi_env,
    /// One of a whole packet's size that was not used.
    spare: Option<Lent>,
}

impl Pages {
    pub fn new(env: sys::napi_env) -> Pages {
        Pages { env, spare: None }
    }
}

impl Supply for Pages {
    fn take(&mut self, size: usize) -> Memory {
        if let Some(spare) = self.spare.take_if(|spare| spare.size() == size) {
            return Memory::Lent(spare);
        }
        match lend(self.env, size) {
            Ok(lent) => Memory::Lent(lent),
            // It is copied later, when that may fail.
            Err(_) => Vecs.take(size),
        }
    }

    fn put_back(&mut self, mut memory: Memory) {
        memory.clear();
        if let Memory::Lent(lent) = memory
            && lent.size() == PACKET
        {
            self.spare = Some(lent);
        }
    }

    fn copy(&mut self, bytes: &[u8]) -> Memory {
        if bytes.len() < LARGE {
            return Vecs.copy(bytes);
        }
        let mut memory = self.take(bytes.len());
        memory.append(bytes);
        memory
    }
}

/// The memory of a new Buffer, which is not initialised.
fn lend(env: sys::napi_env, size: usize) -> Result<Lent> {
    let mut data = std::ptr::null_mut();
    let mut value = std::ptr::null_mut();
    let mut reference = std::ptr::null_mut();
    // SAFETY: the pointers are valid; we are in a call on the thread of `env`.
    unsafe {
        check_status!(sys::napi_create_buffer(env, size, &mut data, &mut value))?;
        check_status!(sys::napi_create_reference(env, value, 1, &mut reference))?;
    }
    let owner = Owner {
        env: env.cast(),
        reference: reference.cast::<c_void>(),
        give_up,
    };
    match NonNull::new(data.cast()) {
        // SAFETY: the memory of a Buffer does not move, the reference keeps it, and nothing else
        // leads to it.
        Some(start) => Ok(unsafe { Lent::new(start, size, owner) }),
        None => {
            // SAFETY: the reference was made just now.
            unsafe { give_up(owner) };
            Err(values::invalid("A Buffer without memory"))
        }
    }
}

/// # Safety
/// The owner's reference is one of Node-API's, this is its thread, and it is not used again.
pub unsafe fn give_up(owner: Owner) {
    // SAFETY: the caller's. Finalizers run before an environment is gone.
    unsafe { sys::napi_delete_reference(owner.env.cast(), owner.reference.cast()) };
}

/// A Buffer of exactly the bytes in `memory`. Nobody but JavaScript has them any more.
pub fn buffer(env: sys::napi_env, memory: Memory) -> Result<sys::napi_value> {
    let lent = match memory {
        Memory::Own(bytes) => return values::buffer(env, &bytes),
        Memory::Lent(lent) => lent,
    };
    let owner = match lent.into_owner() {
        Ok(owner) => owner,
        Err(part) => return values::buffer(env, &Memory::Lent(part)),
    };
    let mut value = std::ptr::null_mut();
    // SAFETY: `lend` made the reference, and it is not used again.
    let status = unsafe {
        let status = sys::napi_get_reference_value(env, owner.reference.cast(), &mut value);
        give_up(owner);
        status
    };
    check_status!(status, "Failed to find a Buffer")?;
    Ok(value)
}
