//! Details that the bytes of another protocol give beside its name.

use super::classify;
use super::hints::Hint;
use super::text::Text;
use crate::http1::Scene;
use crate::http1::invariant;

/// Writes the details of a hint: the server name and protocols of a TLS handshake, the client that a PROXY header
/// names, or the software of an SSH client.
pub fn of<const N: usize>(hint: Hint, scene: &Scene<'_>, out: &mut Text<N>) {
    let Some(begin) = classify::begin(scene) else {
        return;
    };
    let bytes = invariant!(scene.packet.get(begin..), "a message begins in its packet");
    match hint {
        Hint::TlsHello => tls(bytes, out),
        Hint::ProxyV1 => {
            let line = bytes.split(|&byte| byte == b'\r').next().unwrap_or(&[]);
            let words = line.split(|&byte| byte == b' ');
            if let [Some(address), Some(port)] = [words.clone().nth(2), words.clone().nth(4)] {
                client(address, port, out);
            }
        }
        Hint::ProxyV2 => proxy_v2(bytes, out),
        Hint::Ssh => {
            let line = bytes.split(|&byte| byte == b'\r').next().unwrap_or(&[]);
            plain(line.get(..40).unwrap_or(line), out);
        }
        _ => {}
    }
}

/// Writes text, but only if it is certainly harmless.
fn plain<const N: usize>(text: &[u8], out: &mut Text<N>) {
    if text.iter().all(u8::is_ascii_graphic) {
        out.push(text);
    }
}

fn client<const N: usize>(address: &[u8], port: &[u8], out: &mut Text<N>) {
    let fits = address.len() <= 45 && port.len() <= 5;
    let address_is = |byte: &u8| byte.is_ascii_hexdigit() || b".:".contains(byte);
    if fits && address.iter().all(address_is) && port.iter().all(u8::is_ascii_digit) {
        for piece in [b"client ", address, b" port ", port] {
            out.push(piece);
        }
    }
}

fn proxy_v2<const N: usize>(bytes: &[u8], out: &mut Text<N>) {
    // The parser has skipped the first four bytes of the signature as line ends.
    let family = bytes.get(9).copied();
    let mut text = String::new();
    match (family, bytes.get(12..)) {
        (Some(0x11 | 0x12), Some([a, b, c, d, _, _, _, _, high, low, ..])) => {
            text = format!("{a}.{b}.{c}.{d} {}", u16::from_be_bytes([*high, *low]));
        }
        (Some(0x21 | 0x22), Some(rest)) => {
            if let (Some(address), Some(port)) = (rest.first_chunk::<16>(), rest.get(32..34)) {
                let address = std::net::Ipv6Addr::from(*address);
                let port = u16::from_be_bytes([port[0], port[1]]);
                text = format!("{address} {port}");
            }
        }
        _ => {}
    }
    if let Some((address, port)) = text.split_once(' ') {
        client(address.as_bytes(), port.as_bytes(), out);
    }
}

/// Reads a ClientHello as far as it is there. Every step may reach the end of the bytes.
fn tls<const N: usize>(bytes: &[u8], out: &mut Text<N>) {
    let mut reader = Reader(bytes);
    let mut read = || -> Option<()> {
        // Skips the headers of record and handshake, the version and the random bytes.
        reader.take(5 + 4 + 2 + 32)?;
        let session = reader.byte()?;
        reader.take(session.into())?;
        let suites = reader.word()?;
        reader.take(suites.into())?;
        let compressions = reader.byte()?;
        reader.take(compressions.into())?;
        reader.word()?;
        // No client has more extensions.
        for _ in 0..40 {
            let kind = reader.word()?;
            let length = reader.word()?;
            let body = reader.take(length.into())?;
            match kind {
                0 => {
                    out.push(b"server name ");
                    plain(body.get(5..)?, out);
                    out.push(b" ");
                }
                16 => {
                    let mut list = Reader(body.get(2..)?);
                    out.push(b"ALPN");
                    while let Some(length) = list.byte() {
                        out.push(b" ");
                        plain(list.take(length.into())?, out);
                    }
                    out.push(b" ");
                }
                _ => {}
            }
        }
        Some(())
    };
    let _ = read();
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn word(&mut self) -> Option<u16> {
        let two = self.take(2)?.first_chunk::<2>()?;
        Some(u16::from_be_bytes(*two))
    }
}
