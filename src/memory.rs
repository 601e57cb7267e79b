//! Memory for bodies. Bodies that are read on the JavaScript thread, and output, are in JavaScript's own memory, so
//! that large ones are not copied. On other threads they are in a `Vec`.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;
use std::thread::{self, ThreadId};

/// The largest number of bytes in one read, as in Node. It limits packets, and so `rawPacket` and offsets.
pub const PACKET: usize = 65_536;

/// Where memory for bodies comes from.
pub trait Supply: std::fmt::Debug {
    /// Gives memory of exactly `size` bytes, none of them filled.
    fn take(&mut self, size: usize) -> Memory;

    /// Takes back memory that was not used.
    fn put_back(&mut self, memory: Memory);

    /// Gives memory with a copy of some bytes.
    fn copy(&mut self, bytes: &[u8]) -> Memory {
        Memory::Own(bytes.to_vec())
    }
}

/// Memory for bodies on threads that cannot make JavaScript's memory.
#[derive(Debug)]
pub struct Vecs;

impl Supply for Vecs {
    fn take(&mut self, size: usize) -> Memory {
        Memory::Own(Vec::with_capacity(size))
    }

    fn put_back(&mut self, _: Memory) {}
}

/// Memory that becomes a Buffer, and the bytes in it.
#[derive(Debug)]
pub enum Memory {
    /// Memory that is copied into a Buffer.
    Own(Vec<u8>),
    /// The memory of a Buffer that JavaScript does not have yet.
    Lent(Lent),
}

impl Memory {
    /// The memory that is not filled.
    pub fn spare(&mut self) -> &mut [MaybeUninit<u8>] {
        match self {
            Memory::Own(memory) => memory.spare_capacity_mut(),
            Memory::Lent(lent) => lent.spare(),
        }
    }

    /// # Safety
    /// The first `count` bytes of what is spare have been written.
    pub unsafe fn filled(&mut self, count: usize) {
        match self {
            // SAFETY: the caller's.
            Memory::Own(memory) => unsafe { memory.set_len(memory.len() + count) },
            Memory::Lent(lent) => lent.filled += count,
        }
    }

    /// Appends as many of the bytes as there is room for.
    pub fn append(&mut self, bytes: &[u8]) {
        let spare = self.spare();
        let count = bytes.len().min(spare.len());
        // SAFETY: both have `count` bytes, and what is spare is nobody else's.
        unsafe {
            spare
                .as_mut_ptr()
                .cast::<u8>()
                .copy_from_nonoverlapping(bytes.as_ptr(), count);
            self.filled(count);
        }
    }

    /// Makes all of the memory spare.
    pub fn clear(&mut self) {
        match self {
            Memory::Own(memory) => memory.clear(),
            Memory::Lent(lent) => lent.filled = 0,
        }
    }
}

impl Default for Memory {
    fn default() -> Memory {
        Memory::Own(Vec::new())
    }
}

impl Deref for Memory {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Memory::Own(memory) => memory,
            Memory::Lent(lent) => lent.bytes(),
        }
    }
}

/// Memory of JavaScript. Its owner keeps it in place until it is given up.
#[derive(Debug)]
pub struct Lent {
    start: NonNull<u8>,
    size: usize,
    filled: usize,
    owner: Owner,
    thread: ThreadId,
}

/// What keeps the memory in place: two pointers that only `give_up` understands.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    /// The environment (`napi_env`).
    pub env: *mut c_void,
    /// The reference (`napi_ref`).
    pub reference: *mut c_void,
    /// Deletes the reference, on the thread of the environment.
    pub give_up: unsafe fn(Owner),
}

// SAFETY: the memory does not move, and nobody else reads or writes it. The owner is used only on the thread to which
// it belongs (`drop`, `into_owner`).
unsafe impl Send for Lent {}

impl Lent {
    /// # Safety
    /// `owner` belongs to this thread. Until it is given up or taken back, the `size` bytes at
    /// `start` stay where they are and are nobody else's.
    pub unsafe fn new(start: NonNull<u8>, size: usize, owner: Owner) -> Lent {
        Lent {
            start,
            size,
            filled: 0,
            owner,
            thread: thread::current().id(),
        }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: `new` was promised the memory, and so much of it has been written.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.filled) }
    }

    fn spare(&mut self) -> &mut [MaybeUninit<u8>] {
        // SAFETY: `new` was promised the memory, and `filled` is never more than `size`.
        unsafe {
            let spare = self.start.as_ptr().add(self.filled).cast();
            std::slice::from_raw_parts_mut(spare, self.size - self.filled)
        }
    }

    /// Returns the owner without giving the memory up. If the memory is not completely filled, or on another thread
    /// than the owner's, it returns the memory itself.
    pub fn into_owner(self) -> Result<Owner, Lent> {
        if self.filled < self.size || self.thread != thread::current().id() {
            return Err(self);
        }
        let owner = self.owner;
        std::mem::forget(self);
        Ok(owner)
    }

    /// The number of bytes that are kept alive.
    pub fn size(&self) -> usize {
        self.size
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // Memory of the JavaScript thread is dropped there. If it is dropped elsewhere, it leaks until the environment
        // ends.
        if self.thread == thread::current().id() {
            // SAFETY: this is the owner's thread, and the memory is not used again.
            unsafe { (self.owner.give_up)(self.owner) };
        }
    }
}

