//! Explained refusals: each hint with bytes that cause it and similar bytes that do not, and secrets that appear
//! nowhere, wherever packets begin or end.

use ferrohttp::http1::{Config, Lenient, Profile};
use ferrohttp::observe::explain::explain;
use ferrohttp::observe::hints::Hint;
use ferrohttp::observe::secrets::Secrets;

fn config() -> Config {
    Config {
        profile: Profile::for_host("9.4.3", 24),
        lenient: Lenient::NONE,
        max_header_size: 1000,
        max_header_pairs: 10,
        fast_path: true,
    }
}

fn verdict(packets: &[&[u8]], fin: bool, secrets: &Secrets) -> String {
    explain(config(), packets, fin, false, secrets)
}

/// The id of the hint, if there is one.
fn hint(packets: &[&[u8]], fin: bool) -> Option<String> {
    let text = verdict(packets, fin, &Secrets::default());
    let (_, rest) = text.split_once("\"hint\":{\"id\":\"")?;
    Some(rest.split_once('"')?.0.to_owned())
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n";
const POST: &str = "POST / HTTP/1.1\r\nHost: a\r\n";
const CHUNKED: &str = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

/// `{get}`, `{post}` and `{chunked}` stand for beginnings of requests, `{x*n}` for x n times.
fn bytes(text: &str) -> Vec<u8> {
    let text = text
        .replace("{get}", GET)
        .replace("{post}", POST)
        .replace("{chunked}", CHUNKED);
    let mut out = Vec::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find('{') {
        out.extend(rest[..at].chars().map(|char| char as u32 as u8));
        let end = rest.find('}').unwrap();
        let (what, times) = rest[at + 1..end].rsplit_once('*').unwrap();
        for _ in 0..times.parse().unwrap() {
            out.extend(what.chars().map(|char| char as u32 as u8));
        }
        rest = &rest[end + 1..];
    }
    out.extend(rest.chars().map(|char| char as u32 as u8));
    out
}

/// The hint, bytes that cause it, and similar bytes that do not. `$` stands for FIN.
#[rustfmt::skip]
const CASES: &[(Hint, &str, &str)] = &[
    (Hint::TlsHello, "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03", "\x16\x04\x01\x02\0\x01\0\x01"),
    (Hint::Http2Preface, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PRI * HTTP/1.2\r\n\r\n"),
    (Hint::ProxyV1, "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n{get}\r\n", "PROXYTCP4 192.0.2.1\r\n"),
    (Hint::ProxyV2, "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\0\x50\x01\u{bb}", "\r\n\r\n\0\r\nQUIX\n\x21\x11"),
    (Hint::Ssh, "SSH-2.0-OpenSSH_9.6\r\n", "SSH\r\n"),
    (Hint::Rdp, "\x03\0\0\x13\x0e\u{e0}\0\0\0\0\0\x01\0\x08\0\x03\0\0\0", "\x03\0\0\x13\x0e\u{d0}\0\0"),
    (Hint::Socks4, "\x04\x01\0\x50\u{c0}\0\x02\x01\0", "\x04\x03\0\x50\u{c0}\0\x02\x01\0"),
    (Hint::Socks5, "\x05\x02\0\x02", "\x05\x03\0\x02"),
    (Hint::Smb, "\0\0\0\x2f\u{ff}SMBr", "\0\0\0\x2f\u{ff}SNBr"),
    (Hint::Redis, "*1\r\n$4\r\nPING\r\n", "*a\r\n$4\r\nPING\r\n"),
    (Hint::Mqtt, "\x10\x12\0\x04MQTT\x04\x02\0\x3c", "\x10\x12\0\x04MKTT\x04\x02\0\x3c"),
    (Hint::Postgres, "\0\0\0\x08\x04\u{d2}\x16\x2f", "\0\0\0\x08\x04\u{d2}\x16\x2e"),
    (Hint::Mongodb, "\x3a\0\0\0\x01\0\0\0\0\0\0\0\u{dd}\x07\0\0", "\x3a\0\0\0\x01\0\0\0\0\0\0\0\u{dd}\x08\0\0"),
    (Hint::Smtp, "EHLO scanner\r\n", "EHLOscanner\r\n"),
    (Hint::Ftp, "USER anonymous\r\n", "USE anonymous\r\n"),
    (Hint::Ldap, "\x30\x0c\x02\x01\x01\x60\x07\x02", "\x30\x0c\x02\x01\x01\x61\x07\x02"),
    (Hint::Telnet, "\u{ff}\u{fb}\x1f\u{ff}\u{fb}\x20", "\u{ff}\u{f0}\x1f"),
    (Hint::Dns, "\0\x1e\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07version\x04bind\0\0\x10\0\x03", "\0\x1d\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07version\x04bind\0\0\x10\0\x03"),
    (Hint::JavaRmi, "JRMI\0\x02K", "JRM1\0\x02K"),
    (Hint::Ajp, "\x12\x34\0\x01\x0a", "\x12\x35\0\x01\x0a"),
    (Hint::Sip, "OPTIONS sip:nm SIP/2.0\r\n", "OPTIONS sap:nm SIP/2.0\r\n"),
    (Hint::HttpResponse, "HTTP/1.1 200 OK\r\n\r\n", "HTTP\r\n"),
    (Hint::UnknownBinary, "\x01\x02\x03\x04", "abcd"),
    (Hint::Utf8Bom, "\u{ef}\u{bb}\u{bf}GET / HTTP/1.1\r\n\r\n", "\u{ef}\u{bb}GET / HTTP/1.1\r\n\r\n"),
    (Hint::Utf16, "\u{ff}\u{fe}G\0E\0T\0 \0/\0", "\u{ff}\u{fe}GET /"),
    (Hint::LowercaseMethod, "get / HTTP/1.1\r\n\r\n", "git / HTTP/1.1\r\n\r\n"),
    (Hint::NoMethod, "/index.html HTTP/1.1\r\n\r\n", "/index.html\r\n\r\n"),
    (Hint::UnknownMethod, "GARBAGE / HTTP/1.1\r\n\r\n", "GARBAGE /\r\n\r\n"),
    (Hint::RequestLineTwice, "GET / HTTP/1.1\r\nGET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nGOT / HTTP/1.1\r\n\r\n"),
    (Hint::RequestLineTwice, "GET GET / HTTP/1.1\r\n\r\n", "GET GOT / HTTP/1.1\r\n\r\n"),
    (Hint::UnencodedSpace, "GET /a b HTTP/1.1\r\n\r\n", "GET /a b\r\n\r\n"),
    (Hint::UnencodedTarget, "GET /\u{c3}\u{a9} HTTP/1.1\r\n\r\n", "GET /\x01 HTTP/1.1\r\n\r\n"),
    (Hint::ControlInTarget, "GET /\x01 HTTP/1.1\r\n\r\n", "GET /\u{e9} HTTP/1.1\r\n\r\n"),
    (Hint::TargetWithoutSlash, "GET index.html HTTP/1.1\r\n\r\n", "GET http://a#b HTTP/1.1\r\n\r\n"),
    (Hint::LowercaseProtocol, "GET / http/1.1\r\n\r\n", "GET / htxp/1.1\r\n\r\n"),
    (Hint::RtspMethod, "PLAY / HTTP/1.1\r\n\r\n", "PLAY / HTTX/1.1\r\n\r\n"),
    (Hint::UnsupportedVersion, "GET / HTTP/3.0\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n"),
    (Hint::SpaceAfterVersion, "GET / HTTP/1.1 \r\n\r\n", "GET / HTTP/1.1x\r\n\r\n"),
    (Hint::SpaceBeforeField, "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "GET / HTTP/1.1\r\n:Host: a\r\n\r\n"),
    (Hint::SpaceBeforeColon, "{get}A : b\r\n\r\n", "{get}A b: c\r\n\r\n"),
    (Hint::SpaceInName, "{get}A b: c\r\n\r\n", "{get}A : b\r\n\r\n"),
    (Hint::NonAsciiInName, "{get}\u{c3}\u{a9}: b\r\n\r\n", "{get}A\x01: b\r\n\r\n"),
    (Hint::ControlInName, "{get}A\x01: b\r\n\r\n", "{get}A(: b\r\n\r\n"),
    (Hint::SeparatorInName, "{get}A(: b\r\n\r\n", "{get}A : b\r\n\r\n"),
    (Hint::EmptyName, "{get}: b\r\n\r\n", "{get}(: b\r\n\r\n"),
    (Hint::NoColon, "{get}just text\r\n{get}abc\r\n", "{get}A: b\r\n\r\n"),
    (Hint::ControlInValue, "{get}A: b\0\r\n\r\n", "{get}A: b\n\r\n"),
    (Hint::ObsFold, "{get}A: b\r\n c\r\n\r\n", "{get}A: b\r\n\x01c\r\n\r\n"),
    (Hint::BareLf, "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\rHost: a\r\r"),
    (Hint::BareLf, "{get}A: b\nC: d\r\n\r\n", "{get}A: b\rC: d\r\n\r\n"),
    (Hint::BareCr, "{get}A: b\rC: d\r\n\r\n", "{get}A: b\nC: d\r\n\r\n"),
    (Hint::LengthAndEncoding, "{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "{post}Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
    (Hint::SeveralLengths, "{post}Content-Length: 5\r\nContent-Length: 5\r\n\r\n", "{post}Content-Length: 5, 5\r\n\r\n"),
    (Hint::LengthList, "{post}Content-Length: 5, 5\r\n\r\n", "{post}Content-Length: 5 5\r\n\r\n"),
    (Hint::LengthSigned, "{post}Content-Length: -1\r\n\r\n", "{post}Content-Length: abc\r\n\r\n"),
    (Hint::LengthNotNumber, "{post}Content-Length: abc\r\n\r\n", "{post}Content-Length: +5\r\n\r\n"),
    (Hint::LengthEmpty, "{post}Content-Length:\r\n\r\n", "{post}Content-Length: x\r\n\r\n"),
    (Hint::LengthTooLarge, "{post}Content-Length: 18446744073709551616\r\n\r\n", "{post}Content-Length: 18446744073709551615x\r\n\r\n"),
    (Hint::ChunkedNotLast, "{post}Transfer-Encoding: chunked, gzip\r\n\r\n", "{post}Transfer-Encoding: gzip\r\n\r\n"),
    (Hint::EncodingEmpty, "{post}Transfer-Encoding:\r\n\r\n", "{post}Transfer-Encoding: x\r\n\r\n"),
    (Hint::EncodingUnknown, "{post}Transfer-Encoding: gzip\r\n\r\n", "{post}Transfer-Encoding: chunked, gzip\r\n\r\n"),
    (Hint::BeyondLength, "{post}Content-Length: 5\r\n\r\nhello world", "{post}\r\nhello world"),
    (Hint::LengthInCharacters, "{post}Content-Length: 6\r\n\r\n{\u{c3}\u{a9}*6}", "{post}Content-Length: 6\r\n\r\n{\u{c3}\u{a9}*6}."),
    (Hint::RequestInBody, "{post}Content-Length: 20\r\n\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n", "{post}Content-Length: 20\r\n\r\nGET /a HTTP.1.1\r\nHost: a\r\n\r\n"),
    (Hint::BodyWithoutLength, "{post}\r\n{\"a\":1*1}", "{post}Content-Length: 1\r\n\r\n{\"a\":1*1}"),
    (Hint::AfterChunks, "{chunked}1\r\na\r\n0\r\n\r\nrest", "{chunked}1\r\na\r\n0\r\nrest\r\n\r\n"),
    (Hint::DataAfterClose, "{get}Connection: close\r\n\r\nmore", "{get}\r\nmore"),
    (Hint::FieldTooLarge, "{get}A: b\r\nCookie: {c*1000}\r\n\r\n", "{get}A: {b*450}\r\nC: {c*450}\r\nD: {d*450}\r\n\r\n"),
    (Hint::FieldsTooLarge, "{get}A: {b*400}\r\nC: {c*400}\r\nD: {d*400}\r\n\r\n", "{get}A: {b*1200}\r\n\r\n"),
    (Hint::TargetTooLarge, "GET /{a*1000} HTTP/1.1\r\n\r\n", "{get}A: {b*1200}\r\n\r\n"),
    (Hint::TooManyFields, "{get}{A: b\r\n*12}\r\n", "{get}A: {b*1200}\r\n\r\n"),
    (Hint::ChunkExtensionsTooLarge, "{chunked}1;{a*17000}\r\na\r\n", "{chunked}1; a\r\na\r\n"),
    (Hint::ChunkSizePrefix, "{chunked}0x5\r\nhello\r\n", "{chunked}5x\r\nhello\r\n"),
    (Hint::ChunkSizeSpace, "{chunked}5 \r\nhello\r\n", "{chunked} 5\r\nhello\r\n"),
    (Hint::ChunkSizeNotHex, "{chunked}hello\r\n", "{chunked}5 \r\n"),
    (Hint::ChunkSizeTooLarge, "{chunked}10000000000000000\r\n", "{chunked}ffffffffffffffffx\r\n"),
    (Hint::ChunkTooLong, "{chunked}1\r\nab\r\n", "{chunked}1\r\na\n\r\n"),
    (Hint::ChunkExtension, "{chunked}1; a\r\n", "{chunked}1 ;a\r\n"),
    (Hint::FinInHead, "{get}$", "{get}\r\n$"),
    (Hint::FinInBody, "{post}Content-Length: 5\r\n\r\nhell$", "{post}Content-Length: 5\r\n\r\nhello$"),
];

#[test]
fn each_hint_is_given_and_not_to_its_neighbour() {
    for (expected, gives, near) in CASES {
        let of = |text: &str| {
            let fin = text.ends_with('$');
            hint(&[&bytes(text.trim_end_matches('$'))], fin)
        };
        assert_eq!(of(gives).as_deref(), Some(expected.id()), "{gives:?}");
        assert_ne!(of(near).as_deref(), Some(expected.id()), "{near:?}");
    }
    assert!(CASES.len() > 70);
}

#[test]
fn what_other_protocols_say_of_themselves_is_told() {
    let hello = b"\x16\x03\x01\0\x5d\x01\0\0\x59\x03\x03aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\0\0\x02\x13\x01\x01\0\
        \0\x2e\0\0\0\x10\0\x0e\0\0\x0bexample.com\0\x10\0\x0e\0\x0c\x02h2\x08http/1.1";
    let told = |packet: &[u8], text: &str| {
        let verdict = verdict(&[packet], false, &Secrets::default());
        assert!(verdict.contains(text), "{verdict}");
    };
    told(hello, "(server name example.com ALPN h2 http/1.1)");
    told(
        b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n",
        "(client 192.0.2.1 port 56324)",
    );
    told(
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\xdc\x04\x01\xbb",
        "(client 192.0.2.1 port 56324)",
    );
    told(b"SSH-2.0-OpenSSH_9.6\r\n", "(SSH-2.0-OpenSSH_9.6)");
    // Wherever the bytes are cut, and whatever they claim, nothing is read beyond them.
    for cut in 0..hello.len() {
        verdict(&[&hello[..cut]], false, &Secrets::default());
    }
}

const SECRET: &str = "S3cr3tVa1ue";

/// Requests with the secret, and with an error at each possible place.
fn with_secrets() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for name in [
        "Authorization",
        "COOKIE",
        "set-cookie",
        "X-Api-Key",
        "Proxy-Authorization",
        "x-mine",
    ] {
        let line = format!("{name}: {SECRET}; {SECRET}\r\n");
        let folded = format!("{name}: a\r\n {SECRET}\r\n\r\n");
        for text in [
            format!("{GET}{line}Bad Name: x\r\n{line}\r\n"),
            format!("{GET}{line}{line}: x\r\n{line}\r\n"),
            format!("GET / HTTX/1.1\r\n{line}{line}\r\n"),
            format!("GARBAGE / HTTP/1.1\r\n{line}\r\n"),
            format!("{GET}{name}: a\x01{SECRET}\r\nA: b\r\n\r\n"),
            format!("{GET}{name}: a\n{SECRET}\r\nA: b\r\n\r\n"),
            format!("{GET}{name}: a\r{SECRET}\r\nA: b\r\n\r\n"),
            format!("{GET}{name} : {SECRET}\r\n\r\n"),
            format!("{GET}{name}\x01: {SECRET}\r\n\r\n"),
            format!("{GET}{folded}"),
            format!(" {line}"),
            format!("GET / HTTP/1.1\r\n {line}\r\n"),
            format!("{GET}{line}A: {}\r\n\r\n", "b".repeat(1000)),
            format!("{GET}{name}: {}{SECRET}\r\n\r\n", "b".repeat(1000)),
            format!("{GET}{name}: {SECRET}{}\r\n\r\n", "b".repeat(300)),
            format!(
                "{GET}{name}: {SECRET}{}\r\nB\x01: c\r\n\r\n",
                "b".repeat(300)
            ),
            format!("{CHUNKED}0\r\n{line}Bad Name: x\r\n{line}\r\n"),
            format!("GET /?a={SECRET}&b={SECRET} HTTP/1.1\r\nBad Name: x\r\n\r\n"),
            format!("GET /a?b={SECRET}\x01 HTTP/1.1\r\n\r\n"),
            format!("GET /a?b=c {SECRET} HTTP/1.1\r\n\r\n"),
            format!("GET http://{SECRET}:{SECRET}@a/ HTTP/1.1\r\nBad Name: x\r\n\r\n"),
            format!("GET http://{SECRET}@a#b HTTP/1.1\r\n\r\n"),
        ] {
            all.push(text.into_bytes());
        }
    }
    all
}

/// Whether four bytes of the secret in a row are in the text.
fn leaks(text: &str) -> bool {
    SECRET.as_bytes().windows(4).any(|piece| {
        let piece = std::str::from_utf8(piece).unwrap();
        text.contains(piece)
    })
}

#[test]
fn secrets_appear_nowhere_wherever_packets_are_cut() {
    let secrets = Secrets::new(["X-Mine"].into_iter(), true);
    let mut checked = 0;
    for request in with_secrets() {
        for first in 0..request.len() {
            let cuts = [
                first,
                (first + 7).min(request.len()),
                (first + 40).min(request.len()),
            ];
            for second in cuts {
                let packets = [
                    &request[..first],
                    &request[first..second],
                    &request[second..],
                ];
                let packets: Vec<&[u8]> = packets.into_iter().filter(|p| !p.is_empty()).collect();
                let text = verdict(&packets, true, &secrets);
                assert!(!leaks(&text), "{text}\n{packets:?}");
                checked += usize::from(text.contains("\"verdict\":\"refused\""));
            }
        }
    }
    assert!(checked > 50_000, "{checked}");
}

#[test]
fn what_is_not_secret_is_shown() {
    let request = format!("{GET}A: {SECRET}\r\nBad Name: x\r\n\r\n");
    let text = verdict(&[request.as_bytes()], false, &Secrets::default());
    assert!(text.contains(SECRET), "{text}");
    let request = format!("GET /?a={SECRET} HTTP/1.1\r\nBad Name: x\r\n\r\n");
    let text = verdict(&[request.as_bytes()], false, &Secrets::default());
    assert!(text.contains(SECRET), "{text}");
}

#[test]
fn of_a_body_little_is_shown() {
    let body = "0123456789abcdefghijklmnopqrstuvwxyz";
    for request in [
        format!("{POST}Content-Length: 3\r\n\r\n???{body}"),
        format!("{POST}\r\n{body}"),
        format!("{CHUNKED}3\r\n???{body}\r\n"),
        format!("{CHUNKED}zz{body}"),
        format!("{GET}Connection: close\r\n\r\n{body}"),
    ] {
        let text = verdict(&[request.as_bytes()], false, &Secrets::default());
        let shown = body.as_bytes().windows(17);
        for piece in shown {
            assert!(
                !text.contains(std::str::from_utf8(piece).unwrap()),
                "{text}"
            );
        }
    }
}
