//! What diesel prints of a query: its SQL, and behind it the values in Rust's `Debug`. Read again, for those who ask the database
//! for a plan with the same values.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

use serde_json::Value;

/// What stands between the SQL and the values.
pub(crate) const BINDS: &str = " -- binds: ";

/// The SQL of a query, and its values as they are printed.
pub(crate) fn parts(query: &dyn fmt::Display) -> (String, Option<String>) {
    let mut whole = query.to_string();
    // SQL has no line of ours with these words; a value may.
    match whole.find(BINDS) {
        Some(at) => {
            let binds = whole.get(at + BINDS.len()..).map(ToOwned::to_owned);
            whole.truncate(at);
            (whole, binds)
        }
        None => (whole, None),
    }
}

/// A value as it is printed. Wrappers, which say nothing, are taken off.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Printed {
    /// A text that stood in quotes.
    Text(String),
    /// A number, an id, a moment, `true`, `None`: whatever stood without quotes.
    Word(String),
    /// Several values bound as one.
    List(Vec<Printed>),
    /// A JSON document: an object or an array.
    Document(Value),
}

/// The values in `["word", 5, Sql(0190-…), None]`; `None` where they can't be read, such as where they were cut.
pub(crate) fn values(printed: &str) -> Option<Vec<Printed>> {
    let mut reader = Reader(printed.trim().chars().peekable());
    let values = reader.items(Reader::value)?;
    reader.0.next().is_none().then_some(values)
}

struct Reader<'a>(Peekable<Chars<'a>>);

impl Reader<'_> {
    /// What stands in square brackets, parted by commas.
    fn items<T>(&mut self, item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.between(('[', ']'), item)
    }

    fn between<T>(&mut self, (open, close): (char, char), item: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        self.mark(open)?;
        let mut items = Vec::new();
        while self.mark(close).is_none() {
            if !items.is_empty() {
                self.mark(',')?;
            }
            items.push(item(self)?);
        }
        Some(items)
    }

    fn mark(&mut self, mark: char) -> Option<char> {
        while self.0.next_if_eq(&' ').is_some() {}
        self.0.next_if_eq(&mark)
    }

    fn value(&mut self) -> Option<Printed> {
        while self.0.next_if_eq(&' ').is_some() {}
        match self.0.peek()? {
            '"' => self.text().map(Printed::Text),
            '[' => self.items(Self::value).map(Printed::List),
            _ => self.word_or_wrapped(),
        }
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(c) = self.0.next_if(|c| c.is_ascii_alphanumeric() || "-+.:_".contains(*c)) {
            word.push(c);
        }
        word
    }

    fn word_or_wrapped(&mut self) -> Option<Printed> {
        let word = self.word();
        if self.mark('(').is_some() {
            let value = self.value()?;
            self.mark(')')?;
            return Some(value);
        }
        match word.as_str() {
            "" => None,
            kind @ ("Object" | "Array") => self.document(kind).map(Printed::Document),
            _ => Some(Printed::Word(word)),
        }
    }

    /// The document whose kind has just been read: `Array [Null, Object {"a": Number(1)}]`.
    fn document(&mut self, kind: &str) -> Option<Value> {
        match kind {
            "Null" => Some(Value::Null),
            "Array" => self.items(Self::element).map(Value::Array),
            "Object" => {
                let members = self.between(('{', '}'), |reader| {
                    reader.mark(' ');
                    let name = reader.text()?;
                    reader.mark(':')?;
                    Some((name, reader.element()?))
                })?;
                Some(Value::Object(members.into_iter().collect()))
            }
            _ => {
                self.mark('(')?;
                let value = match kind {
                    "String" => Value::String(self.text()?),
                    // A number or a truth value, as JSON writes them.
                    _ => serde_json::from_str(&self.word()).ok()?,
                };
                self.mark(')')?;
                Some(value)
            }
        }
    }

    fn element(&mut self) -> Option<Value> {
        while self.0.next_if_eq(&' ').is_some() {}
        let kind = self.word();
        self.document(&kind)
    }

    /// A text with the escapes of Rust's `Debug`.
    fn text(&mut self) -> Option<String> {
        self.0.next_if_eq(&'"')?;
        let mut text = String::new();
        loop {
            text.push(match self.0.next()? {
                '"' => return Some(text),
                '\\' => match self.0.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    '0' => '\0',
                    'u' => self.code()?,
                    c @ ('"' | '\\' | '\'') => c,
                    _ => return None,
                },
                c => c,
            });
        }
    }

    fn code(&mut self) -> Option<char> {
        self.0.next_if_eq(&'{')?;
        let mut digits = String::new();
        while let Some(digit) = self.0.next_if(char::is_ascii_hexdigit) {
            digits.push(digit);
        }
        self.0.next_if_eq(&'}')?;
        char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
    }
}
