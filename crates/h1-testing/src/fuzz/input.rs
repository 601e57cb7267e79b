//! Reads an input of the fuzzer, for all targets: the options first, then the request.

use ferrohttp_h1::{Config, Lenient, Profile};

/// How many bytes of options stand before the request. `crates/h1/fuzz/corpus.js` writes them.
pub const OPTIONS: usize = 8;

pub struct Input<'a> {
    pub config: Config,
    pub accept: bool,
    pub bytes: &'a [u8],
    /// Where the request is cut.
    pub cuts: [usize; 2],
}

pub fn read(data: &[u8]) -> Option<Input<'_>> {
    let (options, bytes) = data.split_first_chunk::<OPTIONS>()?;
    let [
        node,
        size,
        pairs,
        flags,
        lenient_low,
        lenient_high,
        cut,
        cut2,
    ] = *options;
    let (llhttp, node) = [("9.3.1", 20), ("9.4.3", 22), ("9.4.3", 26)][node as usize % 3];
    let limit = |byte: u8, default| if byte == 0 { default } else { byte.into() };
    let point = |byte: u8| usize::from(byte) * (bytes.len() + 1) / 256;
    Some(Input {
        config: Config {
            profile: Profile::for_host(llhttp, node),
            lenient: Lenient::from_bits(u16::from_le_bytes([lenient_low, lenient_high]).into()),
            max_header_size: limit(size, 16384),
            max_header_pairs: limit(pairs, 2000) as i64,
            fast_path: flags & 2 == 0,
        },
        accept: flags & 1 != 0,
        bytes,
        cuts: [point(cut), point(cut2)],
    })
}

/// Cuts the request into up to three packets.
pub fn packets<'a>(input: &Input<'a>) -> Vec<&'a [u8]> {
    let [mut first, mut second] = input.cuts;
    if first > second {
        std::mem::swap(&mut first, &mut second);
    }
    [
        &input.bytes[..first],
        &input.bytes[first..second],
        &input.bytes[second..],
    ]
    .into_iter()
    .filter(|packet| !packet.is_empty())
    .collect()
}
