// New connections that are refused without JavaScript, and refusals of which JavaScript hears.

#[test]
fn a_new_connection_is_refused_without_a_delivery() {
    let mut host = Host::refusing();
    for (packets, code, reply) in [
        (&b"BAD\r\n\r\n"[..], Code::InvalidMethod, "400 Bad Request"),
        (&b"GET / HT"[..], Code::InvalidEofState, "400 Bad Request"),
        (
            &[b"GET /", &[b'a'; 20_000][..]].concat(),
            Code::HeaderOverflow,
            "431 Request Header Fields Too Large",
        ),
    ] {
        let mut client = host.adopted();
        client.write_all(packets).unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let expected = format!("HTTP/1.1 {reply}\r\nConnection: close\r\n\r\n");
        assert_eq!(host.rest(&client), expected.as_bytes());
        assert_eq!(host.count(code.as_str()), 1);
    }
    host.until_closed();
    // Nothing was queued for them: a good request is the first delivery.
    host.adopted().write_all(GET).unwrap();
    assert_eq!(host.next().flags, FIRST);
}

#[test]
fn a_new_connection_that_says_nothing_is_closed_at_fin_and_not_counted() {
    let mut host = Host::refusing();
    let client = host.adopted();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(host.rest(&client), b"");
    host.until_closed();
    assert!(host.server.counters.snapshot().is_empty());
}

#[test]
fn a_refusal_is_delivered_where_javascript_may_listen() {
    let mut host = Host::new();
    let mut client = host.adopted();
    client.write_all(b"GE").unwrap();
    client.write_all(b"T / HTTP/9.9\r\n").unwrap();
    let popped = host.next();
    assert_eq!(popped.flags, FIRST);
    assert_eq!(popped.records.numbers[0], FAILED);
    assert_eq!(popped.records.numbers[1], Code::InvalidVersion.index());
    assert!(b"GET / HTTP/9.9\r\n".ends_with(&popped.records.blobs[0]));
    assert_eq!(popped.bytes, 16);
    // The connection stays open, and every further packet fails in the same way.
    client.write_all(b"more").unwrap();
    let again = host.next();
    assert_eq!(again.records.numbers[1], Code::InvalidVersion.index());
    assert_eq!(again.records.numbers[3], popped.records.numbers[3]);
    assert_eq!(*again.records.blobs[0], *b"more");
    assert!(host.server.counters.snapshot().is_empty());
}

#[test]
fn a_known_connection_is_never_refused_without_javascript() {
    let mut host = Host::refusing();
    let mut client = host.adopted();
    client.write_all(&[GET, b"BAD"].concat()).unwrap();
    let popped = host.next();
    assert_eq!(popped.records.numbers[0], HEAD);
    assert!(popped.records.numbers.contains(&FAILED));
    client.write_all(b"BAD").unwrap();
    assert_eq!(host.next().records.numbers[0], FAILED);
    assert!(host.server.counters.snapshot().is_empty());
}

#[test]
fn overdue_new_connections_are_refused_and_known_connections_reported_once() {
    let mut host = Host::refusing();
    let newcomer = host.adopted();
    let mut known = host.adopted();
    known
        .write_all(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
        .unwrap();
    host.next();
    let later = now() + 10_000_000_000;
    let overdue = |host: &Host| {
        host.server
            .connections
            .pick(|conn| conn.is_newly_overdue(later, 1_000, 2_000))
    };
    let both = overdue(&host);
    assert_eq!(both.len(), 2);
    let refused = both
        .iter()
        .filter(|conn| conn.refuse_overdue(1_000, 2_000))
        .count();
    assert_eq!(refused, 1);
    assert!(rest(&newcomer).starts_with(b"HTTP/1.1 408 "));
    assert_eq!(host.count("ERR_HTTP_REQUEST_TIMEOUT"), 1);
    assert!(overdue(&host).is_empty());
}
