//! The command line: a mode and `--name value` pairs.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

pub struct Args {
    mode: String,
    values: HashMap<String, String>,
}

/// The options that every mode takes.
pub struct Common {
    pub addr: SocketAddr,
    pub seconds: Duration,
    pub warmup: Duration,
    /// The server, whose CPU time is read at the ends of the measured time.
    pub pid: Option<u32>,
}

impl Args {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mode = words.next().ok_or("no mode given")?;
        let mut values = HashMap::new();
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").ok_or_else(|| format!("unexpected '{word}'"))?;
            let value = words.next().ok_or_else(|| format!("--{name} needs a value"))?;
            values.insert(name.to_owned(), value);
        }
        Ok(Self { mode, values })
    }

    pub fn mode(&self) -> &str {
        &self.mode
    }

    pub fn take<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, String> {
        match self.values.remove(name) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| format!("--{name}: cannot read '{text}'")),
        }
    }

    pub fn take_bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, String> {
        self.values
            .remove(name)
            .map(|text| unescape(&text).ok_or_else(|| format!("--{name}: bad escape")))
            .transpose()
    }

    pub fn common(&mut self) -> Result<Common, String> {
        let host: IpAddr = self.take("host")?.unwrap_or(IpAddr::from([127, 0, 0, 1]));
        if !host.is_loopback() {
            return Err(format!("{host} is not a loopback address"));
        }
        let port = self.take("port")?.ok_or("--port is missing")?;
        let seconds: f64 = self.take("seconds")?.unwrap_or(3.0);
        let warmup: f64 = self.take("warmup")?.unwrap_or(0.0);
        let duration = |s: f64| Duration::try_from_secs_f64(s.min(600.0)).map_err(|e| e.to_string());
        Ok(Common {
            addr: SocketAddr::new(host, port),
            seconds: duration(seconds)?,
            warmup: duration(warmup)?,
            pid: self.take("pid")?,
        })
    }

    /// Call this after all known options were taken: an option that is left is an error.
    pub fn finish(&self) -> Result<(), String> {
        match self.values.keys().next() {
            None => Ok(()),
            Some(name) => Err(format!("--{name} means nothing for {}", self.mode)),
        }
    }
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        out.push(match bytes.next()? {
            b'r' => b'\r',
            b'n' => b'\n',
            b't' => b'\t',
            b'\\' => b'\\',
            b'x' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            _ => return None,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        assert_eq!(unescape("a\\r\\n\\x00\\\\"), Some(b"a\r\n\0\\".to_vec()));
        assert_eq!(unescape("\\q"), None);
        assert_eq!(unescape("\\x4"), None);
    }
}
