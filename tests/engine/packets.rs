// Reading: deliveries, FIN, pausing.

#[test]
fn a_request_is_delivered_and_answered() {
    let mut host = Host::new();
    let (_listener, address) = host.listen();
    let mut client = connect(address);
    client.write_all(GET).unwrap();
    let popped = host.next();
    assert_eq!(popped.flags, FIRST);
    assert_eq!(popped.bytes as usize, GET.len());
    assert_eq!(popped.records.text, b"/a");
    // HEAD; keep-alive, complete, has Host; GET; 1.1; length of the target; one field, with a known
    // name and a value of one byte.
    let host_name = KNOWN_NAME | names::number(b"Host").unwrap();
    assert_eq!(
        popped.records.numbers,
        [HEAD, 13, 1, 0x101, 1, 1, host_name, 1]
    );
    let conn = host.conn(popped.id);
    assert_eq!(write(&conn, &[b"an ", b"answer"]), Ok(Taken::All));
    assert_eq!(conn.bytes_written(), 9);
    assert_eq!(conn.shutdown(), Ok(false));
    conn.flush(Moment::Turn);
    assert_eq!(host.rest(&client), b"an answer");
    let peer = conn.address(End::Peer).unwrap();
    assert_eq!(peer.host, "127.0.0.1");
    assert_eq!(peer.port, client.local_addr().unwrap().port());
    assert_eq!(peer.family, "IPv4");
}

#[test]
fn a_packet_waits_for_the_acknowledgement_of_the_one_before() {
    if IO_THREADS == 0 {
        // `next` reads and acknowledges.
        return;
    }
    let mut host = Host::new();
    let mut one = host.adopted();
    one.write_all(GET).unwrap();
    let first = host.next();
    // It is read and parsed only after the first one is acknowledged. The packet of the other connection, which comes
    // later, overtakes it.
    one.write_all(b"GET /second HTTP/1.1\r\n\r\n").unwrap();
    let mut other = host.adopted();
    other.write_all(b"GET /other HTTP/1.1\r\n\r\n").unwrap();
    let mut taken = Inbox::default();
    while taken.is_empty() {
        host.core.queue.take(&mut taken);
    }
    assert_eq!(taken.deliveries[0].records.text, b"/other");
    let second = host.next();
    assert_eq!((second.id, second.flags), (first.id, 0));
    assert_eq!(second.records.text, b"/second");
}

#[test]
fn packets_of_a_known_connection_that_complete_nothing_are_delivered_empty() {
    let mut host = Host::new();
    let mut client = host.adopted();
    client.write_all(GET).unwrap();
    host.next();
    client.write_all(b"GET /").unwrap();
    let popped = host.next();
    assert!(popped.records.is_empty());
    assert_eq!(popped.bytes, 5);
}

#[test]
fn fin_is_delivered_with_the_parsers_verdict() {
    let mut host = Host::new();
    for (packet, verdict) in [
        (GET, 0),
        (
            b"GET / HTTP/1.1\r\n\r\nG",
            Code::InvalidEofState.index() + 1,
        ),
    ] {
        let mut client = host.adopted();
        client.write_all(packet).unwrap();
        let id = host.next().id;
        client.shutdown(Shutdown::Write).unwrap();
        let popped = host.next();
        assert_eq!(popped.id, id);
        assert_eq!(popped.records.numbers[..2], [END, verdict]);
        assert_eq!(popped.records.numbers[3], 0);
        // Still writable.
        assert_eq!(write(&host.conn(id), &[b"bye"]), Ok(Taken::All));
        host.close(id, false);
        assert_eq!(host.rest(&client), b"bye");
    }
}

#[test]
fn fin_that_comes_with_the_last_bytes_is_delivered() {
    for warm in [false, true] {
        for (packet, verdict) in [
            (GET, 0),
            (&b"GET /"[..], Code::InvalidEofState.index() + 1),
            (b"", 0),
        ] {
            let mut host = Host::new();
            let mut client = host.adopted();
            client.write_all(GET).unwrap();
            if warm {
                host.next();
            }
            // Both have arrived before anything is read.
            client.write_all(packet).unwrap();
            client.shutdown(Shutdown::Write).unwrap();
            let mut popped = host.next();
            while popped.records.numbers.first() != Some(&END) {
                popped = host.next();
            }
            assert_eq!(popped.records.numbers[..2], [END, verdict]);
            // Once.
            host.close(popped.id, false);
        }
    }
}

#[test]
fn a_reset_that_comes_with_the_last_bytes_is_delivered() {
    for warm in [false, true] {
        for packet in [GET, b"GET /", b""] {
            let mut host = Host::new();
            let (_listener, address) = host.listen();
            let mut client = connect(address);
            client.write_all(GET).unwrap();
            if warm {
                host.next();
            }
            client.write_all(packet).unwrap();
            reset(client);
            let mut popped = host.next();
            while popped.records.numbers.first() != Some(&SOCKET_ERROR) {
                popped = host.next();
            }
            assert_eq!(
                popped.records.numbers,
                [SOCKET_ERROR, libc::ECONNRESET as u32, 0]
            );
            host.close(popped.id, false);
        }
    }
}

#[test]
fn eager_connections_are_delivered_before_they_are_read() {
    let mut host = Host::refusing();
    host.server.settings.set("eager", 1);
    let mut client = host.adopted();
    let popped = host.next();
    assert_eq!(
        (popped.flags, &popped.records.numbers[..]),
        (FIRST, &[ACCEPTED][..])
    );
    client.write_all(b"BAD").unwrap();
    let popped = host.next();
    assert_eq!((popped.flags, popped.records.numbers[0]), (0, FAILED));
}

#[test]
fn a_paused_connection_is_not_read_and_its_packets_are_held_back() {
    let mut host = Host::new();
    let (mut client, id) = host.established();
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    client.write_all(b"GET /held HTTP/1.1\r\n\r\n").unwrap();
    // It is in the queue already when JavaScript pauses, if a thread has put it there.
    host.wait();
    host.connections.pause(id);
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    host.connections.resume(id);
    // As with libuv, it comes in the next turn.
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    assert_eq!(host.next().records.text, b"/held");
}

#[test]
fn only_connections_between_messages_are_idle() {
    let mut host = Host::new();
    let _silent = host.adopted();
    let (mut client, id) = host.established();
    let idle = |host: &Host| host.server.connections.pick(Conn::is_idle).len();
    // The request is still being dispatched.
    assert_eq!(idle(&host), 0);
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    assert_eq!(idle(&host), 1);
    host.server.settings.set("idleIncludesSilent", 1);
    assert_eq!(idle(&host), 2);
    client.write_all(b"G").unwrap();
    assert_eq!(host.next().id, id);
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    assert_eq!(idle(&host), 1);
}
