//! Reading HTTP/1.1 answers (RFC 9112) at the least cost: the status, how long the body is, and whether the connection stays.
//!
//! Bodies are counted and not kept, unless somebody asks for them. One answer at a time: nothing here is pipelined.

use memchr::memchr;

/// The longest head that is waited for, in bytes.
const LONGEST_HEAD: usize = 64 * 1024;

/// What is known of an answer once all of it has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Bytes of the head and of the body as they came, chunk sizes included.
    pub bytes: u64,
    /// Whether the server closes the connection after this answer.
    pub closes: bool,
    /// What `Cache-Status` says (RFC 9211), where the answer has it: a hit or something else.
    pub cache_hit: Option<bool>,
}

/// Bytes that are no answer to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Puts an answer together from the pieces in which it arrives.
#[derive(Debug, Default)]
pub struct ResponseReader {
    state: State,
    /// The beginning of a head whose end has not arrived.
    head: Vec<u8>,
    answer: Option<Answer>,
    /// Whether the request was a HEAD, whose answer has no body.
    to_head: bool,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Head,
    Length(u64),
    Chunked(Chunk),
    Done,
}

/// Where in a chunked body the next byte stands.
#[derive(Debug, Clone, Copy)]
enum Chunk {
    Size(u64),
    Extension(u64),
    Data(u64),
    AfterData,
    /// How many bytes of the trailer's current line came before.
    Trailer(u64),
}

impl ResponseReader {
    /// Makes it ready for the answer to the next request.
    pub fn begin(&mut self, to_head: bool) {
        self.state = State::Head;
        self.head.clear();
        self.answer = None;
        self.to_head = to_head;
    }

    /// Takes the bytes that have arrived, and hands back the answer once it is whole. What belongs to the body is added to
    /// `body`, where there is one.
    ///
    /// # Errors
    /// [`Malformed`] where the bytes are no answer, or go beyond it.
    pub fn feed(&mut self, bytes: &[u8], mut body: Option<&mut Vec<u8>>) -> Result<Option<Answer>, Malformed> {
        let mut rest = bytes;
        if matches!(self.state, State::Head) {
            let Some(after) = self.feed_head(rest)? else {
                return Ok(None);
            };
            rest = after;
        }
        if let Some(answer) = &mut self.answer {
            answer.bytes += rest.len() as u64;
        }
        let rest = match self.state {
            State::Length(left) => {
                let (ours, beyond) = split(rest, left);
                keep(&mut body, ours);
                let left = left - ours.len() as u64;
                self.state = if left == 0 { State::Done } else { State::Length(left) };
                beyond
            }
            State::Chunked(place) => self.feed_chunks(place, rest, &mut body)?,
            State::Head | State::Done => rest,
        };
        match self.state {
            State::Done if rest.is_empty() => Ok(self.answer),
            State::Done => Err(Malformed),
            _ => Ok(None),
        }
    }

