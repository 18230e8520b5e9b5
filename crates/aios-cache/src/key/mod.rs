//! Keys: from whatever names a value to text that no other input shares.
//!
//! The text is a tree written out. A leaf is text in which `:`, `%` and control characters stand as `%` and two hexadecimal
//! digits. `%` before anything else is a mark: `%(` and `%)` around what belongs together, `%.` for no parts at all, `%-` for
//! none, `%+` before some of what looks like the last two. Around the outermost parts the brackets are left out where there
//! are two or more, since the `:` between them tells as much.

mod impls;
#[cfg(test)]
mod tests;

use std::fmt::{self, Display, Write as _};

use arrayvec::ArrayString;

/// What can name a value.
///
/// Two values of one type that are not equal must not write the same text. Texts, numbers, `bool`, `char`, `Option`,
/// references, tuples and lists of keys are keys already, and so is `uuid::Uuid` with the feature `uuid`. Types are not
/// part of the text: `1` and `"1"` are one key.
///
/// A type that wraps a key hands on; one that has several parts writes one after the other, and
/// [`KeyText`] takes care that they can't run into each other:
///
/// ```
/// use aios_cache::{CacheKey, KeyText};
///
/// struct AgentId(u64);
///
/// impl CacheKey for AgentId {
///     fn write_key(&self, key: &mut KeyText) {
///         self.0.write_key(key);
///     }
/// }
///
/// struct Search {
///     text: String,
///     page: u32,
/// }
///
/// impl CacheKey for Search {
///     fn write_key(&self, key: &mut KeyText) {
///         key.part(&self.text).part(&self.page);
///     }
/// }
///
/// let search = Search { text: "what: 100%".to_owned(), page: 2 };
/// assert_eq!(KeyText::of(&AgentId(7)).as_str(), "7");
/// assert_eq!(KeyText::of(&search).as_str(), "what%3A 100%25:2");
/// assert_eq!(KeyText::of(&(AgentId(7), search)).as_str(), "7:%(what%3A 100%25:2%)");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be part of a cache key",
    label = "`CacheKey` is not implemented for `{Self}`",
    note = "implement `aios_cache::CacheKey` for it, use what identifies it, or leave it out of the key"
)]
pub trait CacheKey {
    /// Writes this key's text.
    fn write_key(&self, key: &mut KeyText);

    /// This key as text that is there already: what [`write_key`](Self::write_key) would hand to [`KeyText::text`] as the
    /// only thing it writes. Spares the copy where nothing has to be escaped.
    fn plain(&self) -> Option<&str> {
        None
    }
}

/// Hands the text of a key on, without allocating in the usual case.
#[inline]
pub(crate) fn with_key<K: CacheKey + ?Sized, R>(key: &K, f: impl FnOnce(&str) -> R) -> R {
    match key.plain() {
        Some(text) if needs_no_escape(text) => f(text),
        _ => f(KeyText::of(key).as_str()),
    }
}

/// The text of a key while it is written, and after. Up to 128 bytes it is held without an allocation.
#[derive(Debug, Clone)]
pub struct KeyText {
    text: Text,
    group: Group,
}

/// What one call of [`CacheKey::write_key`] has written so far.
#[derive(Debug, Clone, Copy)]
struct Group {
    /// Where its text begins.
    start: usize,
    written: Written,
    /// It is part of another.
    nested: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Nothing,
    /// One leaf, which needs no brackets.
    Leaf,
    /// One part, in brackets where it is nested.
    Part,
    /// Several, in brackets where they are nested.
    Several,
}

impl KeyText {
    /// The text of a key.
    ///
    /// ```
    /// use aios_cache::KeyText;
    ///
    /// assert_eq!(KeyText::of("agents").as_str(), "agents");
    /// assert_eq!(KeyText::of(&("agents", Some(3))).as_str(), "agents:3");
    /// assert_ne!(KeyText::of(&("a:b", "c")).as_str(), KeyText::of(&("a", "b:c")).as_str());
    /// ```
    #[inline]
    pub fn of<K: CacheKey + ?Sized>(key: &K) -> Self {
        let mut text = Self {
            text: Text::Inline(ArrayString::new()),
            group: Group::new(0, false),
        };
        key.write_key(&mut text);
        text.close();
        text
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// Writes a part, whatever it consists of.
    pub fn part<K: CacheKey + ?Sized>(&mut self, part: &K) -> &mut Self {
        self.begin(Written::Part);
        self.nest(part);
        self
    }

    /// Writes text as a part, escaped where it has to be.
    #[inline]
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.begin(Written::Leaf);
        self.text.push_escaped(text);
        self
    }

    /// Writes what a value shows itself as, as a part. Two values that show themselves alike are one key.
    pub fn display<T: Display + ?Sized>(&mut self, value: &T) -> &mut Self {
        self.begin(Written::Leaf);
        if write!(Escaping(&mut self.text), "{value}").is_err() {
            // It gave up half-way: not to be taken for something that shows itself as just that much.
            self.text.push("%!");
        }
        self
    }

    /// Writes a part between two texts, as one part. The texts have to be the same for all keys of their kind, or else two
    /// keys could be one.
    pub(crate) fn affixed<K: CacheKey + ?Sized>(&mut self, before: &str, part: &K, after: &str) {
        self.begin(Written::Leaf);
        self.text.push_escaped(before);
        self.nest(part);
        self.text.push_escaped(after);
    }

