//! Head parsing: plain httparse, the parser with its fast path, the exact machine alone, over
//! the same heads. `cargo bench --bench heads`

use std::hint::black_box;
use std::mem::MaybeUninit;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ferrohttp::http1::{Config, Fields, Head, Lenient, Outcome, Parser, Profile, Sink};

const HELLO: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost:8000\r\nConnection: keep-alive\r\n\r\n";

const BROWSER: &[u8] = b"GET /assets/app/main.js?v=20240131&lang=en HTTP/1.1\r\n\
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

const API_POST: &[u8] = b"POST /api/v1/items HTTP/1.1\r\n\
host: api.example.com\r\n\
content-type: application/json\r\n\
accept: application/json\r\n\
authorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0\r\n\
user-agent: undici\r\n\
content-length: 0\r\n\r\n";

#[derive(Default)]
struct Count(usize);

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

fn parser(fast_path: bool) -> Parser {
    Parser::new(Config {
        profile: Profile::for_host("9.4.3", 24),
        lenient: Lenient::NONE,
        max_header_size: 16384,
        max_header_pairs: 2000,
        fast_path,
    })
}

fn heads(c: &mut Criterion) {
    for (name, head) in [("hello", HELLO), ("browser", BROWSER), ("post", API_POST)] {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Bytes(head.len() as u64));
        group.bench_function("httparse", |b| {
            b.iter(|| {
                let mut slots = [const { MaybeUninit::<httparse::Header<'_>>::uninit() }; 64];
                let mut request = httparse::Request::new(&mut []);
                let result = request.parse_with_uninit_headers(black_box(head), &mut slots);
                assert!(result.is_ok_and(|status| status.is_complete()));
                request.headers.len()
            });
        });
        for (path, fast) in [("fast", true), ("exact", false)] {
            let mut parser = parser(fast);
            group.bench_function(path, |b| {
                b.iter(|| {
                    let mut sink = Count::default();
                    let outcome = parser.execute(black_box(head), 0, &mut sink);
                    assert_eq!(outcome, Outcome::Consumed);
                    sink.0
                });
            });
        }
        group.finish();
    }
}

fn bodies(c: &mut Criterion) {
    let mut group = c.benchmark_group("body");
    let mut chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..30 {
        chunked.extend_from_slice(b"800\r\n");
        chunked.extend_from_slice(&[b'x'; 0x800]);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    group.throughput(Throughput::Bytes(chunked.len() as u64));
    let mut parser = parser(true);
    group.bench_function("chunked", |b| {
        b.iter(|| {
            let mut sink = Count::default();
            let outcome = parser.execute(black_box(&chunked), 0, &mut sink);
            assert_eq!(outcome, Outcome::Consumed);
            sink.0
        });
    });
    group.finish();
}

criterion_group!(benches, heads, bodies);
criterion_main!(benches);
