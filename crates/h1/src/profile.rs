//! The differences between Node releases, as data: the grammar of their llhttp, and the limits of their binding.
//! Nothing else in the parser asks for a version.

/// The grammar of a Node, and what its binding does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// HT may follow the digits of Content-Length (llhttp 9.4.0).
    pub tab_after_content_length: bool,
    /// HT may follow a token of Connection (llhttp 9.4.2).
    pub tab_after_connection_token: bool,
    /// An empty Transfer-Encoding is refused (llhttp 9.4.3).
    pub refuse_empty_transfer_encoding: bool,
    /// What `maxHeadersCount` does.
    pub header_count: HeaderCount,
    /// An accepted upgrade drops the body of the request. Otherwise (Node 26) the body is parsed first.
    pub upgrade_skips_body: bool,
}

/// What happens to header lines beyond `maxHeadersCount`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderCount {
    /// Lines come in groups of [`FLUSH_GROUP`]. A group is dropped if the limit was reached before it. If there is only
    /// one group, it is never dropped.
    DropGroups,
    /// A line beyond the limit is dropped, unless there is only one group. The lines of the first group are kept here,
    /// because no other group may follow.
    Truncate,
    /// The name of the first line beyond the limit is a header overflow.
    Refuse,
}

/// How many lines Node's binding hands over at once.
pub const FLUSH_GROUP: usize = 31;

impl Profile {
    /// The profile of the newest release of a major version of Node with this `process.versions.llhttp`. A Node that is
    /// older than Node 20 with llhttp 9.3 gets the profile of that one, and a newer one than is known gets the newest.
    pub fn for_host(llhttp: &str, node_major: u32) -> &'static Profile {
        let header_count = if node_major >= 22 {
            HeaderCount::Refuse
        } else {
            HeaderCount::DropGroups
        };
        Profile::of(llhttp, header_count, node_major < 26)
    }

    /// The profile for a version of llhttp and for what the binding does.
    pub fn of(
        llhttp: &str,
        header_count: HeaderCount,
        upgrade_skips_body: bool,
    ) -> &'static Profile {
        let grammar = match version(llhttp) {
            v if v >= (9, 4, 3) => 3,
            v if v >= (9, 4, 2) => 2,
            v if v >= (9, 4, 0) => 1,
            _ => 0,
        };
        &PROFILES[grammar][header_count as usize][usize::from(upgrade_skips_body)]
    }
}

const fn profile(grammar: u8, header_count: HeaderCount, upgrade_skips_body: bool) -> Profile {
    Profile {
        tab_after_content_length: grammar >= 1,
        tab_after_connection_token: grammar >= 2,
        refuse_empty_transfer_encoding: grammar >= 3,
        header_count,
        upgrade_skips_body,
    }
}

const fn upgrades(grammar: u8, header_count: HeaderCount) -> [Profile; 2] {
    [
        profile(grammar, header_count, false),
        profile(grammar, header_count, true),
    ]
}

const fn bindings(grammar: u8) -> [[Profile; 2]; 3] {
    [
        upgrades(grammar, HeaderCount::DropGroups),
        upgrades(grammar, HeaderCount::Truncate),
        upgrades(grammar, HeaderCount::Refuse),
    ]
}

/// All profiles: by grammar, by [`HeaderCount`], and by whether an upgrade skips the body.
static PROFILES: [[[Profile; 2]; 3]; 4] = [bindings(0), bindings(1), bindings(2), bindings(3)];

/// Reads `major.minor.patch`. A part that is missing or no number counts as 0.
fn version(text: &str) -> (u32, u32, u32) {
    let mut parts = text.split('.').map(|part| part.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next())
}

/// The lenient flags, with Node's numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lenient(u16);

impl Lenient {
    /// No flag: the strict grammar.
    pub const NONE: Lenient = Lenient(0);
    /// Values may have any byte, and lines may be folded. A space may come before the first line, and before the colon
    /// of the names that the parser knows.
    pub const HEADERS: Lenient = Lenient(1);
    /// `Content-Length` may come together with `Transfer-Encoding`.
    pub const CHUNKED_LENGTH: Lenient = Lenient(1 << 1);
    /// A request may follow one that ends the connection.
    pub const KEEP_ALIVE: Lenient = Lenient(1 << 2);
    /// `chunked` need not be the last coding of `Transfer-Encoding`.
    pub const TRANSFER_ENCODING: Lenient = Lenient(1 << 3);
    /// Any version of two digits is accepted.
    pub const VERSION: Lenient = Lenient(1 << 4);
    /// Data after `Connection: close` is dropped without an error.
    pub const DATA_AFTER_CLOSE: Lenient = Lenient(1 << 5);
    /// The LF after a CR may be missing.
    pub const OPTIONAL_LF_AFTER_CR: Lenient = Lenient(1 << 6);
    /// The CRLF after the data of a chunk may be missing.
    pub const OPTIONAL_CRLF_AFTER_CHUNK: Lenient = Lenient(1 << 7);
    /// The CR before a LF may be missing.
    pub const OPTIONAL_CR_BEFORE_LF: Lenient = Lenient(1 << 8);
    /// Spaces may follow the size of a chunk.
    pub const SPACES_AFTER_CHUNK_SIZE: Lenient = Lenient(1 << 9);
    /// `httpValidation: 'relaxed'`.
    pub const HEADER_VALUE_RELAXED: Lenient = Lenient(1 << 10);
    /// `insecureHTTPParser`.
    pub const ALL: Lenient = Lenient(0x3ff);

    /// Makes flags from a number. Bits that Node does not define are dropped.
    pub const fn from_bits(bits: u32) -> Lenient {
        Lenient((bits & 0x7ff) as u16)
    }

    /// The number of the flags, as in Node.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether all flags of `other` are set.
    pub const fn contains(self, other: Lenient) -> bool {
        self.0 & other.0 == other.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_get_their_own_profile() {
        let node20 = Profile::for_host("9.3.1", 20);
        assert!(!node20.tab_after_content_length);
        assert!(!node20.refuse_empty_transfer_encoding);
        assert_eq!(node20.header_count, HeaderCount::DropGroups);
        let node24 = Profile::for_host("9.4.3", 24);
        assert!(node24.tab_after_content_length && node24.tab_after_connection_token);
        assert!(node24.refuse_empty_transfer_encoding && node24.upgrade_skips_body);
        assert_eq!(node24.header_count, HeaderCount::Refuse);
        let node26 = Profile::for_host("9.4.3", 26);
        assert!(!node26.upgrade_skips_body);
        let node26_0 = Profile::of("9.3.1", HeaderCount::Truncate, false);
        assert_eq!(node26_0.header_count, HeaderCount::Truncate);
        assert!(!node26_0.upgrade_skips_body);
        let between = Profile::for_host("9.4.1", 22);
        assert!(between.tab_after_content_length && !between.tab_after_connection_token);
    }
}
