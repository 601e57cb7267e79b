//! The long strings of heads, made one by one. If a part of a string has at least [`PART`] characters, V8 makes it
//! refer to the whole string, so that a program that keeps one field would keep the whole head. Clients send the same
//! values again and again, so strings of earlier heads are reused.

use napi::{Result, check_status, sys};

use super::values;
use crate::record::{COMPLETE, HEAD, KEPT, KNOWN_NAME, Records, length};

/// V8 copies shorter parts (`SlicedString::kMinLength`).
const PART: usize = 13;
/// How many strings are remembered. The bytes of a string decide its place.
const PLACES: usize = 256;
/// Longer strings are not remembered.
const REMEMBERED: usize = 1024;

/// JavaScript's array of strings, and the bytes of those at its first places.
pub struct Strings {
    array: sys::napi_ref,
    places: Vec<Place>,
    /// The number of the delivery. Its strings keep their places until the next one.
    delivery: u64,
    /// How many strings of this delivery found no place. They follow the others in the array.
    rest: usize,
}

#[derive(Clone, Default)]
struct Place {
    bytes: Vec<u8>,
    delivery: u64,
}

impl Strings {
    pub fn new(env: sys::napi_env, array: sys::napi_value) -> Result<Strings> {
        let mut reference = std::ptr::null_mut();
        // SAFETY: Node-API checks the value; the pointer is valid.
        let status = unsafe { sys::napi_create_reference(env, array, 1, &mut reference) };
        check_status!(status, "Expected an array")?;
        Ok(Strings {
            array: reference,
            places: vec![Place::default(); PLACES],
            delivery: 0,
            rest: 0,
        })
    }

    pub fn reference(&self) -> sys::napi_ref {
        self.array
    }

    /// Moves the long strings of a delivery out of its text and into the array.
    pub fn take(&mut self, env: sys::napi_env, records: &mut Records) -> Result<()> {
        let Records { numbers, text, .. } = records;
        if text.len() < PART {
            return Ok(());
        }
        self.delivery += 1;
        self.rest = 0;
        let mut array = std::ptr::null_mut();
        // SAFETY: the reference is ours, and we are on the thread of `env`.
        check_status!(unsafe { sys::napi_get_reference_value(env, self.array, &mut array) })?;
        let mut pieces = Pieces {
            text,
            from: 0,
            to: 0,
        };
        let mut at = 0;
        while at < numbers.len() {
            let next = at + length(&numbers[at..]);
            let Some(record) = numbers.get_mut(at..next) else {
                break;
            };
            let (target, fields) = match record[0] {
                HEAD => (4..5, 6),
                COMPLETE => (0..0, 2),
                _ => (0..0, record.len()),
            };
            for i in target.chain(fields..record.len()) {
                let number = record[i];
                if number & KNOWN_NAME != 0 {
                    continue;
                }
                let size = number as usize;
                if size < PART {
                    pieces.keep(size);
                } else {
                    record[i] = KEPT | self.place(env, array, pieces.skip(size))?;
                }
            }
            at = next;
        }
        let kept = pieces.to;
        text.truncate(kept);
        Ok(())
    }

    /// The index in the array of the string of `bytes`.
    fn place(&mut self, env: sys::napi_env, array: sys::napi_value, bytes: &[u8]) -> Result<u32> {
        let slot = hash(bytes) as usize % PLACES;
        let place = &mut self.places[slot];
        if place.bytes == bytes {
            place.delivery = self.delivery;
            return Ok(slot as u32);
        }
        let index = if bytes.len() <= REMEMBERED && place.delivery != self.delivery {
            place.bytes.clear();
            place.bytes.extend_from_slice(bytes);
            place.delivery = self.delivery;
            slot
        } else {
            self.rest += 1;
            PLACES + self.rest - 1
        };
        let string = values::latin1(env, bytes)?;
        // SAFETY: both values are of this call.
        check_status!(unsafe { sys::napi_set_element(env, array, index as u32, string) })?;
        Ok(index as u32)
    }
}

/// A text from which pieces are taken out. The remaining ones are moved together.
struct Pieces<'a> {
    text: &'a mut [u8],
    from: usize,
    to: usize,
}

impl Pieces<'_> {
    fn keep(&mut self, size: usize) {
        if self.from != self.to {
            self.text.copy_within(self.from..self.from + size, self.to);
        }
        self.from += size;
        self.to += size;
    }

    fn skip(&mut self, size: usize) -> &[u8] {
        self.from += size;
        &self.text[self.from - size..self.from]
    }
}

/// A hash of the length and both ends of a string. If values of one field differ, they usually differ there.
fn hash(bytes: &[u8]) -> u64 {
    let word = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[at..at + 8]);
        u64::from_le_bytes(word)
    };
    let middle = bytes.len() / 2 - 4;
    let mixed = word(0)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(word(middle))
        .wrapping_mul(0xff51_afd7_ed55_8ccd)
        .wrapping_add(word(bytes.len() - 8))
        .wrapping_add(bytes.len() as u64)
        .wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed >> 40
}
