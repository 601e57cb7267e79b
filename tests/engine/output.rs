// Output: taken by the kernel, pending, and deferred.

#[test]
fn output_that_the_kernel_does_not_take_follows_in_order() {
    let mut host = Host::new();
    let (client, id) = host.established();
    let conn = host.conn(id);
    let big: Vec<u8> = (0..4_000_000_u32).map(|i| i as u8).collect();
    assert_eq!(write(&conn, &[&big]), Ok(Taken::Part));
    assert!(conn.write_queue_size() > 0);
    assert_eq!(write(&conn, &[b"end"]), Ok(Taken::Nothing));
    assert_eq!(conn.shutdown(), Ok(true));
    assert_eq!(write(&conn, &[b"late"]), Err(libc::EPIPE));
    let received = host.rest(&client);
    assert_eq!(received.len(), big.len() + 3);
    assert!(received.starts_with(&big) && received.ends_with(b"end"));
    assert_eq!(host.next().records.numbers, [WRITTEN, 0]);
    assert_eq!(host.next().records.numbers, [SHUTDOWN, 0]);
    assert_eq!(conn.write_queue_size(), 0);
}

#[test]
fn last_output_and_fin_leave_whether_the_kernel_takes_it_or_not() {
    for length in [28, 4_000_000] {
        let mut host = Host::new();
        let (client, id) = host.established();
        let conn = host.conn(id);
        let output: Vec<u8> = (0..length).map(|i: u32| i as u8).collect();
        let waits = length > 28;
        let taken = text(&[&output], |output| conn.write(output, true));
        assert_eq!(taken == Ok(Taken::Part), waits);
        assert_eq!(conn.shutdown(), Ok(waits));
        conn.flush(Moment::Turn);
        assert!(host.rest(&client) == output);
    }
}

#[test]
fn what_is_deferred_is_bounded_and_so_is_what_is_sent_at_once_after_a_full_kernel() {
    let mut host = Host::new();
    let (mut client, id) = host.established();
    let conn = host.conn(id);
    assert!(!defer(&conn, &[7; DEFERRED + 1]));
    assert!(defer(&conn, &[7; DEFERRED - 1]));
    assert!(!defer(&conn, &[7; 2]));
    assert!(defer(&conn, &[7]));
    assert_eq!(conn.write_queue_size(), 0);
    assert_eq!(write(&conn, &[&vec![7; 4_000_000]]), Ok(Taken::Part));
    // JavaScript waits for the output before it.
    assert!(!defer(&conn, &[7]));
    let length = 4_000_000 + DEFERRED;
    let read = host.beside(|| {
        let mut all = vec![0; length];
        client.read_exact(&mut all).map(|()| all)
    });
    assert!(read.unwrap() == vec![7; length]);
    assert_eq!(host.next().records.numbers, [WRITTEN, 0]);
    // Only a send shows whether there is room again.
    assert!(!defer(&conn, &[7]));
    assert_eq!(write(&conn, &[b"x"]), Ok(Taken::All));
    assert!(defer(&conn, &[7]));
}

#[test]
fn deferred_output_that_the_kernel_does_not_take_counts_as_sent() {
    let mut host = Host::new();
    let (client, id) = host.established();
    let conn = host.conn(id);
    let filled = fill(&conn);
    assert!(defer(&conn, &[7; 1000]));
    conn.flush(Moment::Turn);
    assert!(!defer(&conn, &[7]));
    assert_eq!(conn.write_queue_size(), 0);
    assert_eq!(conn.shutdown(), Ok(false));
    conn.flush(Moment::Turn);
    let received = host.rest(&client);
    assert_eq!(received.len(), filled + 1000);
    assert!(received.ends_with(&[7; 1000]));
    // Nobody waits for a report about it.
    client.shutdown(Shutdown::Both).unwrap();
    assert_eq!(host.next().records.numbers[0], END);
}

#[test]
fn deferred_output_survives_a_close_and_pending_output_does_not() {
    for pending in [false, true] {
        let mut host = Host::new();
        let (client, id) = host.established();
        assert!(host.connections.next(&host.core, &mut Vecs).is_none());
        let conn = host.conn(id);
        let filled = fill(&conn);
        assert!(defer(&conn, &[7; 1000]));
        conn.flush(Moment::Turn);
        if pending {
            assert_eq!(write(&conn, &[b"pending"]), Ok(Taken::Nothing));
        }
        // JavaScript need not wait for it.
        host.close(id, false);
        let received = host.rest(&client);
        assert_eq!(received.len(), filled + 1000);
        assert!(received.ends_with(&[7; 1000]));
        while host.core.live() > 0 {
            std::thread::yield_now();
        }
    }
}

#[test]
fn deferred_output_does_not_survive_a_reset_nor_the_engine() {
    for reset in [true, false] {
        let mut host = Host::new();
        let (client, id) = host.established();
        assert!(host.connections.next(&host.core, &mut Vecs).is_none());
        let conn = host.conn(id);
        let filled = fill(&conn);
        assert!(defer(&conn, &[7; 1000]));
        host.close(id, reset);
        while host.core.live() > usize::from(!reset) {
            std::thread::yield_now();
        }
        host.end();
        assert_eq!(host.core.live(), 0);
        assert_eq!(rest(&client).len(), filled);
    }
}

