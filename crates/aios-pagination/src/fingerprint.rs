//! Stable hashes of orders and filters, by which a cursor knows the listing it was made for.

/// A hash of everything that decides which rows a listing holds: tenant, filters, search text.
///
/// A cursor carries it, and is refused where another listing's is expected. It is the same in every process, on every
/// platform and in every version of this crate: FNV-1a over 64 bits, each part written as its length (64 bits, little
/// end first) and its bytes, the result folded to 32 bits. It guards against mistakes; forgery is what signatures are for.
///
/// ```
/// use aios_pagination::Fingerprint;
///
/// let filters = Fingerprint::new("agents").with("category", Some("writing")).with("min_rating", None::<&str>);
/// assert_ne!(filters, Fingerprint::new("agents").with("category", None::<&str>).with("min_rating", None::<&str>));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub struct Fingerprint {
    state: u64,
}

impl Default for Fingerprint {
    /// The fingerprint of a listing without filters.
    fn default() -> Self {
        Self::new("")
    }
}

impl Fingerprint {
    /// Begins with the listing's name (`"agents"`, `"reviews"`).
    pub fn new(listing: &str) -> Self {
        Self { state: OFFSET }.part(listing.as_bytes())
    }

    /// Adds one named filter. `None` differs from every value, and parts can't run into each other.
    pub fn with(self, name: &str, value: impl FingerprintPart) -> Self {
        value.add_to(self.part(name.as_bytes()))
    }

    /// Adds raw bytes, preceded by their number.
    pub fn part(self, bytes: &[u8]) -> Self {
        let length = bytes.len() as u64;
        self.raw(&length.to_le_bytes()).raw(bytes)
    }

    /// The 32 bits that a cursor carries.
    pub fn folded(self) -> u32 {
        let mixed = (self.state ^ (self.state >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        #[expect(clippy::cast_possible_truncation, reason = "the fold's low half is what is kept")]
        let folded = (mixed ^ (mixed >> 32)) as u32;
        folded
    }

    /// All 64 bits.
    pub(crate) fn bits(self) -> u64 {
        self.state
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            self.state = (self.state ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
        self
    }
}

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// The checksum of an unsigned cursor: FNV-1a over 64 bits, folded to 32.
pub(crate) fn checksum(bytes: &[u8]) -> [u8; 4] {
    Fingerprint { state: OFFSET }.raw(bytes).folded().to_le_bytes()
}

/// A value that may be part of a [`Fingerprint`].
pub trait FingerprintPart {
    /// Adds the value so that no two values of the type add the same bytes.
    fn add_to(&self, fingerprint: Fingerprint) -> Fingerprint;
}

impl FingerprintPart for str {
    fn add_to(&self, fingerprint: Fingerprint) -> Fingerprint {
        fingerprint.part(self.as_bytes())
    }
}

impl FingerprintPart for String {
    fn add_to(&self, fingerprint: Fingerprint) -> Fingerprint {
        self.as_str().add_to(fingerprint)
    }
}

impl FingerprintPart for bool {
    fn add_to(&self, fingerprint: Fingerprint) -> Fingerprint {
        fingerprint.part(&[u8::from(*self)])
    }
}

macro_rules! numbers {
    ($($type:ty),+) => {$(
        impl FingerprintPart for $type {
            fn add_to(&self, fingerprint: Fingerprint) -> Fingerprint {
                fingerprint.part(&self.to_le_bytes())
            }
        }
    )+};
}

numbers!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);

#[cfg(feature = "uuid")]
impl FingerprintPart for uuid::Uuid {
    fn add_to(&self, fingerprint: Fingerprint) -> Fingerprint {
        fingerprint.part(self.as_bytes())
    }
}

impl<T: FingerprintPart + ?Sized> FingerprintPart for &T {
    fn add_to(&self, fingerprint: Fingerprint) -> Fingerprint {
        (**self).add_to(fingerprint)
    }
}

impl<T: FingerprintPart> FingerprintPart for Option<T> {
    fn add_to(&self, fingerprint: Fingerprint) -> Fingerprint {
        match self {
            None => fingerprint.part(&[0]),
            Some(value) => value.add_to(fingerprint.part(&[1])),
        }
    }
}

/// The elements in their order, preceded by their number; sort them first where the order does not matter.
impl<T: FingerprintPart> FingerprintPart for [T] {
    fn add_to(&self, fingerprint: Fingerprint) -> Fingerprint {
        let length = (self.len() as u64).to_le_bytes();
        self.iter()
            .fold(fingerprint.part(&length), |all, element| element.add_to(all))
    }
}

impl<T: FingerprintPart> FingerprintPart for Vec<T> {
    fn add_to(&self, fingerprint: Fingerprint) -> Fingerprint {
        self.as_slice().add_to(fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pinned: a change here would refuse every cursor handed out by the version before.
    #[test]
    fn fingerprints_are_the_same_everywhere() {
        assert_eq!(Fingerprint::new("agents").folded(), 0x0311_2407);
        let filters = Fingerprint::new("agents")
            .with("category", Some("writing"))
            .with("min_rating", None::<&str>);
        assert_eq!(filters.folded(), 0xbd1b_ea76);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let split = |a: &str, b: &str| Fingerprint::new("x").with("a", a).with("b", b);
        assert_ne!(split("ab", "c"), split("a", "bc"));
        assert_ne!(
            Fingerprint::new("x").with("a", None::<&str>),
            Fingerprint::new("x").with("a", Some(""))
        );
        assert_ne!(
            Fingerprint::new("x").with("tags", ["a", "b"].as_slice()),
            Fingerprint::new("x").with("tags", ["b", "a"].as_slice())
        );
    }
}
