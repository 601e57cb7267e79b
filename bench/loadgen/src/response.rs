//! Reads HTTP/1 responses as they arrive and checks them.

/// What a response has to have.
pub struct Expect {
    pub status: u16,
    pub body: Option<Vec<u8>>,
    pub body_length: Option<u64>,
}

#[derive(Clone, Copy)]
enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

#[derive(Clone, Copy)]
struct Head {
    framing: Framing,
    close: bool,
}

/// The bytes of the last good head. A server repeats them until the second in its Date changes, and
/// comparing is far cheaper than parsing.
#[derive(Default)]
pub struct HeadCache(Option<(Vec<u8>, Head)>);

enum Chunk {
    Size(u64),
    Extension(u64),
    SizeLf(u64),
    Data(u64),
    DataCr,
    DataLf,
    TrailerStart,
    Trailer,
    TrailerLf,
    LastLf,
}

enum State {
    Head,
    Length(u64),
    Chunked(Chunk),
    UntilClose,
}

pub struct Reader {
    state: State,
    /// The part of a head that has arrived.
    partial: Vec<u8>,
    close: bool,
    body_seen: u64,
}

/// The largest incomplete head. A larger one is an error.
const MAX_HEAD: usize = 64 * 1024;

impl Reader {
    pub fn new() -> Self {
        Self { state: State::Head, partial: Vec::new(), close: false, body_seen: 0 }
    }

    /// Whether the last response announced that the connection closes.
    pub fn closes(&self) -> bool {
        self.close
    }

    /// Takes `data` and calls `complete` for each response that ends in it.
    pub fn feed(
        &mut self,
        mut data: &[u8],
        expect: &Expect,
        cache: &mut HeadCache,
        mut complete: impl FnMut(),
    ) -> Result<(), &'static str> {
        loop {
            match &mut self.state {
                State::Head => {
                    if data.is_empty() {
                        return Ok(());
                    }
                    let Some((head, used)) = self.head(data, expect, cache)? else {
                        return Ok(());
                    };
                    data = &data[used..];
                    self.close = head.close;
                    self.body_seen = 0;
                    self.state = match head.framing {
                        Framing::Length(n) => State::Length(n),
                        Framing::Chunked => State::Chunked(Chunk::Size(0)),
                        Framing::UntilClose => State::UntilClose,
                    };
                }
                State::Length(left) => {
                    let n = data.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= n as u64;
                    let done = *left == 0;
                    self.body(&data[..n], expect)?;
                    data = &data[n..];
                    if !done {
                        return Ok(());
                    }
                    self.end(expect)?;
                    complete();
                }
                State::Chunked(_) => {
                    let (used, done) = self.chunked(data, expect)?;
                    data = &data[used..];
                    if !done {
                        return Ok(());
                    }
                    self.end(expect)?;
                    complete();
                }
                State::UntilClose => {
                    self.body(data, expect)?;
                    return Ok(());
                }
            }
        }
    }

    /// Call this when the connection has ended. Returns whether that completed a response.
    pub fn eof(&mut self, expect: &Expect) -> Result<bool, &'static str> {
        match self.state {
            State::Head if self.partial.is_empty() => Ok(false),
            State::UntilClose => self.end(expect).map(|()| true),
            _ => Err("truncated"),
        }
    }

    fn end(&mut self, expect: &Expect) -> Result<(), &'static str> {
        self.state = State::Head;
        let wanted = expect.body.as_ref().map(|b| b.len() as u64).or(expect.body_length);
        if wanted.is_some_and(|n| n != self.body_seen) { Err("body_length") } else { Ok(()) }
    }

    fn body(&mut self, data: &[u8], expect: &Expect) -> Result<(), &'static str> {
        let at = self.body_seen as usize;
        self.body_seen += data.len() as u64;
        match &expect.body {
            Some(body) if body.get(at..at + data.len()) != Some(data) => Err("body"),
            _ => Ok(()),
        }
    }

    /// Reads the head, whose rest is at the start of `data`. Also returns how many bytes of `data` it has.
    fn head(
        &mut self,
        data: &[u8],
        expect: &Expect,
        cache: &mut HeadCache,
    ) -> Result<Option<(Head, usize)>, &'static str> {
        if self.partial.is_empty() {
            if let Some((bytes, head)) = &cache.0
                && data.starts_with(bytes)
            {
                return Ok(Some((*head, bytes.len())));
            }
            if let Some(end) = head_end(data) {
                let head = parse(&data[..end], expect)?;
                cache.0 = Some((data[..end].to_vec(), head));
                return Ok(Some((head, end)));
            }
        }
        let before = self.partial.len();
        self.partial.extend_from_slice(data);
        match head_end(&self.partial) {
            Some(end) => {
                let head = parse(&self.partial[..end], expect)?;
                self.partial.clear();
                Ok(Some((head, end - before)))
            }
            None if self.partial.len() > MAX_HEAD => Err("head_too_long"),
            None => Ok(None),
        }
    }

    fn chunked(&mut self, data: &[u8], expect: &Expect) -> Result<(usize, bool), &'static str> {
        let mut at = 0;
        while at < data.len() {
            let State::Chunked(chunk) = &mut self.state else { return Err("framing") };
            if let Chunk::Data(left) = chunk {
                let n = (data.len() - at).min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= n as u64;
                if *left == 0 {
                    *chunk = Chunk::DataCr;
                }
                self.body(&data[at..at + n], expect)?;
                at += n;
                continue;
            }
            let byte = data[at];
            at += 1;
            *chunk = match (&*chunk, byte) {
                (Chunk::Size(n), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                    let digit = (byte as char).to_digit(16).unwrap_or(0);
                    Chunk::Size(n.checked_mul(16).ok_or("chunk_size")? + u64::from(digit))
                }
                (Chunk::Size(n), b';') => Chunk::Extension(*n),
                (Chunk::Size(n) | Chunk::Extension(n), b'\r') => Chunk::SizeLf(*n),
                (Chunk::Extension(n), _) => Chunk::Extension(*n),
                (Chunk::SizeLf(0), b'\n') => Chunk::TrailerStart,
                (Chunk::SizeLf(n), b'\n') => Chunk::Data(*n),
                (Chunk::DataCr, b'\r') => Chunk::DataLf,
                (Chunk::DataLf, b'\n') => Chunk::Size(0),
                (Chunk::TrailerStart, b'\r') => Chunk::LastLf,
                (Chunk::TrailerStart, _) => Chunk::Trailer,
                (Chunk::Trailer, b'\r') => Chunk::TrailerLf,
                (Chunk::Trailer, _) => Chunk::Trailer,
                (Chunk::TrailerLf, b'\n') => Chunk::TrailerStart,
                (Chunk::LastLf, b'\n') => return Ok((at, true)),
                _ => return Err("framing"),
            };
        }
        Ok((at, false))
    }
}