/// The way back for a loan that is over on another thread.
pub trait Returns: std::fmt::Debug + Send + Sync {
    /// Brings the loan to the JavaScript thread.
    fn give_back(&self, loan: Returned);
}

/// JavaScript's memory with output. Its owner keeps it in place until this is dropped.
#[derive(Debug)]
pub struct Loan {
    owner: Owner,
    thread: ThreadId,
    returns: Arc<dyn Returns>,
}

// SAFETY: the owner is used only on the thread to which it belongs (`drop`, `owner`).
unsafe impl Send for Loan {}
// SAFETY: as above.
unsafe impl Sync for Loan {}

impl Loan {
    /// # Safety
    /// `owner` belongs to this thread, and keeps its memory in place until it is given up.
    pub unsafe fn new(owner: Owner, returns: Arc<dyn Returns>) -> Loan {
        Loan {
            owner,
            thread: thread::current().id(),
            returns,
        }
    }

    /// The owner. None on another thread than its own.
    pub fn owner(&self) -> Option<Owner> {
        (self.thread == thread::current().id()).then_some(self.owner)
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let returned = Returned {
            owner: self.owner,
            thread: self.thread,
        };
        if self.thread != thread::current().id() {
            self.returns.give_back(returned);
        }
    }
}

/// A loan that is over. Dropping it on its owner's thread gives the memory up.
#[derive(Debug)]
pub struct Returned {
    owner: Owner,
    thread: ThreadId,
}

// SAFETY: the owner is used only on the thread to which it belongs.
unsafe impl Send for Returned {}

impl Drop for Returned {
    fn drop(&mut self) {
        // It is dropped on another thread only after the engine has ended. Then the environment frees the memory.
        if self.thread == thread::current().id() {
            // SAFETY: this is the owner's thread, and the memory is not used again.
            unsafe { (self.owner.give_up)(self.owner) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    unsafe fn count(owner: Owner) {
        // SAFETY: the tests put a Cell there.
        let count = unsafe { &*owner.env.cast::<Cell<u32>>() };
        count.set(count.get() + 1);
    }

    fn lent(memory: &mut [u8], count_of: &Cell<u32>) -> Lent {
        let owner = Owner {
            env: std::ptr::from_ref(count_of).cast_mut().cast(),
            reference: std::ptr::null_mut(),
            give_up: count,
        };
        let size = memory.len();
        // SAFETY: the tests use the memory otherwise only when this is gone.
        unsafe { Lent::new(NonNull::new(memory.as_mut_ptr()).unwrap(), size, owner) }
    }

    #[test]
    fn lent_memory_is_given_up_or_taken_back_once() {
        let (mut bytes, given_up) = ([0; 4], Cell::new(0));
        let mut memory = Memory::Lent(lent(&mut bytes, &given_up));
        memory.append(b"ab");
        assert_eq!(&*memory, b"ab");
        memory.append(b"cdef");
        assert_eq!(&*memory, b"abcd");
        drop(memory);
        assert_eq!(given_up.get(), 1);

        let part = lent(&mut bytes, &given_up).into_owner();
        assert!(part.is_err());
        drop(part);
        assert_eq!(given_up.get(), 2);

        let mut memory = Memory::Lent(lent(&mut bytes, &given_up));
        memory.append(b"efgh");
        let Memory::Lent(whole) = memory else {
            return;
        };
        assert!(whole.into_owner().is_ok());
        assert_eq!(given_up.get(), 2);
        assert_eq!(&bytes, b"efgh");
    }

    #[test]
    fn another_thread_leaves_the_owner_alone() {
        let (mut bytes, given_up) = ([0; 1], Cell::new(0));
        let mut memory = Memory::Lent(lent(&mut bytes, &given_up));
        memory.append(b"a");
        thread::spawn(move || drop(memory)).join().unwrap();
        assert_eq!(given_up.get(), 0);
    }
}
