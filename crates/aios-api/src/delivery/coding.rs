//! Content-codings: which there are, and which of them a client accepts (RFC 9110, section 12.5.3).

use actix_web::http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};

/// How the bytes of a body are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Brotli,
    Zstd,
    Gzip,
    Identity,
}

impl Coding {
    /// Those that change the bytes, the smallest first: for what is kept, its size is what counts, and all three cost the
    /// client little.
    pub(crate) const COMPRESSED: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// The coding's name in `Content-Encoding` and in metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }

    /// The value of `Content-Encoding`; `None` where there is no such header.
    pub(crate) fn header(self) -> Option<HeaderValue> {
        (self != Self::Identity).then(|| HeaderValue::from_static(self.name()))
    }
}

/// A q-value in thousandths.
type Quality = u16;

const WHOLE: Quality = 1_000;

/// What a client accepts, the most wanted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accepted([(Coding, Quality); 4]);

impl Accepted {
    const NOTHING_BUT_IDENTITY: Self = Self([
        (Coding::Identity, WHOLE),
        (Coding::Brotli, 0),
        (Coding::Zstd, 0),
        (Coding::Gzip, 0),
    ]);

    /// What the request's `Accept-Encoding` says. Without one, or where it is not what RFC 9110 makes of it, the body goes
    /// out as it is: that is what every client understands. At equal q-values `preference` decides.
    pub(crate) fn of(headers: &HeaderMap, preference: [Coding; 3]) -> Self {
        let mut asked = Asked::default();
        for value in headers.get_all(ACCEPT_ENCODING) {
            if asked.read(value.as_bytes()).is_none() {
                return Self::NOTHING_BUT_IDENTITY;
            }
        }
        if asked == Asked::default() {
            return Self::NOTHING_BUT_IDENTITY;
        }
        let [first, second, third] = preference;
        let mut ranked = [first, second, third, Coding::Identity].map(|coding| (coding, asked.quality(coding)));
        // Stable, so that equals stay as they were preferred.
        ranked.sort_by_key(|&(_, quality)| std::cmp::Reverse(quality));
        Self(ranked)
    }

    /// The acceptable codings, the most wanted first.
    pub(crate) fn ranked(self) -> impl Iterator<Item = Coding> {
        self.0
            .into_iter()
            .filter(|&(_, quality)| quality > 0)
            .map(|(coding, _)| coding)
    }

    /// Whether the body may go out as it is.
    pub(crate) fn has_identity(self) -> bool {
        self.ranked().any(|coding| coding == Coding::Identity)
    }
}

/// The q-values that a client named.
#[derive(Default, PartialEq, Eq)]
struct Asked {
    brotli: Option<Quality>,
    zstd: Option<Quality>,
    gzip: Option<Quality>,
    identity: Option<Quality>,
    others: Option<Quality>,
}

impl Asked {
    /// Reads one field value; `None` where it is malformed.
    fn read(&mut self, value: &[u8]) -> Option<()> {
        for item in value.split(|&byte| byte == b',') {
            let item = item.trim_ascii();
            if item.is_empty() {
                continue;
            }
            let mut parts = item.splitn(2, |&byte| byte == b';');
            let name = parts.next()?.trim_ascii_end();
            let quality = parts.next().map_or(Some(WHOLE), weight)?;
            if name.is_empty() || !name.iter().all(|&byte| is_token(byte)) {
                return None;
            }
            if let Some(place) = self.place(name) {
                *place = Some(quality);
            }
        }
        Some(())
    }

    fn place(&mut self, name: &[u8]) -> Option<&mut Option<Quality>> {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        match name {
            _ if is("br") => Some(&mut self.brotli),
            _ if is("zstd") => Some(&mut self.zstd),
            // RFC 9110, section 8.4.1.3: the old name means the same.
            _ if is("gzip") || is("x-gzip") => Some(&mut self.gzip),
            _ if is("identity") => Some(&mut self.identity),
            b"*" => Some(&mut self.others),
            _ => None,
        }
    }

    fn quality(&self, coding: Coding) -> Quality {
        match coding {
            Coding::Brotli => self.brotli.or(self.others).unwrap_or(0),
            Coding::Zstd => self.zstd.or(self.others).unwrap_or(0),
            Coding::Gzip => self.gzip.or(self.others).unwrap_or(0),
            // Acceptable unless it is refused, and the least wanted where it is not named.
            Coding::Identity => self
                .identity
                .or(self.others.filter(|&quality| quality == 0))
                .unwrap_or(1),
        }
    }
}

/// The q-value in `q=0.5`, in thousandths.
fn weight(parameter: &[u8]) -> Option<Quality> {
    let parameter = parameter.trim_ascii();
    let digits = parameter
        .strip_prefix(b"q=")
        .or_else(|| parameter.strip_prefix(b"Q="))?;
    let (whole, fraction) = match digits {
        [whole] => (whole, &[][..]),
        [whole, b'.', fraction @ ..] => (whole, fraction),
        _ => return None,
    };
    if fraction.len() > 3 || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let thousandths = [100, 10, 1].iter().zip(fraction);
    let fraction: Quality = thousandths
        .map(|(place, digit)| place * Quality::from(digit - b'0'))
        .sum();
    match (whole, fraction) {
        (b'0', fraction) => Some(fraction),
        (b'1', 0) => Some(WHOLE),
        _ => None,
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(fields: &[&str]) -> Vec<&'static str> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(ACCEPT_ENCODING, HeaderValue::from_str(field).unwrap());
        }
        let accepted = Accepted::of(&headers, Coding::COMPRESSED);
        accepted.ranked().map(Coding::name).collect()
    }

    #[test]
    fn the_client_ranks_and_equals_go_by_size() {
        assert_eq!(ranked(&["gzip, deflate, br, zstd"]), ["br", "zstd", "gzip", "identity"]);
        assert_eq!(ranked(&["br;q=0.1, gzip;q=0.9"]), ["gzip", "br", "identity"]);
        assert_eq!(ranked(&["gzip", "BR ; Q=0.5"]), ["gzip", "br", "identity"]);
        assert_eq!(ranked(&["x-gzip"]), ["gzip", "identity"]);
        assert_eq!(ranked(&["identity, br;q=0.5"]), ["identity", "br"]);
        assert_eq!(ranked(&["*;q=0.5, gzip;q=0.7, zstd;q=0"]), ["gzip", "br", "identity"]);
    }

    #[test]
    fn identity_goes_out_unless_it_is_refused() {
        assert_eq!(ranked(&[]), ["identity"]);
        assert_eq!(ranked(&[""]), ["identity"]);
        assert_eq!(ranked(&["deflate, compress"]), ["identity"]);
        assert!(ranked(&["identity;q=0"]).is_empty());
        assert!(ranked(&["*;q=0"]).is_empty());
        assert_eq!(ranked(&["*;q=0, gzip"]), ["gzip"]);
        assert_eq!(ranked(&["*;q=0, identity;q=0.2"]), ["identity"]);
        assert_eq!(ranked(&["gzip;q=0"]), ["identity"]);
    }

    #[test]
    fn what_is_malformed_asks_for_nothing() {
        for malformed in [
            "gzip;q=2",
            "gzip;q=1.1",
            "gzip;q=0.1234",
            "gzip;q=",
            "gzip;level=9",
            "g zip",
            "br;q=.5",
        ] {
            assert_eq!(ranked(&[malformed]), ["identity"], "{malformed}");
        }
        assert_eq!(ranked(&[", ,gzip,, "]), ["gzip", "identity"]);
    }
}