fn head_end(data: &[u8]) -> Option<usize> {
    data.windows(4).position(|w| w == b"\r\n\r\n").map(|i| i + 4)
}

fn parse(head: &[u8], expect: &Expect) -> Result<Head, &'static str> {
    let head = &head[..head.len() - 4];
    let mut lines = head.split(|&b| b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l));
    let status_line = lines.next().unwrap_or_default();
    let old = status_line.starts_with(b"HTTP/1.0 ");
    if !old && !status_line.starts_with(b"HTTP/1.1 ") {
        return Err("status_line");
    }
    let status: u16 = status_line
        .get(9..12)
        .and_then(|d| std::str::from_utf8(d).ok())
        .and_then(|d| d.parse().ok())
        .ok_or("status_line")?;
    if status != expect.status {
        return Err("status");
    }
    let mut close = old;
    let mut length = None;
    let mut chunked = false;
    for line in lines {
        let colon = line.iter().position(|&b| b == b':').ok_or("field_line")?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            let n = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok()).ok_or("content_length")?;
            if length.replace(n).is_some() {
                return Err("content_length");
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            chunked = value.eq_ignore_ascii_case(b"chunked");
        } else if name.eq_ignore_ascii_case(b"connection") {
            close = !value.eq_ignore_ascii_case(b"keep-alive");
        }
    }
    let framing = match (length, chunked) {
        _ if status < 200 || status == 204 || status == 304 => Framing::Length(0),
        (Some(_), true) => return Err("framing"),
        (Some(n), false) => Framing::Length(n),
        (None, true) => Framing::Chunked,
        (None, false) => {
            close = true;
            Framing::UntilClose
        }
    };
    Ok(Head { framing, close })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expect(body: &[u8]) -> Expect {
        Expect { status: 200, body: Some(body.to_vec()), body_length: None }
    }

    /// Every division of `wire` into two parts gives the same count.
    fn count(wire: &[u8], expect: &Expect) -> Result<u32, &'static str> {
        let mut results = Vec::new();
        for cut in 0..=wire.len() {
            let mut reader = Reader::new();
            let mut cache = HeadCache::default();
            let mut n = 0;
            results.push(
                reader
                    .feed(&wire[..cut], expect, &mut cache, || n += 1)
                    .and_then(|()| reader.feed(&wire[cut..], expect, &mut cache, || n += 1))
                    .map(|()| n),
            );
        }
        results.dedup();
        assert_eq!(results.len(), 1, "{results:?}");
        results[0]
    }

    #[test]
    fn length_and_chunked() {
        let a = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        let b = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nT: v\r\n\r\n";
        assert_eq!(count(&[&a[..], &a[..], &b[..], &a[..]].concat(), &expect(b"hello")), Ok(4));
    }

    #[test]
    fn wrong_responses() {
        let e = expect(b"hello");
        assert_eq!(count(b"HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\nhello", &e), Err("status"));
        assert_eq!(count(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhallo", &e), Err("body"));
        assert_eq!(count(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhell", &e), Err("body_length"));
        let bad = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX";
        assert_eq!(count(bad, &e), Err("framing"));
    }

    #[test]
    fn until_close() {
        let e = expect(b"hello");
        let mut reader = Reader::new();
        let mut cache = HeadCache::default();
        assert_eq!(reader.eof(&e), Ok(false));
        assert_eq!(reader.feed(b"HTTP/1.1 200 OK\r\n\r\nhello", &e, &mut cache, || panic!()), Ok(()));
        assert_eq!(reader.eof(&e), Ok(true));
        assert_eq!(reader.feed(b"HTTP/1.1 2", &e, &mut cache, || panic!()), Ok(()));
        assert_eq!(reader.eof(&e), Err("truncated"));
    }
}
