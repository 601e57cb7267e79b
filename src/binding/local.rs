//! The state of one engine on the JavaScript thread, and the memory into which deliveries are written for JavaScript.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use napi::{Result, check_status, sys};

#[cfg(unix)]
use super::native::Native;
use super::strings::Strings;
use super::values::{self, Value, invalid};
use crate::http1::Profile;
use crate::layout::delivery::{OVERFLOWN, RECORDS, SEEN, SERVER_RECORD, SHORT_BLOB};
use crate::memory::Memory;
use crate::observe::refusals::Seen;
use crate::record::Records;

/// How many numbers of the array come before the first record.
const META_HEADER: usize = RECORDS as usize;
/// How many numbers at the end of the array are for a short blob.
const BLOB_NUMBERS: usize = SHORT_BLOB as usize / 4;
/// How many refusals wait for JavaScript to say what became of them. Older ones are forgotten.
const UNDECIDED: usize = 256;

/// The state of one engine on the JavaScript thread. `Engine`, its servers and its functions share it.
pub struct Local {
    env: sys::napi_env,
    pub profile: &'static Profile,
    meta: Meta,
    published: RefCell<Published>,
    strings: RefCell<Strings>,
    undecided: RefCell<Undecided>,
    server_ids: Cell<u32>,
    /// None if the process does not export libuv, as some programs that embed Node do not.
    #[cfg(unix)]
    pub native: Option<Native>,
}

/// What a delivery has before its records.
#[derive(Clone, Copy, Debug, Default)]
pub struct Header {
    /// The connection's id, or the server's.
    pub id: u32,
    pub flags: u32,
    /// The id of the connection's server, if this is its first delivery.
    pub server: u32,
    /// How many bytes were read for it.
    pub bytes: u32,
}

/// What the last delivery has beside its text.
#[derive(Default)]
struct Published {
    blobs: Vec<Option<Memory>>,
    overflow: Vec<u32>,
}

/// Refusals that wait for JavaScript to say what became of them.
#[derive(Default)]
struct Undecided {
    last: u32,
    seen: VecDeque<(u32, Box<Seen>)>,
}

impl Undecided {
    /// Keeps one and returns its number, which has 24 bits and is never 0.
    fn add(&mut self, seen: Box<Seen>) -> u32 {
        self.last = self.last % 0xff_ffff + 1;
        if self.seen.len() == UNDECIDED {
            self.seen.pop_front();
        }
        self.seen.push_back((self.last, seen));
        self.last
    }
}

/// The Uint32Array from which JavaScript reads numbers.
pub struct Meta {
    data: *mut u32,
    length: usize,
    reference: sys::napi_ref,
}

impl Local {
    pub fn new(
        env: sys::napi_env,
        profile: &'static Profile,
        meta: Meta,
        strings: Strings,
        #[cfg(unix)] native: Option<Native>,
    ) -> Local {
        Local {
            env,
            profile,
            meta,
            published: RefCell::default(),
            strings: RefCell::new(strings),
            undecided: RefCell::default(),
            server_ids: Cell::new(0),
            #[cfg(unix)]
            native,
        }
    }

    /// Returns an id for another server, from 1 on.
    pub fn next_server_id(&self) -> u32 {
        let id = self.server_ids.get() + 1;
        self.server_ids.set(id);
        id
    }

    /// The numbers of the last delivery if they did not fit in the array.
    pub fn overflow(&self) -> Vec<u32> {
        self.published.borrow().overflow.clone()
    }

    /// Writes a delivery where JavaScript reads it, and returns its text.
    pub fn publish(
        &self,
        Header {
            id,
            flags,
            server,
            bytes,
        }: Header,
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
        // SAFETY: the array is this long, is kept alive by the reference, and only this thread uses it.
        let meta = unsafe { std::slice::from_raw_parts_mut(self.meta.data, self.meta.length) };
        let (numbers, end) = meta.split_at_mut(self.meta.length - BLOB_NUMBERS);
        let short = records.blobs.first().map_or(0, |blob| put_short(blob, end));
        let header = |flags| [total as u32, id, flags, bytes, short, server];
        if total <= numbers.len() {
            numbers[..META_HEADER].copy_from_slice(&header(flags));
            numbers[META_HEADER..total].copy_from_slice(&records.numbers);
        } else {
            let flags = flags | OVERFLOWN;
            numbers[..META_HEADER].copy_from_slice(&header(flags));
            let more = records.numbers.iter().copied();
            published.overflow = header(flags).into_iter().chain(more).collect();
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

    /// The engine, for calls that JavaScript makes only if it is [`supported`](Engine::supported).
    #[cfg(unix)]
    pub fn native(&self) -> Result<&Native> {
        let native = self.native.as_ref();
        native.ok_or_else(|| invalid("This process has no engine"))
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

/// Copies a short blob to the end of the array, and returns its length. Returns 0 for other blobs: a long one, an empty
/// one, or one that is a Buffer already.
fn put_short(blob: &Memory, end: &mut [u32]) -> u32 {
    let Memory::Own(bytes) = blob else { return 0 };
    if bytes.len() > size_of_val(end) {
        return 0;
    }
    // SAFETY: `end` has room for all of the bytes, and any bytes are numbers.
    unsafe {
        let start = end.as_mut_ptr().cast::<u8>();
        start.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
    }
    bytes.len() as u32
}

impl Drop for Local {
    fn drop(&mut self) {
        // SAFETY: this is a finalizer on the thread of `env`, and the references are its own.
        unsafe {
            #[cfg(unix)]
            if let Some(native) = &self.native {
                sys::napi_delete_reference(self.env, native.reference());
            }
            sys::napi_delete_reference(self.env, self.meta.reference);
            sys::napi_delete_reference(self.env, self.strings.borrow().reference());
        }
    }
}

impl Meta {
    pub fn new(env: sys::napi_env, array: Value) -> Result<Meta> {
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
            if kind != sys::TypedarrayType::uint32_array || length < META_HEADER + BLOB_NUMBERS {
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
