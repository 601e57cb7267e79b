//! The counters of Node's binding: what makes a head, trailers or chunk extensions too big.

use super::profile::{FLUSH_GROUP, HeaderCount};
use super::{Code, Config, Reason};

/// Bytes of names and values that the extensions of one chunk may have.
pub const MAX_CHUNK_EXTENSIONS: u64 = 16 * 1024;

/// What has been counted since the last reset.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Bytes of target, names and values, with the blanks that end a value.
    head_bytes: u64,
    extension_bytes: u64,
    fields: u64,
}

/// A limit was reached; the caller knows where.
pub type Exceeded = (Code, Reason);

impl Limits {
    /// A message begins. The bytes of the head need no reset: the end of the last one did it.
    pub fn message_begin(&mut self) {
        self.fields = 0;
        self.extension_bytes = 0;
    }

    /// The head is complete; trailers have budgets of their own.
    pub fn head_complete(&mut self) {
        self.fields = 0;
        self.head_bytes = 0;
    }

    pub fn chunk_header(&mut self) {
        self.head_bytes = 0;
        self.extension_bytes = 0;
    }

    pub fn chunk_complete(&mut self) {
        self.head_bytes = 0;
    }

    /// A run of a target, name or value was seen, up to its end or the packet's.
    #[inline]
    pub fn count_bytes(&mut self, bytes: usize, config: &Config) -> Result<(), Exceeded> {
        self.head_bytes += bytes as u64;
        if self.head_bytes >= config.max_header_size {
            return Err((Code::HeaderOverflow, Reason::HeaderOverflow));
        }
        Ok(())
    }

    /// A header or trailer line begins. Whether it is to be kept.
    #[inline]
    pub fn count_field(&mut self, config: &Config) -> Result<bool, Exceeded> {
        let before = self.fields;
        self.fields += 1;
        if config.max_header_pairs <= 0 {
            return Ok(true);
        }
        let limit = config.max_header_pairs as u64;
        match config.profile.header_count {
            HeaderCount::Refuse if self.fields * 2 > limit => {
                Err((Code::HeaderOverflow, Reason::HeaderOverflow))
            }
            HeaderCount::Refuse => Ok(true),
            HeaderCount::DropGroups => {
                let group = FLUSH_GROUP as u64;
                Ok(before < group || before / group * group * 2 < limit)
            }
            HeaderCount::Truncate => Ok(before < FLUSH_GROUP as u64 || before * 2 < limit),
        }
    }

    /// Whether more lines have begun than Node's binding hands over at once.
    pub fn has_flushed(&self) -> bool {
        self.fields > FLUSH_GROUP as u64
    }

    /// Bytes of target, names and values so far.
    pub fn head_bytes(&self) -> u64 {
        self.head_bytes
    }

    /// Lines that have begun.
    pub fn fields(&self) -> u64 {
        self.fields
    }

    /// Bytes of the chunk's extensions so far.
    pub fn extension_bytes(&self) -> u64 {
        self.extension_bytes
    }

    pub fn count_extension(&mut self, bytes: usize) -> Result<(), Exceeded> {
        self.extension_bytes += bytes as u64;
        if self.extension_bytes > MAX_CHUNK_EXTENSIONS {
            return Err((
                Code::ChunkExtensionsOverflow,
                Reason::ChunkExtensionsOverflow,
            ));
        }
        Ok(())
    }
}
