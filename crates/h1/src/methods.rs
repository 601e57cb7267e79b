//! Matches method names byte by byte.

use super::head::{METHODS, Method};

/// The indexes of [`METHODS`], sorted by the bytes of the names, so that the names with a common prefix are a range.
const SORTED: [u8; METHODS.len()] = sorted();

const fn sorted() -> [u8; METHODS.len()] {
    let mut order = [0; METHODS.len()];
    let mut i = 0;
    while i < order.len() {
        let mut j = i;
        while j > 0
            && less(
                METHODS[i].as_bytes(),
                METHODS[order[j - 1] as usize].as_bytes(),
            )
        {
            order[j] = order[j - 1];
            j -= 1;
        }
        order[j] = i as u8;
        i += 1;
    }
    order
}

const fn less(a: &[u8], b: &[u8]) -> bool {
    let mut i = 0;
    while i < a.len() && i < b.len() {
        if a[i] != b[i] {
            return a[i] < b[i];
        }
        i += 1;
    }
    a.len() < b.len()
}

/// The names that begin with the bytes so far: a range of [`SORTED`], which is never empty.
#[derive(Clone, Copy, Debug)]
pub struct Candidates {
    first: u8,
    end: u8,
    /// How many bytes were matched.
    depth: u8,
}

/// The meaning of a byte after the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The byte continues a name.
    More,
    /// The byte completes a name, and no other name begins with that name.
    Complete(Method),
    /// The bytes before it are a complete name, and the byte does not continue a longer one. An example is GET, with
    /// which GET_PARAMETER begins.
    Before(Method),
    /// The byte fits no name.
    Invalid,
}

impl Candidates {
    pub const ALL: Candidates = Candidates {
        first: 0,
        end: METHODS.len() as u8,
        depth: 0,
    };

    /// The bytes that were matched.
    pub fn matched(&self) -> &'static [u8] {
        let first = SORTED.get(self.first as usize);
        let name = first.and_then(|&index| METHODS.get(index as usize));
        let name = name.map_or(&[][..], |name| name.as_bytes());
        name.get(..self.depth as usize).unwrap_or(name)
    }

    /// Whether no byte was matched yet.
    pub fn is_fresh(&self) -> bool {
        self.depth == 0
    }

    pub fn step(&mut self, byte: u8) -> Step {
        let depth = self.depth as usize;
        let range = &SORTED[self.first as usize..self.end as usize];
        let at = |index: &u8| METHODS[*index as usize].as_bytes().get(depth).copied();
        // A name that ends here is sorted first, because None < Some(_).
        let first = range.partition_point(|index| at(index) < Some(byte));
        let count = range[first..].partition_point(|index| at(index) == Some(byte));
        if count == 0 {
            return match range.first() {
                Some(&index) if at(&index).is_none() => Step::Before(Method(index)),
                _ => Step::Invalid,
            };
        }
        if count == 1 && METHODS[range[first] as usize].len() == depth + 1 {
            return Step::Complete(Method(range[first]));
        }
        self.end = self.first + (first + count) as u8;
        self.first += first as u8;
        self.depth += 1;
        Step::More
    }
}

/// Finds the method with exactly this name.
pub fn find(name: &[u8]) -> Option<Method> {
    match name {
        b"GET" => Some(Method::GET),
        b"POST" => Some(Method(3)),
        _ => SORTED
            .binary_search_by(|index| METHODS[*index as usize].as_bytes().cmp(name))
            .ok()
            .map(|at| Method(SORTED[at])),
    }
}

/// Whether `method` may be used with `HTTP/x.x`.
pub fn of_http(method: Method) -> bool {
    method.0 <= Method::PRI.0 || method == Method::QUERY
}

/// Whether `method` may be used with `RTSP/x.x`.
pub fn of_rtsp(method: Method) -> bool {
    matches!(
        METHODS[method.0 as usize],
        "OPTIONS"
            | "GET"
            | "POST"
            | "DESCRIBE"
            | "ANNOUNCE"
            | "SETUP"
            | "PLAY"
            | "PAUSE"
            | "TEARDOWN"
            | "GET_PARAMETER"
            | "SET_PARAMETER"
            | "REDIRECT"
            | "RECORD"
            | "FLUSH"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(bytes: &[u8]) -> (usize, Step) {
        let mut candidates = Candidates::ALL;
        for (i, &byte) in bytes.iter().enumerate() {
            match candidates.step(byte) {
                Step::More => {}
                step => return (i, step),
            }
        }
        (bytes.len(), Step::More)
    }

    #[test]
    fn every_name_is_found() {
        for (i, name) in METHODS.iter().enumerate() {
            let method = Method(i as u8);
            assert_eq!(find(name.as_bytes()), Some(method));
            let (_, step) = feed(format!("{name} ").as_bytes());
            assert!(
                step == Step::Complete(method) || step == Step::Before(method),
                "{name}"
            );
        }
    }

    #[test]
    fn the_first_byte_that_fits_no_name_is_invalid() {
        assert_eq!(feed(b"GARBAGE"), (1, Step::Invalid));
        assert_eq!(feed(b"get"), (0, Step::Invalid));
        assert_eq!(feed(b"GET_X"), (4, Step::Invalid));
        assert_eq!(feed(b"GETX"), (3, Step::Before(Method(1))));
        assert_eq!(find(b"GETX"), None);
    }
}