#[test]
fn an_error_that_deferred_output_meets_is_one_of_reading() {
    for then in ["flush", "write", "shutdown"] {
        let mut host = Host::new();
        let (_listener, address) = host.listen();
        let (client, id) = host.served(address);
        let conn = host.conn(id);
        assert!(defer(&conn, &[7; 1000]));
        // Closing with unread bytes sends RST.
        conn.with_fd(|fd| io::send(fd, &[b"unread"]))
            .unwrap()
            .unwrap();
        // SAFETY: the pointer and the length are those of an array.
        let unread = unsafe {
            libc::recv(
                client.as_raw_fd(),
                [0_u8; 1].as_mut_ptr().cast(),
                1,
                libc::MSG_PEEK,
            )
        };
        assert_eq!(unread, 1);
        drop(client);
        match then {
            "write" => {
                assert_eq!(write(&conn, &[b"x"]), Err(libc::ECONNRESET));
                continue;
            }
            "shutdown" => assert_eq!(conn.shutdown(), Ok(false)),
            _ => {}
        }
        conn.flush(Moment::Turn);
        let failure = [SOCKET_ERROR, libc::ECONNRESET as u32, 0];
        assert_eq!(host.next().records.numbers, failure);
    }
}

#[test]
fn pending_output_is_sent_from_the_memory_that_was_lent() {
    let mut lender = Lender::new(vec![1; 4_000_000]);
    let mut host = Host::new();
    let (mut client, id) = host.established();
    let conn = host.conn(id);
    let filled = fill(&conn);
    assert_eq!(lender.write(&host, &conn), Ok(Taken::Nothing));
    assert_eq!(conn.write_queue_size(), 4_000_004);
    lender.bytes.fill(2);
    assert_eq!(lender.returned(), 0);
    let received = host.beside(|| {
        let mut all = vec![0; filled + 4_000_004];
        client.read_exact(&mut all).map(|()| all)
    });
    let received = received.unwrap();
    assert_eq!(received[filled..filled + 4], *b"head");
    assert!(received[filled + 4..] == lender.bytes);
    assert_eq!(host.next().records.numbers, [WRITTEN, 0]);
    while lender.returned() == 0 {
        assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    }
    assert_eq!(lender.returned(), 1);
}

#[test]
fn what_is_given_back_from_another_thread_does_not_keep_javascript_from_being_woken() {
    let lender = Lender::new(vec![1]);
    let mut host = Host::new();
    let mut client = host.adopted();
    client.write_all(GET).unwrap();
    host.next();
    let loan = lender.lend(&host);
    std::thread::spawn(move || drop(loan)).join().unwrap();
    // This is everything. JavaScript sleeps after it.
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    assert_eq!(lender.returned(), 1);
    // This is what has woken it before.
    host.woken.set_nonblocking(true).unwrap();
    let _ = host.woken.read(&mut [0; 64]);
    host.woken.set_nonblocking(false).unwrap();
    host.woken.set_read_timeout(Some(PATIENCE)).unwrap();
    host.core.queue.wake_task(0);
    assert_eq!(host.woken.read(&mut [0; 64]).unwrap(), 1);
}

#[test]
fn lent_memory_is_given_back_when_it_is_not_sent() {
    for how in ["nothing waits", "close", "detach", "end"] {
        let lender = Lender::new(vec![1; if how == "nothing waits" { 4 } else { 4_000_000 }]);
        let mut host = Host::new();
        let (_client, id) = host.established();
        let conn = host.conn(id);
        let taken = lender.write(&host, &conn);
        match how {
            "nothing waits" => assert_eq!(taken, Ok(Taken::All)),
            "close" => {
                host.close(id, false);
            }
            "detach" => {
                let (detached, _) = host.connections.detach(&host.core, id).unwrap();
                let [
                    Remainder::Lent {
                        number, skipped, ..
                    },
                ] = &detached.pending[..]
                else {
                    panic!("{:?}", detached.pending);
                };
                assert_eq!(*number, 3);
                assert!(*skipped > 0 && *skipped < 4_000_000);
                assert_eq!(lender.returned(), 0);
            }
            _ => host.end(),
        }
        if how == "close" && IO_THREADS != 0 {
            while lender.returned() == 0 {
                assert!(host.connections.next(&host.core, &mut Vecs).is_none());
            }
        }
        assert_eq!(
            lender.returned(),
            usize::from(how != "nothing waits"),
            "{how}"
        );
    }
}

#[test]
fn a_write_that_fails_late_is_reported() {
    let mut host = Host::new();
    let (client, id) = host.established();
    assert_eq!(
        write(&host.conn(id), &[&vec![0; 4_000_000]]),
        Ok(Taken::Part)
    );
    drop(client);
    let mut numbers = host.next().records.numbers;
    while numbers[0] != WRITTEN {
        numbers = host.next().records.numbers;
    }
    assert_eq!(numbers, [WRITTEN, libc::EPIPE as u32]);
}

