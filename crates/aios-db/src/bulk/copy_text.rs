//! Rows in the text format of PostgreSQL's `COPY` (PostgreSQL 15, reference of COPY, "Text Format").

use std::io::Write;

use aios_domain::Timestamp;
use uuid::Uuid;

use crate::DbResult;

/// How much is gathered before it is handed to libpq.
const CHUNK: usize = 64 * 1024;

/// Writes rows field by field.
pub(super) struct CopyText<'a> {
    out: &'a mut dyn Write,
    buffer: Vec<u8>,
    /// Whether the row has a field already.
    started: bool,
}

impl<'a> CopyText<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self {
            out,
            buffer: Vec::with_capacity(2 * CHUNK),
            started: false,
        }
    }

    /// A text, `null` where there is none.
    pub(super) fn text(&mut self, text: Option<&str>) {
        self.field();
        match text {
            Some(text) => push_escaped(&mut self.buffer, text.as_bytes()),
            None => self.buffer.extend_from_slice(b"\\N"),
        }
    }

    pub(super) fn id(&mut self, id: Uuid) {
        self.field();
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        self.buffer
            .extend_from_slice(id.hyphenated().encode_lower(&mut text).as_bytes());
    }

    pub(super) fn number(&mut self, number: i64) {
        self.plain(format_args!("{number}"));
    }

    pub(super) fn double(&mut self, number: f64) {
        self.plain(format_args!("{number}"));
    }

    pub(super) fn flag(&mut self, flag: bool) {
        self.field();
        self.buffer.push(if flag { b't' } else { b'f' });
    }

    /// A moment with microseconds, `null` where there is none.
    pub(super) fn moment(&mut self, moment: Option<Timestamp>) {
        match moment {
            Some(moment) => self.plain(format_args!("{}", moment.format("%Y-%m-%dT%H:%M:%S%.6fZ"))),
            None => self.text(None),
        }
    }

    /// A `text[]`: elements in quotes, and the whole escaped once more as any text is.
    pub(super) fn list<T: AsRef<str>>(&mut self, items: &[T]) {
        self.field();
        self.buffer.push(b'{');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.buffer.push(b',');
            }
            self.buffer.push(b'"');
            let text = item.as_ref();
            if text.contains(['"', '\\']) {
                push_escaped(
                    &mut self.buffer,
                    text.replace('\\', "\\\\").replace('"', "\\\"").as_bytes(),
                );
            } else {
                push_escaped(&mut self.buffer, text.as_bytes());
            }
            self.buffer.push(b'"');
        }
        self.buffer.push(b'}');
    }

    pub(super) fn end_row(&mut self) -> DbResult<()> {
        self.buffer.push(b'\n');
        self.started = false;
        if self.buffer.len() >= CHUNK {
            self.flush()?;
        }
        Ok(())
    }

    /// Hands over what is left.
    pub(super) fn flush(&mut self) -> DbResult<()> {
        let written = self.out.write_all(&self.buffer);
        self.buffer.clear();
        Ok(written.map_err(aios_domain::Error::internal)?)
    }

    /// What holds nothing to be escaped.
    fn plain(&mut self, value: std::fmt::Arguments<'_>) {
        self.field();
        // Writing to memory does not fail.
        let _ = self.buffer.write_fmt(value);
    }

    fn field(&mut self) {
        if self.started {
            self.buffer.push(b'\t');
        }
        self.started = true;
    }
}

fn push_escaped(buffer: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        match byte {
            b'\\' => buffer.extend_from_slice(b"\\\\"),
            b'\t' => buffer.extend_from_slice(b"\\t"),
            b'\n' => buffer.extend_from_slice(b"\\n"),
            b'\r' => buffer.extend_from_slice(b"\\r"),
            byte => buffer.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_parted_and_escaped() {
        let mut out = Vec::new();
        let mut copy = CopyText::new(&mut out);
        copy.text(Some("tab\tline\nback\\slash"));
        copy.text(None);
        copy.text(Some(""));
        copy.flag(true);
        copy.number(-7);
        copy.double(0.5);
        copy.list(&["plain", "a \"quote\"", "back\\slash", ""]);
        copy.end_row().unwrap();
        copy.moment("2026-01-02T03:04:05.6Z".parse().ok());
        copy.end_row().unwrap();
        copy.flush().unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "tab\\tline\\nback\\\\slash\t\\N\t\tt\t-7\t0.5\t{\"plain\",\"a \\\\\"quote\\\\\"\",\"back\\\\\\\\slash\",\"\"}\n\
             2026-01-02T03:04:05.600000Z\n"
        );
    }
}