    /// Reads the head and hands back what comes after it, or nothing where its end is yet to come.
    fn feed_head<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<&'a [u8]>, Malformed> {
        if self.head.is_empty()
            && let Some(head) = Head::read(bytes)?
        {
            let after = bytes.get(head.length..).unwrap_or_default();
            self.take_head(&head, head.length);
            return Ok(Some(after));
        }
        let before = self.head.len();
        self.head.extend_from_slice(bytes);
        match Head::read(&self.head)? {
            Some(head) => {
                self.take_head(&head, head.length);
                Ok(bytes.get(head.length.saturating_sub(before)..))
            }
            None if self.head.len() > LONGEST_HEAD => Err(Malformed),
            None => Ok(None),
        }
    }

    fn take_head(&mut self, head: &Head, length: usize) {
        let has_none = self.to_head || matches!(head.status, 204 | 304);
        self.state = match (has_none, head.is_chunked, head.content_length) {
            (true, _, _) | (false, false, Some(0)) => State::Done,
            (false, true, _) => State::Chunked(Chunk::Size(0)),
            (false, false, Some(left)) => State::Length(left),
            // Up to the end of the connection: no server that keeps connections alive answers so.
            (false, false, None) => State::Length(u64::MAX),
        };
        self.answer = Some(Answer {
            status: head.status,
            bytes: length as u64,
            closes: head.closes,
            cache_hit: head.cache_hit,
        });
    }

    /// Goes through chunks (RFC 9112, section 7.1) and hands back what comes after the last one.
    fn feed_chunks<'a>(
        &mut self,
        mut place: Chunk,
        mut rest: &'a [u8],
        body: &mut Option<&mut Vec<u8>>,
    ) -> Result<&'a [u8], Malformed> {
        while let Some((&byte, after)) = rest.split_first() {
            if let Chunk::Data(left) = place {
                let (ours, beyond) = split(rest, left);
                keep(body, ours);
                rest = beyond;
                let left = left - ours.len() as u64;
                place = if left == 0 { Chunk::AfterData } else { Chunk::Data(left) };
                continue;
            }
            rest = after;
            place = match (place, byte) {
                (Chunk::Size(0) | Chunk::Extension(0), b'\n') => Chunk::Trailer(0),
                (Chunk::Size(size) | Chunk::Extension(size), b'\n') => Chunk::Data(size),
                (Chunk::Size(size), b'\r' | b';') | (Chunk::Extension(size), _) => Chunk::Extension(size),
                (Chunk::Size(size), digit) => Chunk::Size(with_digit(size, digit)?),
                (Chunk::AfterData, b'\n') => Chunk::Size(0),
                (Chunk::AfterData, b'\r') => Chunk::AfterData,
                (Chunk::Trailer(0), b'\n') => {
                    self.state = State::Done;
                    return Ok(rest);
                }
                (Chunk::Trailer(_), b'\n') => Chunk::Trailer(0),
                (Chunk::Trailer(length), b'\r') => Chunk::Trailer(length),
                (Chunk::Trailer(length), _) => Chunk::Trailer(length + 1),
                (Chunk::AfterData | Chunk::Data(_), _) => return Err(Malformed),
            };
        }
        self.state = State::Chunked(place);
        Ok(rest)
    }
}

fn with_digit(size: u64, digit: u8) -> Result<u64, Malformed> {
    let digit = char::from(digit).to_digit(16).ok_or(Malformed)?;
    let size = size.checked_mul(16).ok_or(Malformed)?;
    Ok(size + u64::from(digit))
}

fn keep(body: &mut Option<&mut Vec<u8>>, bytes: &[u8]) {
    if let Some(body) = body {
        body.extend_from_slice(bytes);
    }
}

/// The first `length` bytes, or all there are, and the others.
fn split(bytes: &[u8], length: u64) -> (&[u8], &[u8]) {
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(bytes.len());
    bytes.split_at(length)
}

/// What matters of a head.
struct Head {
    status: u16,
    length: usize,
    content_length: Option<u64>,
    is_chunked: bool,
    closes: bool,
    cache_hit: Option<bool>,
}

impl Head {
    /// The head at the beginning of the bytes, where all of it is there.
    fn read(bytes: &[u8]) -> Result<Option<Self>, Malformed> {
        let Some((line, mut place)) = line_at(bytes, 0) else {
            return Ok(None);
        };
        let mut head = Self {
            status: status(line)?,
            length: 0,
            content_length: None,
            is_chunked: false,
            closes: false,
            cache_hit: None,
        };
        while let Some((line, next)) = line_at(bytes, place) {
            place = next;
            if line.is_empty() {
                head.length = place;
                return Ok(Some(head));
            }
            head.note(line)?;
        }
        Ok(None)
    }

