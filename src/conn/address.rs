//! Socket addresses, in the form that Node gives them.

use std::ffi::CStr;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU8;
use std::os::fd::RawFd;

use crate::sync::Mutex;

/// Which end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Our end.
    Local,
    /// The client's end.
    Peer,
}

/// An Internet address as Node shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// An IPv4 or IPv6 address, without a port.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// `IPv4` or `IPv6`.
    pub family: &'static str,
}

/// The Internet address of one end as a `SocketAddr`, if it has one.
pub fn end(fd: RawFd, end: End) -> Option<SocketAddr> {
    plain(&name(fd, end)?)
}

/// A place in [`BoundAddresses`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound(Option<NonZeroU8>);

/// The addresses on which a server has listened. They are the local addresses of its connections. There are few of
/// them, so a connection keeps only a small number.
#[derive(Debug, Default)]
pub struct BoundAddresses(Mutex<Vec<SocketAddr>>);

impl BoundAddresses {
    /// The place of a listener's address. It has none if it listens on every address.
    pub fn place(&self, address: Option<SocketAddr>) -> Bound {
        let Some(address) = address.filter(|address| !address.ip().is_unspecified()) else {
            return Bound(None);
        };
        let mut all = crate::lock(&self.0);
        let known = all.iter().position(|other| *other == address);
        let number = u8::try_from(known.unwrap_or(all.len()) + 1).ok();
        if known.is_none() && number.is_some() {
            all.push(address);
        }
        Bound(number.and_then(NonZeroU8::new))
    }

    /// The address at a place that [`place`](Self::place) gave, if there is one.
    pub fn get(&self, Bound(place): Bound) -> Option<SocketAddr> {
        let place = usize::from(place?.get()) - 1;
        crate::lock(&self.0).get(place).copied()
    }
}

/// Room for an address that the kernel writes.
#[derive(Debug)]
pub struct Name {
    storage: libc::sockaddr_storage,
    length: libc::socklen_t,
}

impl Default for Name {
    fn default() -> Name {
        Name {
            // SAFETY: zeros are a valid sockaddr_storage.
            storage: unsafe { std::mem::zeroed() },
            length: size_of::<libc::sockaddr_storage>() as libc::socklen_t,
        }
    }
}

impl Name {
    /// Where a system call puts the address, and its length.
    pub fn room(&mut self) -> (*mut libc::sockaddr, *mut libc::socklen_t) {
        ((&raw mut self.storage).cast(), &raw mut self.length)
    }

    /// What it wrote, if that is an Internet address.
    pub fn address(&self) -> Option<SocketAddr> {
        plain(&self.storage)
    }
}

/// Makes an Internet address from what the kernel has written.
fn plain(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match libc::c_int::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that the storage, which is large and aligned enough for
            // every address, holds a sockaddr_in.
            let v4 = unsafe { &*(&raw const *storage).cast::<libc::sockaddr_in>() };
            let address = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddr::from((address, u16::from_be(v4.sin_port))))
        }
        libc::AF_INET6 => {
            // SAFETY: as above, a sockaddr_in6.
            let v6 = unsafe { &*(&raw const *storage).cast::<libc::sockaddr_in6>() };
            let address = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Some(SocketAddr::from((address, u16::from_be(v6.sin6_port))))
        }
        _ => None,
    }
}

/// The Internet address of one end in the form of Node, if it has one.
pub fn of(fd: RawFd, end: End) -> Option<Address> {
    let storage = name(fd, end)?;
    match libc::c_int::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that the storage, which is large and aligned enough for
            // every address, holds a sockaddr_in.
            let v4 = unsafe { &*(&raw const storage).cast::<libc::sockaddr_in>() };
            Some(Address {
                host: text(libc::AF_INET, (&raw const v4.sin_addr).cast())?,
                port: u16::from_be(v4.sin_port),
                family: "IPv4",
            })
        }
        libc::AF_INET6 => {
            // SAFETY: as above, a sockaddr_in6.
            let v6 = unsafe { &*(&raw const storage).cast::<libc::sockaddr_in6>() };
            let mut host = text(libc::AF_INET6, (&raw const v6.sin6_addr).cast())?;
            let link_local =
                v6.sin6_addr.s6_addr[0] == 0xfe && v6.sin6_addr.s6_addr[1] & 0xc0 == 0x80;
            if link_local && let Some(interface) = interface(v6.sin6_scope_id) {
                host.push('%');
                host.push_str(&interface);
            }
            Some(Address {
                host,
                port: u16::from_be(v6.sin6_port),
                family: "IPv6",
            })
        }
        _ => None,
    }
}

