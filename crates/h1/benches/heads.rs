//! Head parsing: plain httparse, the parser with its fast path, the machine alone, over
//! the same heads. `cargo bench -p ferrohttp-h1 --bench heads`

use std::hint::black_box;
use std::mem::MaybeUninit;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ferrohttp_h1::Outcome;

use ferrohttp_h1_testing::inputs::{self, BROWSER, Count, HELLO, parser};

const API_POST: &[u8] = b"POST /api/v1/items HTTP/1.1\r\n\
host: api.example.com\r\n\
content-type: application/json\r\n\
accept: application/json\r\n\
authorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0\r\n\
user-agent: undici\r\n\
content-length: 0\r\n\r\n";

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
                // All of it is wanted, or the compiler leaves out what is not looked at.
                black_box(&request).headers.len()
            });
        });
        for (path, fast) in [("fast", true), ("machine", false)] {
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
    let chunked = inputs::chunked();
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
