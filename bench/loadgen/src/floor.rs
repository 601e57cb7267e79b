//! A server that does little more than system calls: it reads what has arrived and answers every blank
//! line with the same bytes. No server can be faster with this kernel and this generator.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketFlags, SocketType};

use crate::args::Args;
use crate::net::{self, Poller};
use crate::report::announce;

const RESPONSE: &[u8] =
    b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nConnection: keep-alive\r\n\
    Keep-Alive: timeout=5\r\nContent-Length: 12\r\n\r\nHello World\n";
const LISTENER: usize = 0;
const STDIN: usize = 1;

pub fn run(args: &mut Args) -> Result<String, String> {
    args.finish()?;
    let failed = |what: &'static str| move |e: rustix::io::Errno| format!("{what}: {e}");
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let listener = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)
        .map_err(failed("socket"))?;
    let any = std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 0);
    rustix::net::bind(&listener, &any).map_err(failed("bind"))?;
    rustix::net::listen(&listener, 511).map_err(failed("listen"))?;
    let bound = rustix::net::getsockname(&listener).map_err(failed("getsockname"))?;
    let port = std::net::SocketAddr::try_from(bound).map_err(failed("getsockname"))?.port();

    let mut poller = Poller::new()?;
    poller.add_readable(&listener, LISTENER).map_err(failed("epoll_ctl"))?;
    let _ = poller.add_readable(std::io::stdin(), STDIN);
    announce(&format!("{{\"port\":{port}}}"));
    let mut conns: Vec<Option<OwnedFd>> = vec![None, None];
    let mut buffer = vec![0; 64 * 1024];
    let mut events = Vec::new();
    loop {
        poller.wait(&mut events, Instant::now() + Duration::from_secs(60))?;
        for event in &events {
            match event.token {
                STDIN => std::process::exit(0),
                LISTENER => {
                    while let Ok(fd) = rustix::net::accept_with(&listener, flags) {
                        rustix::net::sockopt::set_tcp_nodelay(&fd, true).map_err(failed("setsockopt"))?;
                        poller.add(&fd, conns.len()).map_err(failed("epoll_ctl"))?;
                        conns.push(Some(fd));
                    }
                }
                token if event.readable => {
                    let Some(fd) = &conns[token] else { continue };
                    if !serve(fd, &mut buffer) {
                        conns[token] = None;
                    }
                }
                _ => {}
            }
        }
    }
}

/// Returns whether the connection goes on.
fn serve(fd: &OwnedFd, buffer: &mut [u8]) -> bool {
    match net::read(fd, buffer) {
        Ok(None) => true,
        Ok(Some(0)) | Err(_) => false,
        Ok(Some(n)) => {
            let requests = buffer[..n].windows(4).filter(|w| *w == b"\r\n\r\n").count();
            net::write(fd, &RESPONSE.repeat(requests)).is_ok()
        }
    }
}
