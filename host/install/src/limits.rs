//! How much an archive may be, so that none unpacks without end.

/// What may be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How large the archive itself may be.
    pub archive_bytes: u64,
    /// How large its files may be together.
    pub unpacked_bytes: u64,
    /// How many files and folders it may hold.
    pub entries: usize,
    /// How many times larger than the archive its files may be together.
    pub ratio: u64,
    /// How many folders may lie in each other.
    pub depth: usize,
}

impl Limits {
    /// What any archive may unpack to, whatever its own size: text shrinks to next to nothing.
    const ALWAYS_FINE_BYTES: u64 = 16 * 1024 * 1024;

    /// Returns how much may be unpacked from an archive of this size, and whether its size is the reason.
    pub(crate) fn unpacked_from(&self, archive_bytes: u64) -> (u64, Bound) {
        let by_ratio = archive_bytes
            .saturating_mul(self.ratio)
            .max(Self::ALWAYS_FINE_BYTES);
        if by_ratio < self.unpacked_bytes {
            (by_ratio, Bound::Ratio)
        } else {
            (self.unpacked_bytes, Bound::Size)
        }
    }
}

/// Which limit bounds what is unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    /// The size of all files together.
    Size,
    /// That size beside the archive's.
    Ratio,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            archive_bytes: 512 * 1024 * 1024,
            unpacked_bytes: 2 * 1024 * 1024 * 1024,
            entries: 20_000,
            ratio: 200,
            depth: 32,
        }
    }
}
