//! Parses cases with ferrohttp's parser, for its comparison with Node's. It reads batches of cases on stdin, and writes
//! a transcript of each case on stdout. All numbers are little-endian u32.
//!
//! | What | Its parts, in this order |
//! |---|---|
//! | batch | its length in bytes; the cases |
//! | case | flags (1: accept upgrades, 2: FIN at the end, 4: use the fast path); lenient bits; largest header size; largest number of header pairs (an i32); number of packets; the length and the bytes of each packet |
//! | answer to a batch | its length in bytes; the length and the bytes of the transcript of each case |
//!
//! The arguments are the version of llhttp, the major version of Node and, optionally, a rule to break on purpose. The
//! comparison has to notice a broken rule.

use std::io::{self, Read, Write};

use ferrohttp_h1::{Config, Lenient, Profile};
use ferrohttp_h1_testing::transcript;

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(len);
        self.0 = rest;
        head
    }

    fn number(&mut self) -> u32 {
        let bytes = self.bytes(4);
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }
}

fn case(reader: &mut Reader<'_>, profile: &'static Profile, broken: &str) -> Vec<u8> {
    let flags = reader.number();
    let mut config = Config {
        profile,
        lenient: Lenient::from_bits(reader.number()),
        max_header_size: reader.number().into(),
        max_header_pairs: (reader.number() as i32).into(),
        fast_path: flags & 4 != 0,
    };
    match broken {
        "limit" => config.max_header_size += 1,
        "keep-alive" => config.lenient = Lenient::from_bits((config.lenient.bits() | 4).into()),
        "lf" => config.lenient = Lenient::from_bits((config.lenient.bits() | 256).into()),
        _ => {}
    }
    let mut packets = Vec::new();
    for _ in 0..reader.number() {
        let len = reader.number() as usize;
        packets.push(reader.bytes(len));
    }
    transcript::run(config, packets, flags & 1 != 0, flags & 2 != 0)
}

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let llhttp = args.get(1).map_or("", String::as_str);
    let node = args.get(2).and_then(|arg| arg.parse().ok()).unwrap_or(0);
    let broken = args.get(3).map_or("", String::as_str);
    let profile = Profile::for_host(llhttp, node);
    let (mut stdin, mut stdout) = (io::stdin().lock(), io::stdout().lock());
    let (mut batch, mut answer) = (Vec::new(), Vec::new());
    loop {
        let mut len = [0; 4];
        match stdin.read_exact(&mut len) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            result => result?,
        }
        batch.resize(u32::from_le_bytes(len) as usize, 0);
        stdin.read_exact(&mut batch)?;
        answer.clear();
        answer.extend_from_slice(&[0; 4]);
        let mut reader = Reader(&batch);
        while !reader.0.is_empty() {
            let transcript = case(&mut reader, profile, broken);
            answer.extend_from_slice(&(transcript.len() as u32).to_le_bytes());
            answer.extend_from_slice(&transcript);
        }
        let len = (answer.len() - 4) as u32;
        answer[..4].copy_from_slice(&len.to_le_bytes());
        stdout.write_all(&answer)?;
        stdout.flush()?;
    }
}