#[test]
fn pending_output_leaves_after_the_packet_that_came_with_the_room_was_told() {
    if IO_THREADS != 0 {
        // Another thread sends it.
        return;
    }
    let mut host = Host::new();
    let (mut client, id) = host.established();
    let conn = host.conn(id);
    let mut before = vec![0; fill(&conn)];
    assert_eq!(write(&conn, &[&[7; 1000]]), Ok(Taken::Nothing));
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    client.read_exact(&mut before).unwrap();
    client.write_all(GET).unwrap();
    // While the packet is told, the output is still there.
    assert_eq!(host.next().records.heads, 1);
    assert_eq!(conn.write_queue_size(), 1000);
    assert_eq!(host.next().records.numbers, [WRITTEN, 0]);
    assert_eq!(conn.write_queue_size(), 0);
}

/// A connection that had a request, with output that was deferred and whose peer has sent RST since.
fn reset_behind_deferred_output(host: &mut Host) -> u32 {
    let (_listener, address) = host.listen();
    let (client, id) = host.served(address);
    assert!(defer(&host.conn(id), &[7; 1000]));
    reset(client);
    id
}

#[test]
fn a_connection_that_is_given_away_carries_the_error_that_its_deferred_output_met() {
    for flushed in [true, false] {
        let mut host = Host::new();
        let id = reset_behind_deferred_output(&mut host);
        if flushed {
            host.conn(id).flush(Moment::Turn);
        }
        let (detached, _) = host.connections.detach(&host.core, id).unwrap();
        assert_eq!(detached.error, Some(libc::ECONNRESET));
        assert!(detached.pending.is_empty());
    }
}

#[test]
fn an_error_that_deferred_output_meets_at_the_shutdown_is_told_where_nothing_is_read() {
    let mut host = Host::new();
    let (_listener, address) = host.listen();
    let (client, id) = host.served(address);
    let conn = host.conn(id);
    // Its packet is dealt with.
    assert!(host.connections.next(&host.core, &mut Vecs).is_none());
    host.connections.begin_turn(&host.core);
    host.connections.pause(id);
    assert!(defer(&conn, &[7; 1000]));
    reset(client);
    assert_eq!(conn.shutdown(), Ok(false));
    conn.flush(Moment::Turn);
    let failure = [SOCKET_ERROR, libc::ECONNRESET as u32, SYSCALL_WRITE];
    assert_eq!(host.next().records.numbers, failure);
}

#[test]
fn a_closed_connection_has_its_descriptor_closed_at_once() {
    if IO_THREADS != 0 {
        // Its own thread closes it.
        return;
    }
    for reset in [false, true] {
        let mut host = Host::new();
        let (_listener, address) = host.listen();
        let (mut client, id) = host.served(address);
        let conn = host.conn(id);
        host.until_seated(&conn);
        assert!(host.connections.close(id, reset).is_over);
        // The client hears of it before anything else happens here.
        let end = client.read(&mut [0]).map_err(|error| error.raw_os_error());
        assert_eq!(end, if reset { Err(Some(libc::ECONNRESET)) } else { Ok(0) });
    }
}

#[test]
fn nothing_is_deferred_for_a_peer_that_left_while_the_program_was_busy() {
    if IO_THREADS != 0 {
        return;
    }
    for leave in [reset as fn(TcpStream), drop::<TcpStream>] {
        let mut host = Host::new();
        let (_listener, address) = host.listen();
        let (mut client, id) = host.served(address);
        let conn = host.conn(id);
        host.until_seated(&conn);
        client.write_all(GET).unwrap();
        assert_eq!(host.next().records.heads, 1);
        leave(client);
        std::thread::sleep(Duration::from_millis(1));
        let knowledge = host.connections.knowledge(&conn);
        assert_eq!(knowledge, Knowledge::Outdated);
        assert!(!text(&[b"x"], |output| conn.defer(output, knowledge)));
    }
}

#[test]
fn the_kernel_is_asked_once_for_each_time_that_the_program_was_busy() {
    if IO_THREADS != 0 {
        return;
    }
    let mut host = Host::new();
    let (_listener, address) = host.listen();
    let (mut client, id) = host.served(address);
    let conn = host.conn(id);
    let (_quiet, id) = host.served(address);
    let other = host.conn(id);
    host.until_seated(&conn);
    client.write_all(GET).unwrap();
    assert_eq!(host.next().records.heads, 1);
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(1));
        assert_eq!(host.connections.knowledge(&conn), Knowledge::Outdated);
        assert_eq!(host.connections.knowledge(&other), Knowledge::Outdated);
        // A busy machine may make each look a late one; some of these come right after each other.
        assert!((0..1000).any(|_| host.connections.knowledge(&conn) == Knowledge::Current));
        assert_eq!(host.connections.knowledge(&other), Knowledge::Outdated);
    }
}
