// Upgrades, and connections that are given away.

#[test]
fn an_upgrade_parks_until_it_is_answered() {
    let upgrade = b"GET /up HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nbytes of x";
    let mut host = Host::new();
    let mut client = host.adopted();
    client.write_all(upgrade).unwrap();
    let popped = host.next();
    assert_eq!(popped.records.numbers.last(), Some(&PARKED));
    // If the upgrade is not accepted, the rest of that packet is ignored, and the next one is parsed.
    let conn = host.conn(popped.id);
    assert!(conn.decline_upgrade().unwrap().is_empty());
    assert!(conn.decline_upgrade().is_none());
    client.write_all(GET).unwrap();
    assert_eq!(host.next().records.text, b"/a");
}

#[test]
fn the_body_of_a_declined_upgrade_follows_its_head() {
    let upgrade =
        b"PUT /up HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 3\r\n\r\nabc";
    let mut host = Host::new();
    let mut client = host.adopted();
    client.write_all(upgrade).unwrap();
    let popped = host.next();
    let rest = host.conn(popped.id).decline_upgrade().unwrap();
    assert_eq!(rest.numbers, [BODY, 0, COMPLETE, 0]);
    assert_eq!(*rest.blobs[0], *b"abc");
}

#[test]
fn detaching_gives_away_what_was_not_parsed_and_not_sent() {
    let mut host = Host::new();
    let mut client = host.adopted();
    client
        .write_all(b"CONNECT a:1 HTTP/1.1\r\n\r\nbytes")
        .unwrap();
    let id = host.next().id;
    let conn = host.conn(id);
    let big = vec![7; 4_000_000];
    assert_eq!(write(&conn, &[&big]), Ok(Taken::Part));
    let (detached, queued) = host.connections.detach(&host.core, id).unwrap();
    assert_eq!(queued, 0);
    let parked = detached.parked.unwrap();
    assert_eq!(&parked.packet[parked.at..], b"bytes");
    assert!(host.connections.get(id).is_none());
    // It still counts. The test has the descriptor now.
    assert_eq!(host.server.connections.open(), 1);
    let [Remainder::Bytes(pending)] = &detached.pending[..] else {
        panic!("{:?}", detached.pending);
    };
    let mut received = vec![0; big.len() - pending.len()];
    client.read_exact(&mut received).unwrap();
    let mut ours = UnixStream::from(detached.fd);
    ours.write_all(b"directly").unwrap();
    client.read_exact(&mut received[..8]).unwrap();
    assert_eq!(&received[..8], b"directly");
    drop(ours);
    assert_eq!(host.rest(&client), b"");
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
}

#[test]
fn a_packet_that_was_parsed_before_detaching_is_still_delivered() {
    let mut host = Host::new();
    let mut clients = [host.adopted(), host.adopted()];
    let mut ask = |client: &mut UnixStream| {
        client.write_all(GET).unwrap();
        host.next().id
    };
    // After its second request, a connection is on the thread that reads it.
    let _ = clients.each_mut().map(&mut ask);
    let ids = clients.each_mut().map(&mut ask);
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    host.connections.begin_turn(&host.core); // now both may be read again
    for client in &mut clients {
        client.write_all(b"GET /queued HTTP/1.1\r\n\r\n").unwrap();
    }
    let told = host.next().id;
    let id = if told == ids[0] { ids[1] } else { ids[0] };
    let conn = host.conn(id);
    while !conn.has_bytes_coming() {
        std::thread::yield_now();
    }
    let (_detached, queued) = host.connections.detach(&host.core, id).unwrap();
    assert_eq!(queued, 1);
    let popped = host.next();
    assert_eq!((popped.id, popped.records.text), (id, b"/queued".to_vec()));
}