/// Local address, port and family, peer address, port and family, joined by line feeds. A part that does not exist is
/// empty.
pub fn both_ends(fd: RawFd) -> Vec<u8> {
    let mut text = String::new();
    for end in [End::Local, End::Peer] {
        if !text.is_empty() {
            text.push('\n');
        }
        match of(fd, end) {
            Some(Address { host, port, family }) => {
                text.push_str(&format!("{host}\n{port}\n{family}"));
            }
            None => text.push_str("\n\n"),
        }
    }
    text.into_bytes()
}

fn name(fd: RawFd, end: End) -> Option<libc::sockaddr_storage> {
    // SAFETY: zeros are a valid sockaddr_storage; the pointer and the length passed are its own.
    unsafe {
        let mut storage: libc::sockaddr_storage = std::mem::zeroed();
        let mut length = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        let address = (&raw mut storage).cast();
        let result = match end {
            End::Local => libc::getsockname(fd, address, &mut length),
            End::Peer => libc::getpeername(fd, address, &mut length),
        };
        (result == 0).then_some(storage)
    }
}

/// The text form of an address that the system makes. libuv uses it, too.
fn text(family: libc::c_int, address: *const libc::c_void) -> Option<String> {
    unsafe extern "C" {
        fn inet_ntop(
            family: libc::c_int,
            address: *const libc::c_void,
            text: *mut libc::c_char,
            size: libc::socklen_t,
        ) -> *const libc::c_char;
    }
    let mut buffer = [0 as libc::c_char; 46];
    // SAFETY: callers pass an address of the family; the buffer has INET6_ADDRSTRLEN bytes, and
    // holds a terminated string if the result is not null.
    unsafe {
        let size = buffer.len() as libc::socklen_t;
        if inet_ntop(family, address, buffer.as_mut_ptr(), size).is_null() {
            return None;
        }
        CStr::from_ptr(buffer.as_ptr())
            .to_str()
            .ok()
            .map(str::to_owned)
    }
}

fn interface(index: u32) -> Option<String> {
    let mut buffer = [0 as libc::c_char; libc::IF_NAMESIZE];
    // SAFETY: the buffer has IF_NAMESIZE bytes, and holds a terminated string if the result is
    // not null.
    unsafe {
        if libc::if_indextoname(index, buffer.as_mut_ptr()).is_null() {
            return None;
        }
        CStr::from_ptr(buffer.as_ptr())
            .to_str()
            .ok()
            .map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_has_the_place_of_its_address() {
        let all = BoundAddresses::default();
        let address = |text: &str| Some(text.parse().expect("an address"));
        let first = all.place(address("192.0.2.1:80"));
        assert_eq!(all.get(first), address("192.0.2.1:80"));
        assert_eq!(all.place(address("192.0.2.1:80")), first);
        let second = all.place(address("[2001:db8::1]:80"));
        assert_eq!(all.get(second), address("[2001:db8::1]:80"));
        for every in [None, address("0.0.0.0:80"), address("[::]:80")] {
            assert_eq!(all.place(every), Bound::default());
            assert_eq!(all.get(Bound::default()), None);
        }
        // Beyond what a place can number, the kernel is asked.
        for port in 1000..1300 {
            let bound = all.place(address(&format!("192.0.2.1:{port}")));
            assert!(all.get(bound).is_none_or(|found| found.port() == port));
        }
    }
}