    fn note(&mut self, line: &[u8]) -> Result<(), Malformed> {
        // Told apart by the first letter, so that most lines cost one comparison.
        match line.first().map(u8::to_ascii_lowercase) {
            Some(b'c') => {
                if let Some(value) = value_of(line, b"content-length:") {
                    self.content_length = Some(number(value)?);
                } else if let Some(value) = value_of(line, b"connection:") {
                    self.closes = value.eq_ignore_ascii_case(b"close");
                } else if let Some(value) = value_of(line, b"cache-status:") {
                    self.cache_hit = Some(says_hit(value));
                }
            }
            Some(b't') => {
                if let Some(value) = value_of(line, b"transfer-encoding:") {
                    self.is_chunked = value.to_ascii_lowercase().ends_with(b"chunked");
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// The line that begins at `place`, without its end, and where the next one begins.
fn line_at(bytes: &[u8], place: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(place..)?;
    let end = memchr(b'\n', rest)?;
    let line = rest.get(..end)?;
    Some((line.strip_suffix(b"\r").unwrap_or(line), place + end + 1))
}

/// The status of a line such as `HTTP/1.1 200 OK`.
fn status(line: &[u8]) -> Result<u16, Malformed> {
    if !line.starts_with(b"HTTP/1.") {
        return Err(Malformed);
    }
    let digits = line.get(9..12).ok_or(Malformed)?;
    u16::try_from(number(digits)?).map_err(|_| Malformed)
}

fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (found, value) = line.split_at_checked(name.len())?;
    found.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

fn number(digits: &[u8]) -> Result<u64, Malformed> {
    let text = std::str::from_utf8(digits).map_err(|_| Malformed)?;
    text.parse().map_err(|_| Malformed)
}

/// Whether the cache nearest to the origin, the first member of the list, answered (RFC 9211, section 2).
fn says_hit(value: &[u8]) -> bool {
    let first = value.split(|&byte| byte == b',').next().unwrap_or_default();
    first
        .split(|&byte| byte == b';')
        .any(|parameter| parameter.trim_ascii() == b"hit")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &[u8] =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4\r\nwiki\r\nA;x=y\r\npedia in c\r\n0\r\nT: v\r\n\r\n";

    /// The answer and its body, with the bytes arriving so many at a time.
    fn read(bytes: &[u8], step: usize, to_head: bool) -> Result<(Option<Answer>, Vec<u8>), Malformed> {
        let (mut reader, mut body) = (ResponseReader::default(), Vec::new());
        reader.begin(to_head);
        let mut last = None;
        for piece in bytes.chunks(step) {
            assert_eq!(last, None, "whole before its end");
            last = reader.feed(piece, Some(&mut body))?;
        }
        Ok((last, body))
    }

    #[test]
    fn answers_are_read_in_whatever_pieces_they_come() {
        let plain = b"HTTP/1.1 201 Created\r\ncontent-LENGTH: 5\r\nx-y: z\r\n\r\nhello";
        for (bytes, status, body) in [(&plain[..], 201, "hello"), (CHUNKED, 200, "wikipedia in c")] {
            for step in 1..=bytes.len() {
                let (answer, read) = read(bytes, step, false).unwrap();
                let answer = answer.unwrap();
                assert_eq!((answer.status, answer.bytes), (status, bytes.len() as u64));
                assert_eq!(read, body.as_bytes(), "{step}");
                assert!(!answer.closes);
            }
        }
    }

    #[test]
    fn answers_without_a_body_end_with_their_head() {
        let not_modified = b"HTTP/1.1 304 Not Modified\r\netag: \"x\"\r\ncontent-length: 900\r\n\r\n";
        assert_eq!(read(not_modified, 7, false).unwrap().0.unwrap().status, 304);
        let to_head = b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\nconnection: close\r\n\r\n";
        let answer = read(to_head, 7, true).unwrap().0.unwrap();
        assert!(answer.status == 200 && answer.closes);
        assert_eq!(read(to_head, 7, false).unwrap().0, None, "a GET waits for the body");
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for bytes in [
            &b"HTTP/2 200\r\n\r\n"[..],
            b"HTTP/1.1 abc OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nxy",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        ] {
            assert_eq!(read(bytes, bytes.len(), false), Err(Malformed));
        }
    }

    #[test]
    fn the_cache_says_how_it_answered() {
        let head = |value: &str| format!("HTTP/1.1 200 OK\r\nCache-Status: {value}\r\ncontent-length: 0\r\n\r\n");
        let hit = |value: &str| read(head(value).as_bytes(), 99, false).unwrap().0.unwrap().cache_hit;
        assert_eq!(hit("aios; hit; ttl=12"), Some(true));
        assert_eq!(hit("aios; fwd=miss, edge; hit"), Some(false));
        assert_eq!(read(CHUNKED, 999, false).unwrap().0.unwrap().cache_hit, None);
    }
}
