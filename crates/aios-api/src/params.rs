//! Query parameters: those a route knows, each at most once, and all that is wrong with them at once.

use std::borrow::Cow;
use std::collections::HashMap;

use actix_web::HttpRequest;
use aios_domain::{FieldErrors, Invalid, Result};
use aios_marketplace::{CountMode, PageAt, PageRequest};
use aios_pagination::http::{Limits, PageQuery, Place};

/// The parameters of a request. Those that a route does not ask for are ignored; those without a value count as missing.
pub(crate) struct Params<'a> {
    values: HashMap<Cow<'a, str>, Cow<'a, str>>,
    repeated: Vec<Cow<'a, str>>,
    errors: FieldErrors,
}

impl<'a> Params<'a> {
    pub(crate) fn of(request: &'a HttpRequest) -> Self {
        Self::parse(request.query_string())
    }

    fn parse(query: &'a str) -> Self {
        let mut params = Self {
            values: HashMap::new(),
            repeated: Vec::new(),
            errors: FieldErrors::default(),
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !value.is_empty() && params.values.insert(name.clone(), value).is_some() {
                params.repeated.push(name);
            }
        }
        params
    }

    /// The parameter, if it is there, read by `read`. What is wrong with it is kept for [`finish`](Self::finish).
    pub(crate) fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, Invalid>,
    ) -> Option<T> {
        if self.repeated.iter().any(|repeated| repeated == name) {
            self.errors.add(name, "must be given once");
            return None;
        }
        let value = self.values.get(name)?;
        self.errors.check(name, read(value))
    }

    /// `page` or `cursor`, `limit`, and `count`.
    pub(crate) fn page(&mut self, max_limit: u32, default_limit: u32) -> PageRequest {
        let number = self.text("page");
        let (at, limit) = self.place(number.as_deref(), max_limit, default_limit);
        let count = self.optional("count", count_mode).unwrap_or_default();
        PageRequest { at, limit, count }
    }

    /// `cursor` and `limit`, for lists without numbered pages.
    pub(crate) fn cursor_page(&mut self, max_limit: u32, default_limit: u32, count: CountMode) -> PageRequest {
        let (at, limit) = self.place(None, max_limit, default_limit);
        PageRequest { at, limit, count }
    }

    fn place(&mut self, number: Option<&str>, max_limit: u32, default_limit: u32) -> (PageAt, u32) {
        let limits = Limits::new(default_limit, max_limit).up_to_page(MAX_PAGE.into());
        let (limit, cursor) = (self.text("limit"), self.text("cursor"));
        match PageQuery::of(limit.as_deref(), number, cursor.as_deref(), limits) {
            Ok(PageQuery { limit, place }) => match place {
                Place::First => (PageAt::Number(1), limit),
                Place::Number(number) => (PageAt::Number(u32::try_from(number).unwrap_or(MAX_PAGE)), limit),
                Place::Cursor(cursor) => (PageAt::Cursor(cursor), limit),
            },
            Err(errors) => {
                for error in errors {
                    self.errors.add(error.parameter, error.message);
                }
                (PageAt::Number(1), default_limit)
            }
        }
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        self.optional(name, |text| Ok(text.to_owned()))
    }

    /// Notes what is wrong with a parameter beyond its own form.
    pub(crate) fn refuse(&mut self, name: &'static str, message: impl Into<Cow<'static, str>>) {
        self.errors.add(name, message);
    }

    /// All that was wrong as one error, or nothing.
    pub(crate) fn finish(self) -> Result<()> {
        self.errors.finish()
    }
}

/// Pages beyond this number are asked for by mistake, or to make the server work.
pub(crate) const MAX_PAGE: u32 = 1_000_000;

pub(crate) fn boolean(text: &str) -> Result<bool, Invalid> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(Invalid::new("must be true or false")),
    }
}

fn count_mode(text: &str) -> Result<CountMode, Invalid> {
    match text {
        "exact" => Ok(CountMode::Exact),
        "estimated" => Ok(CountMode::Estimated),
        "none" => Ok(CountMode::None),
        _ => Err(Invalid::new("must be one of exact, estimated, none")),
    }
}

/// A comma-separated list of at most `most` items, each read by `read`. Empty items are dropped.
pub(crate) fn list<T>(text: &str, most: usize, read: impl Fn(&str) -> Result<T, Invalid>) -> Result<Vec<T>, Invalid> {
    let items: Vec<&str> = text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
    if items.len() > most {
        return Err(Invalid::new(format!("must hold at most {most} items")));
    }
    items.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let mut params = Params::parse("limit=0&page=x&count=maybe&other=1");
        params.page(100, 20);
        let error = params.finish().unwrap_err();
        let fields: Vec<&str> = error.fields().iter().map(|f| f.field.as_ref()).collect();
        assert_eq!(fields, ["limit", "page", "count"]);
    }

    #[test]
    fn page_and_cursor_exclude_each_other() {
        let mut params = Params::parse("page=2&cursor=abc");
        params.page(100, 20);
        assert!(params.finish().is_err());
    }

    #[test]
    fn a_repeated_parameter_is_refused_where_it_is_asked_for() {
        let mut params = Params::parse("limit=1&limit=2&unknown=1&unknown=2");
        params.page(100, 20);
        assert_eq!(params.finish().unwrap_err().fields()[0].field, "limit");
    }

    #[test]
    fn empty_parameters_count_as_missing() {
        let mut params = Params::parse("limit=&page=&cursor=");
        assert_eq!(params.page(100, 20), PageRequest::first(20));
        assert!(params.finish().is_ok());
    }

    #[test]
    fn what_is_not_a_number_within_bounds_is_refused() {
        for wrong in [
            "limit=-1",
            "limit=101",
            "limit=NaN",
            "limit=99999999999999999999",
            "page=0",
            "page=1000001",
        ] {
            let mut params = Params::parse(wrong);
            params.page(100, 20);
            let error = params.finish().unwrap_err();
            let (field, _) = wrong.split_once('=').unwrap();
            assert_eq!(error.fields()[0].field, field);
            assert!(error.fields()[0].message.starts_with("must be between 1 and 100"));
        }
    }
}
