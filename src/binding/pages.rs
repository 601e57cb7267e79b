//! JavaScript's memory for bodies: Buffers that JavaScript does not have yet.

use std::ffi::c_void;
use std::ptr::NonNull;

use napi::{Result, check_status, sys};

use super::values;
use crate::memory::{Lent, Memory, Owner, PACKET, Supply, Vecs};

/// Bytes that are copied go through a Vec if they are fewer than this. That is cheaper, because the memory of a Buffer
/// needs a reference until JavaScript takes it.
const LARGE: usize = 4096;

/// Makes Buffers. It may only be used in calls on the thread of its environment.
#[derive(Debug)]
pub struct Pages {
    env: sys::napi_env,
    /// A Buffer of the size of a whole packet that was not used.
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
            // The bytes are copied into a Buffer later, where a failure can be reported.
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

/// Makes a new Buffer and returns its memory, which is not initialised.
fn lend(env: sys::napi_env, size: usize) -> Result<Lent> {
    let mut data = std::ptr::null_mut();
    let mut value = std::ptr::null_mut();
    let mut reference = std::ptr::null_mut();
    // SAFETY: the pointers are valid, and this is a call on the thread of `env`.
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
        // SAFETY: the memory of a Buffer does not move, the reference keeps it alive, and nobody else has it.
        Some(start) => Ok(unsafe { Lent::new(start, size, owner) }),
        None => {
            // SAFETY: the reference was made just now, on this thread.
            unsafe { give_up(owner) };
            Err(values::invalid("A Buffer without memory"))
        }
    }
}

/// # Safety
/// The owner's reference is one of Node-API's, this is its thread, and it is not used again.
pub unsafe fn give_up(owner: Owner) {
    // SAFETY: the caller guarantees it. Finalizers run before the environment has ended.
    unsafe { sys::napi_delete_reference(owner.env.cast(), owner.reference.cast()) };
}

/// Makes a Buffer of exactly the bytes in `memory`. From now on only JavaScript has them.
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
