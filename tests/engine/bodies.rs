// Large bodies.

/// The body in a delivery. It checks that no run is larger than a packet.
fn body(popped: &Popped) -> Vec<u8> {
    let blobs = &popped.records.blobs;
    assert!(blobs.iter().all(|blob| blob.len() <= 65_536));
    blobs.iter().flat_map(|blob| blob.iter().copied()).collect()
}

fn upload(length: usize, chunked: bool) -> (Vec<u8>, Vec<u8>) {
    let content: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
    let mut message = b"POST / HTTP/1.1\r\nHost: a\r\n".to_vec();
    if chunked {
        message.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
        for chunk in content.chunks(40_000) {
            message.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            message.extend_from_slice(chunk);
            message.extend_from_slice(b"\r\n");
        }
        message.extend_from_slice(b"0\r\n\r\n");
    } else {
        message.extend_from_slice(format!("Content-Length: {length}\r\n\r\n").as_bytes());
        message.extend_from_slice(&content);
    }
    (message, content)
}

#[test]
fn a_large_body_arrives_whole_and_what_follows_it_too() {
    for chunked in [false, true] {
        let mut host = Host::new();
        let (_listener, address) = host.listen();
        let (message, content) = upload(6 << 20, chunked);
        let mut client = connect(address);
        let sender = std::thread::spawn(move || {
            client.write_all(&message).unwrap();
            client.write_all(GET).unwrap();
            client
        });
        let mut received = Vec::new();
        let mut heads = 0;
        while heads < 2 {
            let popped = host.next();
            received.extend(body(&popped));
            // The target and the first value of each head.
            let text = &popped.records.text;
            heads += text.windows(2).filter(|w| w == b"/a").count();
        }
        assert!(received == content);
        drop(sender.join().unwrap());
    }
}

#[test]
fn large_bodies_take_turns() {
    let mut host = Host::new();
    let (_listener, address) = host.listen();
    let (message, content) = upload(6 << 20, false);
    let message = Arc::new(message);
    let senders: Vec<_> = (0..3)
        .map(|_| {
            let message = message.clone();
            let mut client = connect(address);
            std::thread::spawn(move || client.write_all(&message).map(|()| client))
        })
        .collect();
    let mut received = std::collections::HashMap::<u32, Vec<u8>>::new();
    while received.values().map(Vec::len).sum::<usize>() < 3 * content.len() {
        let popped = host.next();
        received.entry(popped.id).or_default().extend(body(&popped));
    }
    assert!(received.len() == 3 && received.values().all(|bytes| *bytes == content));
    for sender in senders {
        drop(sender.join().unwrap().unwrap());
    }
}

#[test]
fn a_turn_ends_while_a_large_body_keeps_coming() {
    let mut host = Host::new();
    let (_listener, address) = host.listen();
    let (message, _) = upload(64 << 20, false);
    let mut client = connect(address);
    let sender = std::thread::spawn(move || client.write_all(&message));
    let mut longest = 0;
    for _ in 0..8 {
        host.next();
        let mut turn = 1;
        while host.connections.next(&host.core, &mut Vecs).is_some() {
            turn += 1;
        }
        longest = longest.max(turn);
    }
    assert!(longest <= 128, "{longest} deliveries in a turn");
    host.end();
    let _ = sender.join().unwrap();
}

#[test]
fn a_connection_is_given_away_between_two_reads_of_a_large_body() {
    let mut host = Host::new();
    let (_listener, address) = host.listen();
    let (message, content) = upload(32 << 20, false);
    let mut client = connect(address);
    let sender = std::thread::spawn(move || client.write_all(&message).map(|()| client));
    let mut received = Vec::new();
    let mut popped = host.next();
    let id = popped.id;
    loop {
        received.extend(body(&popped));
        match host.connections.next(&host.core, &mut Vecs) {
            Some(next) => popped = next,
            // The turn is over.
            None if received.len() > 1 << 20 => break,
            None => popped = host.next(),
        }
    }
    let (detached, queued) = host.connections.detach(&host.core, id).unwrap();
    if queued == 1 {
        received.extend(body(&host.next()));
    }
    let mut rest = std::fs::File::from(detached.fd);
    let mut buffer = vec![0; 65_536];
    while received.len() < content.len() {
        match rest.read(&mut buffer) {
            Ok(n) => received.extend_from_slice(&buffer[..n]),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
    assert!(received == content);
    drop(sender.join().unwrap().unwrap());
}

#[test]
fn output_leaves_while_a_large_body_waits_for_javascript() {
    let mut host = Host::new();
    let (_listener, address) = host.listen();
    let (message, _) = upload(4 << 20, false);
    let client = connect(address);
    let mut sending = client.try_clone().unwrap();
    let sender = std::thread::spawn(move || sending.write_all(&message));
    let popped = loop {
        let popped = host.next();
        if body(&popped).len() > 32_768 {
            break popped;
        }
    };
    let conn = host.conn(popped.id);
    let output = vec![7; 32 << 20];
    assert_eq!(write(&conn, &[&output]), Ok(Taken::Part));
    let mut echoed = vec![0; output.len()];
    host.beside(|| (&client).read_exact(&mut echoed)).unwrap();
    assert!(echoed == output);
    client.shutdown(Shutdown::Both).unwrap();
    let _ = sender.join();
}

#[test]
fn a_paused_connection_reads_no_more_of_a_large_body() {
    let mut host = Host::new();
    let (_listener, address) = host.listen();
    let (message, content) = upload(2 << 20, false);
    let mut client = connect(address);
    let sender = std::thread::spawn(move || {
        client.write_all(&message).unwrap();
        client
    });
    let mut received = Vec::new();
    let id = loop {
        let popped = host.next();
        received.extend(body(&popped));
        if received.len() > 128 * 1024 {
            break popped.id;
        }
    };
    host.connections.pause(id);
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    host.connections.resume(id);
    while received.len() < content.len() {
        received.extend(body(&host.next()));
    }
    assert!(received == content);
    drop(sender.join().unwrap());
}
