//! The requests that benches parse, and a sink that only counts, so that it takes little time.

use ferrohttp_h1::{Config, Fields, Head, Lenient, Parser, Profile, Sink};

/// The smallest head that clients send.
pub const HELLO: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost:8000\r\nConnection: keep-alive\r\n\r\n";

/// A head like those that browsers send.
pub const BROWSER: &[u8] = b"GET /assets/app/main.js?v=20240131&lang=en HTTP/1.1\r\n\
Host: www.example.com\r\n\
Connection: keep-alive\r\n\
Cache-Control: max-age=0\r\n\
sec-ch-ua: \"Chromium\";v=\"124\", \"Not-A.Brand\";v=\"99\"\r\n\
sec-ch-ua-mobile: ?0\r\n\
sec-ch-ua-platform: \"Linux\"\r\n\
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36\r\n\
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n\
Sec-Fetch-Site: same-origin\r\n\
Sec-Fetch-Mode: no-cors\r\n\
Referer: https://www.example.com/articles/2024/01/parsing\r\n\
Accept-Encoding: gzip, deflate, br\r\n\
Accept-Language: en-US,en;q=0.9,de;q=0.8\r\n\
Cookie: session=3f2a9c7d1e5b48f6a0c2; theme=dark; _ga=GA1.2.1234567890.1700000000\r\n\r\n";

/// A request with a body of 60 KB in 30 chunks.
pub fn chunked() -> Vec<u8> {
    let mut request = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..30 {
        request.extend_from_slice(b"800\r\n");
        request.extend_from_slice(&[b'x'; 0x800]);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

/// Counts header fields and body bytes.
#[derive(Debug, Default)]
pub struct Count(
    /// The number of header fields and body bytes so far.
    pub usize,
);

impl Sink for Count {
    fn message_begin(&mut self) {}
    fn head(&mut self, head: &Head<'_>) {
        self.0 += head.fields.len();
    }
    fn body(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
    fn message_complete(&mut self, _: &Fields<'_>) {}
}

/// A parser with Node's defaults.
pub fn parser(fast_path: bool) -> Parser {
    Parser::new(Config {
        profile: Profile::for_host("9.4.3", 24),
        lenient: Lenient::NONE,
        max_header_size: 16384,
        max_header_pairs: 2000,
        fast_path,
    })
}
