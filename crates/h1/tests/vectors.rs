//! The golden vectors of `crates/h1/vectors`: what real Nodes said about a request, whole and
//! cut in two at every byte.

use std::fs;
use std::path::Path;

use ferrohttp_h1::{Config, Lenient, Profile};
use ferrohttp_h1_testing::transcript;

struct Vector {
    title: String,
    packets: Vec<Vec<u8>>,
    config: Config,
    accept: bool,
    fin: bool,
    /// The result depends on cuts.
    cuts: bool,
    /// Major version of Node and its transcript.
    expected: Vec<(u32, Vec<u8>)>,
}

/// The Nodes that a file was made with: major version and llhttp.
type Nodes = Vec<(u32, String)>;

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        let (used, run) = match rest.as_bytes()[0] {
            b'r' => (1, vec![b'\r']),
            b'n' => (1, vec![b'\n']),
            b't' => (1, vec![b'\t']),
            b'\\' => (1, vec![b'\\']),
            b'x' => (3, vec![u8::from_str_radix(&rest[1..3], 16).unwrap()]),
            b'{' => {
                let end = rest.find('}').unwrap();
                (end + 1, vec![b'x'; rest[1..end - 1].parse().unwrap()])
            }
            other => panic!("unknown escape {}", other as char),
        };
        bytes.extend_from_slice(&run);
        rest = &rest[used..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn config() -> Config {
    Config {
        profile: Profile::for_host("9.4.3", 24),
        lenient: Lenient::NONE,
        max_header_size: 16384,
        max_header_pairs: 2000,
        fast_path: true,
    }
}

fn attributes(vector: &mut Vector, text: &str) {
    for attribute in text.split(' ').skip(1) {
        let (key, value) = attribute.split_once('=').unwrap_or((attribute, "1"));
        match key {
            "lenient" => vector.config.lenient = Lenient::from_bits(value.parse().unwrap()),
            "maxHeaderSize" => vector.config.max_header_size = value.parse().unwrap(),
            "maxHeaderPairs" => vector.config.max_header_pairs = value.parse().unwrap(),
            "accept" => vector.accept = true,
            "fin" => vector.fin = true,
            "cuts" => vector.cuts = true,
            other => panic!("unknown attribute {other}"),
        }
    }
}

fn read(path: &Path) -> (Nodes, Vec<Vector>) {
    let text = fs::read_to_string(path).unwrap();
    let (mut nodes, mut vectors) = (Nodes::new(), Vec::<Vector>::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(made) = line.strip_prefix("- Node ") {
            let (node, llhttp) = made.split_once(", llhttp ").unwrap();
            let major = node.split('.').next().unwrap().parse().unwrap();
            nodes.push((major, llhttp.to_owned()));
        } else if let Some(title) = line.strip_prefix("## ") {
            vectors.push(Vector {
                title: title.to_owned(),
                packets: vec![Vec::new()],
                config: config(),
                accept: false,
                fin: false,
                cuts: false,
                expected: Vec::new(),
            });
        } else if let Some(info) = line.strip_prefix("```request") {
            let vector = vectors.last_mut().unwrap();
            attributes(vector, info);
            for line in lines.by_ref().take_while(|line| *line != "```") {
                if line == "--- packet ---" {
                    vector.packets.push(Vec::new());
                } else {
                    vector.packets.last_mut().unwrap().extend(unescape(line));
                }
            }
        } else if let Some(majors) = line.strip_prefix("```events node=") {
            let mut transcript = Vec::new();
            for line in lines.by_ref().take_while(|line| *line != "```") {
                transcript.extend(unescape(line));
                transcript.push(b'\n');
            }
            let vector = vectors.last_mut().unwrap();
            for major in majors.split(',') {
                let expected = (major.parse().unwrap(), transcript.clone());
                vector.expected.push(expected);
            }
        }
    }
    (nodes, vectors)
}

fn run(vector: &Vector, profile: &'static Profile, fast_path: bool, packets: &[&[u8]]) -> Vec<u8> {
    let config = Config {
        profile,
        fast_path,
        ..vector.config
    };
    transcript::run(config, packets.iter().copied(), vector.accept, vector.fin)
}

fn check(vector: &Vector, profile: &'static Profile, node: u32, expected: &[u8]) {
    let whole: Vec<&[u8]> = vector.packets.iter().map(Vec::as_slice).collect();
    for fast_path in [true, false] {
        let actual = run(vector, profile, fast_path, &whole);
        assert_eq!(
            String::from_utf8_lossy(&actual),
            String::from_utf8_lossy(expected),
            "{}, Node {node}, fast path {fast_path}",
            vector.title
        );
        if vector.cuts {
            continue;
        }
        let reference = transcript::uncut(expected, &whole);
        for i in 0..whole.len() {
            // Every byte, but of the few long packets only some hundred.
            let step = 1 + whole[i].len() / if cfg!(miri) { 2 } else { 600 };
            for at in (1..whole[i].len()).step_by(step) {
                let mut packets = whole.clone();
                packets[i] = &whole[i][..at];
                packets.insert(i + 1, &whole[i][at..]);
                let actual = run(vector, profile, fast_path, &packets);
                assert_eq!(
                    String::from_utf8_lossy(&transcript::uncut(&actual, &packets)),
                    String::from_utf8_lossy(&reference),
                    "{}, Node {node}, fast path {fast_path}, packet {i} cut at {at}",
                    vector.title
                );
            }
        }
    }
}

#[test]
fn vectors_hold_whole_and_cut_at_every_byte() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut checked = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let (nodes, vectors) = read(&path);
        assert!(!nodes.is_empty() && !vectors.is_empty(), "{path:?}");
        // Miri takes a second for one of them.
        for vector in vectors.iter().step_by(if cfg!(miri) { 25 } else { 1 }) {
            assert!(!vector.expected.is_empty(), "{}", vector.title);
            for (major, expected) in &vector.expected {
                let (_, llhttp) = nodes.iter().find(|(node, _)| node == major).unwrap();
                check(vector, Profile::for_host(llhttp, *major), *major, expected);
                checked += 1;
            }
        }
    }
    assert!(
        checked > 800 || cfg!(miri),
        "only {checked} vectors were found"
    );
}