    /// Writes a leaf that is known to need no escape.
    #[inline]
    fn clean(&mut self, text: &str) {
        self.begin(Written::Leaf);
        self.text.push(text);
    }

    /// None.
    fn none(&mut self) {
        self.begin(Written::Leaf);
        self.text.push("%-");
    }

    /// Some of something, which looks like the thing itself unless that looks like none.
    fn some<K: CacheKey + ?Sized>(&mut self, part: &K) {
        self.begin(Written::Leaf);
        let start = self.text.len();
        self.nest(part);
        let written = self.text.as_str().get(start..).unwrap_or_default();
        if written.starts_with("%-") || written.starts_with("%+") {
            self.text.insert(start, "%+");
        }
    }

    /// Makes room for one more part of the group.
    #[inline]
    fn begin(&mut self, next: Written) {
        let Group { start, written, nested } = self.group;
        self.group.written = if written == Written::Nothing {
            next
        } else {
            Written::Several
        };
        match written {
            Written::Nothing if nested && next == Written::Part => self.text.push("%("),
            Written::Nothing => {}
            Written::Leaf if nested => {
                self.text.insert(start, "%(");
                self.text.push(":");
            }
            Written::Leaf | Written::Part | Written::Several => self.text.push(":"),
        }
    }

    /// Writes a key as a group of its own.
    fn nest<K: CacheKey + ?Sized>(&mut self, part: &K) {
        let inner = Group::new(self.text.len(), true);
        let outer = std::mem::replace(&mut self.group, inner);
        part.write_key(self);
        self.close();
        self.group = outer;
    }

    /// Writes what the group's end needs.
    #[inline]
    fn close(&mut self) {
        let Group { start, written, nested } = self.group;
        match (written, nested) {
            (Written::Leaf, _) | (Written::Several, false) => {}
            (Written::Nothing, _) => self.text.push("%."),
            (Written::Part | Written::Several, true) => self.text.push("%)"),
            (Written::Part, false) => {
                self.text.insert(start, "%(");
                self.text.push("%)");
            }
        }
    }
}

/// A text that was written already, as a whole key; never a part of one.
pub(crate) struct Whole<'a>(pub(crate) &'a KeyText);

impl CacheKey for Whole<'_> {
    fn write_key(&self, key: &mut KeyText) {
        key.clean(self.0.as_str());
    }
}

impl Group {
    fn new(start: usize, nested: bool) -> Self {
        Self {
            start,
            written: Written::Nothing,
            nested,
        }
    }
}

/// Text that is held in place while it is short.
#[derive(Debug, Clone)]
enum Text {
    Inline(ArrayString<128>),
    Heap(String),
}

impl Text {
    #[inline]
    fn as_str(&self) -> &str {
        match self {
            Self::Inline(text) => text,
            Self::Heap(text) => text,
        }
    }

    #[inline]
    fn len(&self) -> usize {
        self.as_str().len()
    }

    #[inline]
    fn push(&mut self, more: &str) {
        match self {
            Self::Inline(text) => {
                if text.try_push_str(more).is_err() {
                    let mut long = String::with_capacity(2 * (text.len() + more.len()));
                    long.push_str(text);
                    long.push_str(more);
                    *self = Self::Heap(long);
                }
            }
            Self::Heap(text) => text.push_str(more),
        }
    }

    /// Puts text in before what begins at a byte. Rare, so it may copy.
    fn insert(&mut self, at: usize, more: &str) {
        let mut text = self.as_str().to_owned();
        text.insert_str(at, more);
        *self = Self::Inline(ArrayString::new());
        self.push(&text);
    }

    #[inline]
    fn push_escaped(&mut self, text: &str) {
        if needs_no_escape(text) {
            self.push(text);
        } else {
            escape(text, ":%", |piece| self.push(piece));
        }
    }
}

/// Escapes as it is written to.
struct Escaping<'a>(&'a mut Text);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_escaped(text);
        Ok(())
    }
}

/// Whether text is its own escaped form; now and then says no where it is. Looks at every byte without a branch, so that the
/// compiler makes it a few wide comparisons.
#[inline]
fn needs_no_escape(text: &str) -> bool {
    // 0xC2 leads the control characters above ASCII (and a few others).
    let special = |byte: u8| {
        let control = u8::from(byte < 0x20) | u8::from(byte == 0x7F) | u8::from(byte == 0xC2);
        control | u8::from(byte == b':') | u8::from(byte == b'%')
    };
    text.bytes().fold(0, |found, byte| found | special(byte)) == 0
}

/// Writes text piece by piece, with control characters and those named as `%` and two digits for each byte.
pub(crate) fn escape(text: &str, special: &str, mut push: impl FnMut(&str)) {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_control() || special.contains(c)) {
        let (clean, tail) = rest.split_at(at);
        push(clean);
        let mut tail = tail.chars();
        if let Some(escaped) = tail.next() {
            for byte in escaped.encode_utf8(&mut [0; 4]).bytes() {
                push(&hexadecimal(byte));
            }
        }
        rest = tail.as_str();
    }
    push(rest);
}

/// `%` and two digits.
fn hexadecimal(byte: u8) -> ArrayString<3> {
    let mut text = ArrayString::new();
    text.push('%');
    for digit in [byte >> 4, byte & 15] {
        // A digit is below 16.
        text.push(
            char::from_digit(u32::from(digit), 16)
                .unwrap_or('0')
                .to_ascii_uppercase(),
        );
    }
    text
}
