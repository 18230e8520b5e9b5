//! Payloads made smaller, and back again without making room for more than a cap.

const LZ4: u8 = 1;
const ZSTD: u8 = 2;

/// How payloads are compressed on their way to the shared tier.
///
/// What is smaller than [`above`](Self::above), and what compression does not make smaller, is stored as it is. A change
/// needs no care: entries say how they are compressed, and each is read that this build has the feature for (`lz4`, `zstd`).
///
/// ```
/// use aios_cache::Compression;
///
/// let pages = Compression::default().above(16 << 10);
/// assert_ne!(pages, Compression::none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compression {
    algorithm: Algorithm,
    above: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    None,
    #[cfg(feature = "lz4")]
    Lz4,
    #[cfg(feature = "zstd")]
    Zstd(i32),
}

/// Below, an entry is one packet anyway; from here on lz4 halves it for a microsecond a read (`cargo bench -p aios-cache --bench compression`).
const ABOVE: usize = 2 << 10;

impl Default for Compression {
    /// lz4 where this build has it, else zstd with level 1, else none.
    fn default() -> Self {
        #[cfg(feature = "lz4")]
        return Self::lz4();
        #[cfg(all(feature = "zstd", not(feature = "lz4")))]
        return Self::zstd(1);
        #[cfg(not(any(feature = "lz4", feature = "zstd")))]
        return Self::none();
    }
}

impl Compression {
    /// Nothing is compressed.
    pub const fn none() -> Self {
        Self::by(Algorithm::None)
    }

    /// By lz4: costs next to nothing, makes texts half as long.
    #[cfg(feature = "lz4")]
    pub const fn lz4() -> Self {
        Self::by(Algorithm::Lz4)
    }

    /// By zstd with a level from 1 (quick) to 22 (small); takes some times as long as lz4, makes texts a third as long.
    #[cfg(feature = "zstd")]
    pub const fn zstd(level: i32) -> Self {
        Self::by(Algorithm::Zstd(level))
    }

    const fn by(algorithm: Algorithm) -> Self {
        Self {
            algorithm,
            above: ABOVE,
        }
    }

    /// Payloads from this many bytes on are compressed; 2 KiB where nothing is said.
    #[must_use]
    pub const fn above(mut self, bytes: usize) -> Self {
        self.above = bytes;
        self
    }

    /// The algorithm's number and the compressed payload, where it is worth it.
    pub(super) fn compress(self, payload: &[u8]) -> Option<(u8, Vec<u8>)> {
        if payload.len() < self.above {
            return None;
        }
        let compressed: Option<(u8, Vec<u8>)> = match self.algorithm {
            Algorithm::None => None,
            #[cfg(feature = "lz4")]
            Algorithm::Lz4 => Some((LZ4, lz4_flex::block::compress(payload))),
            #[cfg(feature = "zstd")]
            Algorithm::Zstd(level) => zstd::bulk::compress(payload, level).ok().map(|bytes| (ZSTD, bytes)),
        };
        compressed.filter(|(_, bytes)| bytes.len() < payload.len())
    }
}

/// The payload, if it is just this long. No room is made for what so few bytes can't become.
pub(super) fn decompress(number: u8, compressed: &[u8], length: usize) -> Option<Vec<u8>> {
    if length > most(number, compressed.len())? {
        return None;
    }
    let payload: Option<Vec<u8>> = match number {
        #[cfg(feature = "lz4")]
        LZ4 => lz4_flex::block::decompress(compressed, length).ok(),
        #[cfg(feature = "zstd")]
        ZSTD => unzstd(compressed, length),
        _ => None,
    };
    payload.filter(|payload| payload.len() == length)
}

/// A context costs ten times what it takes to read a few kilobytes with it, so each thread keeps one. For writing none is
/// kept: a load came before, and contexts of high levels are large.
#[cfg(feature = "zstd")]
fn unzstd(compressed: &[u8], length: usize) -> Option<Vec<u8>> {
    use std::cell::RefCell;

    use zstd::bulk::Decompressor;

    thread_local! {
        static KEPT: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    }
    let read = |kept: &RefCell<Option<Decompressor<'static>>>| {
        let mut kept = kept.try_borrow_mut().ok()?;
        if kept.is_none() {
            *kept = Some(Decompressor::new().ok()?);
        }
        kept.as_mut()?.decompress(compressed, length).ok()
    };
    KEPT.try_with(read).ok().flatten()
}

/// How long the payload can be at most, by the format.
fn most(number: u8, compressed: usize) -> Option<usize> {
    let ratio = match number {
        // A byte more says that up to 255 bytes more are repeated.
        LZ4 => 255,
        // A block of four bytes says that one is repeated up to 128 Ki times.
        ZSTD => 32 << 10,
        _ => return None,
    };
    Some(compressed.saturating_mul(ratio))
}
