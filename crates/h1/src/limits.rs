//! The counters of Node's binding. They decide whether a head, trailers or chunk extensions are too large.

use super::profile::{FLUSH_GROUP, HeaderCount};
use super::{Code, Config, Reason};

/// How many bytes the names and values of the extensions of one chunk may have.
pub const MAX_CHUNK_EXTENSIONS: u64 = 16 * 1024;

/// The counts since the last reset.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Bytes of target, names and values, with the blanks at the end of a value.
    head_bytes: u64,
    extension_bytes: u64,
    fields: u64,
}

/// The error of a limit that was reached. The caller knows its offset.
pub type Exceeded = (Code, Reason);

impl Limits {
    /// A message begins. The count of bytes needs no reset, since the end of the last head has reset it.
    pub fn message_begin(&mut self) {
        self.fields = 0;
        self.extension_bytes = 0;
    }

    /// The head is complete. Trailers are counted from the beginning.
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

    /// Counts a run of a target, name or value, up to its end or the end of the packet.
    #[inline]
    pub fn count_bytes(&mut self, bytes: usize, config: &Config) -> Result<(), Exceeded> {
        self.head_bytes += bytes as u64;
        if self.head_bytes >= config.max_header_size {
            return Err((Code::HeaderOverflow, Reason::HeaderOverflow));
        }
        Ok(())
    }

    /// Counts a header or trailer line that begins. Returns whether it is kept.
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

    /// The bytes of target, names and values so far.
    pub fn head_bytes(&self) -> u64 {
        self.head_bytes
    }

    /// The number of lines that have begun.
    pub fn fields(&self) -> u64 {
        self.fields
    }

    /// The bytes of the chunk's extensions so far.
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
