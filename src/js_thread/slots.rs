//! A table whose keys are not used again soon. A key has the index of a place, and how often that place was used. So a
//! look-up with the key of a removed value finds nothing, and never the value that came after it.

/// How many bits of a key are the index. JavaScript looks sockets up by the index (lib/socket/places.js).
pub const INDEX_BITS: u32 = 22;
const INDEX: u32 = (1 << INDEX_BITS) - 1;
/// It keeps a key below 2^31, so that JavaScript needs no allocation for it.
const GENERATIONS: u32 = 1 << (31 - INDEX_BITS);

/// Values by key.
#[derive(Debug)]
pub struct Slots<T> {
    /// The places by index - 1, so that no key is 0.
    places: Vec<Place<T>>,
    /// The indexes of places without a value.
    free: Vec<u32>,
}

#[derive(Debug)]
struct Place<T> {
    generation: u32,
    tenant: Option<T>,
}

impl<T> Default for Slots<T> {
    fn default() -> Slots<T> {
        Slots {
            places: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slots<T> {
    /// Adds a value and returns its key. Returns None if no place is free.
    pub fn insert(&mut self, tenant: T) -> Option<u32> {
        self.insert_with(|_| tenant)
    }

    /// Adds a value that has to know its key.
    pub fn insert_with(&mut self, tenant: impl FnOnce(u32) -> T) -> Option<u32> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                let index = u32::try_from(self.places.len() + 1).ok()?;
                if index > INDEX {
                    return None;
                }
                self.places.push(Place {
                    generation: 0,
                    tenant: None,
                });
                index
            }
        };
        let place = self.places.get_mut(index as usize - 1)?;
        let key = place.generation << INDEX_BITS | index;
        place.tenant = Some(tenant(key));
        Some(key)
    }

    /// The value of a key; None if it was removed.
    pub fn get(&self, key: u32) -> Option<&T> {
        let place = self.places.get(position(key)?)?;
        if place.generation != key >> INDEX_BITS {
            return None;
        }
        place.tenant.as_ref()
    }

    /// The value of a key as [`get`](Self::get) returns it, mutably.
    pub fn get_mut(&mut self, key: u32) -> Option<&mut T> {
        let place = self.places.get_mut(position(key)?)?;
        if place.generation != key >> INDEX_BITS {
            return None;
        }
        place.tenant.as_mut()
    }

    /// Removes a value. From now on its key finds nothing.
    pub fn remove(&mut self, key: u32) -> Option<T> {
        let place = self.places.get_mut(position(key)?)?;
        if place.generation != key >> INDEX_BITS {
            return None;
        }
        let tenant = place.tenant.take()?;
        place.generation = (place.generation + 1) % GENERATIONS;
        self.free.push(key & INDEX);
        Some(tenant)
    }
}

fn position(key: u32) -> Option<usize> {
    ((key & INDEX) as usize).checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_finds_its_tenant_and_no_later_one() {
        let mut slots = Slots::default();
        let first = slots.insert("a").unwrap();
        let other = slots.insert("b").unwrap();
        assert_eq!(slots.remove(first), Some("a"));
        let second = slots.insert("c").unwrap();
        assert_ne!(first, second);
        assert_eq!(first & INDEX, second & INDEX, "the place is used again");
        assert_eq!(slots.get(first), None);
        assert_eq!(slots.get_mut(first), None);
        assert_eq!(slots.remove(first), None);
        assert_eq!(slots.get(second), Some(&"c"));
        assert_eq!(slots.get(other), Some(&"b"));
    }

    #[test]
    fn keys_stay_small_and_are_never_zero() {
        let mut slots = Slots::default();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..GENERATIONS {
            let key = slots.insert(()).unwrap();
            assert!(key > 0 && key < 1 << 31);
            assert!(seen.insert(key));
            slots.remove(key);
        }
        assert_eq!(slots.get(0), None);
        assert_eq!(slots.get(u32::MAX), None);
    }

    #[test]
    #[cfg_attr(miri, ignore = "it takes Miri hours")]
    fn a_full_table_takes_nobody_in() {
        let mut slots = Slots::default();
        for _ in 0..INDEX {
            slots.insert(()).unwrap();
        }
        assert_eq!(slots.insert(()), None);
        slots.remove(1);
        assert!(slots.insert(()).is_some());
    }
}
