//! Properties of the parser over generated requests.

use ferrohttp_h1::{Code, Config, Fields, Head, Lenient, Outcome, Parser, Profile, Sink};
use ferrohttp_h1_testing::transcript;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Pieces that generated requests are made of, so that many get far.
const PIECES: &[&str] = &[
    "GET / HTTP/1.1\r\n",
    "POST /p?q HTTP/1.1\r\n",
    "GET http://h/ HTTP/1.0\r\n",
    "CONNECT h:1 HTTP/1.1\r\n",
    "GET /\r\n",
    "GET ",
    "HTTP/1.1",
    "Host: a\r\n",
    "A: b \t\r\n",
    "B:\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive, \tupgrade\t\r\n",
    "Proxy-Connection: Close \r\n",
    "Upgrade: x\r\n",
    "Content-Length: 3\r\n",
    "Content-Length: 0 \r\n",
    "content-length: 18446744073709551616\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip\r\n",
    "transfer-encoding:\tgzip ,chunked \r\n",
    "Transfer-Encoding:\r\n",
    "\r\n",
    "\r\n",
    "abc",
    "3\r\nabc\r\n",
    "3;a=\"b\";c\r\nabc\r\n",
    "0\r\n",
    "\r",
    "\n",
    " ",
    "\t",
    ":",
    "\0",
    "\u{7f}",
];

fn request() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        12 => select(PIECES).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
        1 => (1usize..80).prop_map(|len| vec![b'x'; len]),
    ];
    // Starting well is what gets them furthest.
    (select(&PIECES[..5]), vec(piece, 0..14)).prop_map(|(start, pieces)| {
        let mut bytes = start.as_bytes().to_vec();
        bytes.extend(pieces.concat());
        bytes
    })
}

fn config() -> impl Strategy<Value = Config> {
    let profile = select(vec![("9.3.1", 20), ("9.4.3", 22), ("9.4.3", 26)]);
    let lenient = prop_oneof![
        4 => Just(0),
        1 => Just(1023),
        1 => Just(1024),
        1 => 0u32..2048,
    ];
    let size = prop_oneof![3 => Just(16384u64), 1 => 1u64..120];
    let pairs = prop_oneof![3 => Just(2000i64), 1 => 0i64..8];
    (profile, lenient, size, pairs, any::<bool>()).prop_map(
        |((llhttp, node), lenient, max_header_size, max_header_pairs, fast_path)| Config {
            profile: Profile::for_host(llhttp, node),
            lenient: Lenient::from_bits(lenient),
            max_header_size,
            max_header_pairs,
            fast_path,
        },
    )
}

fn cut<'a>(bytes: &'a [u8], at: &[Index]) -> Vec<&'a [u8]> {
    let mut points: Vec<usize> = at.iter().map(|index| index.index(bytes.len())).collect();
    points.extend([0, bytes.len()]);
    points.sort_unstable();
    points.dedup();
    points
        .windows(2)
        .map(|pair| &bytes[pair[0]..pair[1]])
        .collect()
}

/// What lenient parsing lets through.
#[derive(Default)]
struct Tolerated(Vec<Code>);

impl Sink for Tolerated {
    fn message_begin(&mut self) {}
    fn head(&mut self, _: &Head<'_>) {}
    fn body(&mut self, _: &[u8]) {}
    fn message_complete(&mut self, _: &Fields<'_>) {}
    fn tolerated(&mut self, code: Code) {
        self.0.push(code);
    }
}

/// The codes that are let through, and the one that is refused. None where an upgrade decides.
fn tolerated(config: Config, packets: &[&[u8]]) -> Option<(Vec<Code>, Option<Code>)> {
    let mut parser = Parser::new(config);
    let mut sink = Tolerated::default();
    for packet in packets {
        match parser.execute(packet, 0, &mut sink) {
            Outcome::Consumed => {}
            Outcome::Failed(error) => return Some((sink.0, Some(error.code))),
            Outcome::Parked { .. } | Outcome::Upgraded { .. } => return None,
        }
    }
    Some((sink.0, None))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 5 } else { 20_000 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_fast_path_changes_nothing(
        bytes in request(),
        config in config(),
        cuts in vec(any::<Index>(), 0..3),
        accept: bool,
    ) {
        let packets = cut(&bytes, &cuts);
        let results = [true, false].map(|fast_path| {
            let config = Config { fast_path, ..config };
            transcript::run(config, packets.iter().copied(), accept, true)
        });
        prop_assert_eq!(text(&results[0]), text(&results[1]));
    }

    // Excluded is what depends on cuts in Node, too: limits (checked at the end of a span or of
    // a packet) and upgrades (the rest of the packet is not parsed).
    #[test]
    fn cuts_change_nothing(
        bytes in request(),
        config in config(),
        cuts in vec(any::<Index>(), 1..6),
    ) {
        let config = Config { max_header_size: 1 << 20, max_header_pairs: 0, ..config };
        let packets = cut(&bytes, &cuts);
        let whole = transcript::run(config, [bytes.as_slice()], false, true);
        prop_assume!(!text(&whole).contains(" upgrade "));
        let pieces = transcript::run(config, packets.iter().copied(), false, true);
        prop_assert_eq!(
            text(&transcript::uncut(&pieces, &packets)),
            text(&transcript::uncut(&whole, &[&bytes]))
        );
    }

    // What strict parsing refuses first, lenient parsing refuses likewise or notes.
    #[test]
    fn what_is_tolerated_is_what_strict_parsing_refuses(
        bytes in request(),
        config in config(),
        cuts in vec(any::<Index>(), 0..3),
    ) {
        let packets = cut(&bytes, &cuts);
        let config = Config { max_header_size: 1 << 20, max_header_pairs: 0, ..config };
        let strict = Config { lenient: Lenient::NONE, ..config };
        let (Some((none, refused)), Some((noted, also))) =
            (tolerated(strict, &packets), tolerated(config, &packets))
        else {
            return Ok(());
        };
        prop_assert_eq!(none, []);
        match refused {
            None => prop_assert_eq!((noted, also), (vec![], None)),
            Some(code) => {
                prop_assert!(noted.contains(&code) || noted.is_empty() && also == Some(code), "{code:?} {noted:?} {also:?}");
            }
        }
    }
}
