//! One server: its live settings and what it counts.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::http1::{Config, Lenient, Profile};
use crate::layout::limit;
use crate::observe::counters::Counters;
use crate::observe::refusals::Refusals;

macro_rules! settings {
    ($($(#[$meta:meta])* $field:ident = $name:literal, $default:expr;)*) => {
        /// Settings that JavaScript may change at any time. Each says when it is read.
        #[derive(Debug)]
        pub struct Settings {
            $($(#[$meta])* $field: AtomicI64,)*
        }

        impl Default for Settings {
            fn default() -> Settings {
                Settings { $($field: AtomicI64::new($default),)* }
            }
        }

        impl Settings {
            /// Every name that [`set`](Self::set) knows.
            pub const NAMES: &'static [&'static str] = &[$($name,)*];

            /// Whether there is such a setting.
            pub fn set(&self, name: &str, value: i64) -> bool {
                match name {
                    $($name => self.$field.store(value, Ordering::Relaxed),)*
                    _ => return false,
                }
                true
            }

            $($(#[$meta])* pub fn $field(&self) -> i64 {
                self.$field.load(Ordering::Relaxed)
            })*
        }
    };
}

settings! {
    /// Bytes of a head at which it is refused; read at accept.
    max_header_size = "maxHeaderSize", limit::HEADER_SIZE.into();
    /// Lenient flags of the parser; read at accept.
    lenient = "lenient", 0;
    /// The largest number of names and values in a head, 0 or less for no limit; read at accept.
    max_header_pairs = "maxHeaderPairs", limit::HEADER_PAIRS.into();
    /// 0: heads are parsed by the byte-level machine alone; read at accept.
    fast_path = "fastPath", 1;
    /// The number of connections at which further ones are dropped, -1 for no limit; read at accept.
    max_connections = "maxConnections", -1;
    /// TCP_NODELAY; set at accept.
    no_delay = "noDelay", 1;
    /// SO_KEEPALIVE; set at accept.
    keep_alive = "keepAlive", 0;
    /// Seconds before the first keep-alive probe, 0 for the system's; set at accept.
    keep_alive_delay = "keepAliveDelay", 0;
    /// JavaScript hears of every connection before anything is read; read at accept.
    eager = "eager", 0;
    /// A connection counts only once JavaScript has admitted it; read at accept.
    screened = "screened", 0;
    /// Connections that JavaScript does not know may be refused without it; read at each refusal.
    native_refusals = "nativeRefusals", 0;
    /// For how many ms a refused connection is read after the reply; 0 for not at all.
    linger = "linger", 0;
    /// A dropped connection causes the record DROPPED.
    drop_notice = "dropNotice", 0;
    /// The end of the last connection, or of one that JavaScript never knew, causes the record DRAINED.
    drain_notice = "drainNotice", 0;
    /// A hang-up that is known when a packet is read ends the connection as FIN does (libuv before
    /// 1.52, on Linux); read at each packet.
    hang_up_ends = "hangUpEnds", 0;
    /// `idle` includes connections that never sent a byte (Node 26).
    idle_includes_silent = "idleIncludesSilent", 0;
}

impl Settings {
    /// The configuration of a new parser.
    pub fn parser_config(&self, profile: &'static Profile) -> Config {
        Config {
            profile,
            lenient: Lenient::from_bits(self.lenient() as u32),
            max_header_size: u64::try_from(self.max_header_size()).unwrap_or(0),
            max_header_pairs: self.max_header_pairs(),
            fast_path: self.fast_path() != 0,
        }
    }
}

/// One server.
#[derive(Debug)]
pub struct Server {
    /// The id in records about the server.
    pub id: u32,
    /// The grammar of this Node's parser.
    pub profile: &'static Profile,
    /// Live settings, as JavaScript gives them.
    pub settings: Settings,
    /// Refusals by code.
    pub counters: Counters,
    /// What is kept of refusals.
    pub refusals: Refusals,
    /// The open connections.
    #[cfg(unix)]
    pub connections: crate::conn::registry::Registry,
    /// The addresses that it listens on.
    #[cfg(unix)]
    pub bound: crate::conn::address::BoundAddresses,
}

impl Server {
    /// A server with the default settings.
    pub fn new(id: u32, profile: &'static Profile) -> Server {
        Server {
            id,
            profile,
            settings: Settings::default(),
            counters: Counters::default(),
            refusals: Refusals::default(),
            #[cfg(unix)]
            connections: Default::default(),
            #[cfg(unix)]
            bound: Default::default(),
        }
    }
}
