//! A migration's text, taken apart: its statements with their lines, and the reasons written above or inside them.

use sqlparser::ast::Statement;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};

use super::rules::Rule;

/// How a comment begins that gives a reason.
const MARK: &str = "lint:";

/// One statement.
pub(crate) struct Part {
    /// The line on which it begins, from 1.
    pub(crate) line: u64,
    /// What it does, or why it can't be read.
    pub(crate) statement: Result<Statement, String>,
    /// Which of the statements that the parser does not know it is.
    pub(crate) form: Form,
    /// It says CONCURRENTLY, which for all but one statement must not stand in a transaction.
    pub(crate) is_concurrent: bool,
    /// The reasons that are written for it.
    pub(crate) reasons: Vec<Reason>,
}

/// What the parser has no words for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    Reindex,
    /// VACUUM without FULL, which locks nobody out and must not stand in a transaction either.
    Vacuum,
    /// VACUUM FULL, in either way of writing it, and CLUSTER.
    Rewrite,
}

/// A written reason: `-- lint: allow RULE: reason`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) line: u64,
    /// The rule, or what is wrong with the comment.
    pub(crate) rule: Result<Rule, String>,
}

/// The statements of a file, and reasons behind the last one, which belong to nothing.
///
/// # Errors
/// What can't be read, with its line: a quote that does not end.
pub(crate) fn parts(sql: &str) -> Result<(Vec<Part>, Vec<Reason>), String> {
    let dialect = PostgreSqlDialect {};
    let tokens = Tokenizer::new(&dialect, sql)
        .tokenize_with_location()
        .map_err(|error| error.to_string())?;
    let mut parts = Vec::new();
    let mut left_over = Vec::new();
    for tokens in tokens.split(|token| token.token == Token::SemiColon) {
        let reasons = tokens.iter().filter_map(reason).collect();
        let tokens: Vec<TokenWithSpan> = tokens
            .iter()
            .filter(|token| !matches!(token.token, Token::Whitespace(_)))
            .cloned()
            .collect();
        match tokens.first() {
            Some(first) => parts.push(part(first.span.start.line, tokens, reasons)),
            None => left_over.extend(reasons),
        }
    }
    Ok((parts, left_over))
}

impl Part {
    /// It fails inside a transaction.
    pub(crate) fn runs_outside_transactions(&self) -> bool {
        self.is_concurrent || self.form == Form::Vacuum
    }
}

fn part(line: u64, mut tokens: Vec<TokenWithSpan>, reasons: Vec<Reason>) -> Part {
    let concurrently = tokens.iter().position(|token| is(token, Keyword::CONCURRENTLY));
    // REFRESH MATERIALIZED VIEW CONCURRENTLY is the one that may stand in a transaction.
    let is_concurrent = concurrently.is_some() && !begins(&tokens, &[Keyword::REFRESH]);
    // The parser knows DROP INDEX, but not with this word.
    if let Some(place) = concurrently
        && begins(&tokens, &[Keyword::DROP, Keyword::INDEX])
    {
        tokens.remove(place);
    }
    Part {
        line,
        form: form(&tokens),
        statement: read(tokens),
        is_concurrent,
        reasons,
    }
}

fn read(tokens: Vec<TokenWithSpan>) -> Result<Statement, String> {
    let dialect = PostgreSqlDialect {};
    let mut parser = Parser::new(&dialect).with_tokens_with_locations(tokens);
    let statement = parser.parse_statement().map_err(|error| error.to_string())?;
    match parser.peek_token().token {
        Token::EOF => Ok(statement),
        more => Err(format!("unexpected {more}")),
    }
}

fn form(tokens: &[TokenWithSpan]) -> Form {
    // The options of VACUUM (FULL, ANALYZE) t; a table of that name would have to be quoted.
    let is_full = tokens.iter().any(|token| is(token, Keyword::FULL));
    let first = |keyword| begins(tokens, &[keyword]);
    if first(Keyword::REINDEX) {
        Form::Reindex
    } else if first(Keyword::CLUSTER) || (first(Keyword::VACUUM) && is_full) {
        Form::Rewrite
    } else if first(Keyword::VACUUM) {
        Form::Vacuum
    } else {
        Form::Plain
    }
}

fn begins(tokens: &[TokenWithSpan], keywords: &[Keyword]) -> bool {
    tokens.len() >= keywords.len() && tokens.iter().zip(keywords).all(|(token, &keyword)| is(token, keyword))
}

fn is(token: &TokenWithSpan, keyword: Keyword) -> bool {
    matches!(&token.token, Token::Word(word) if word.keyword == keyword && word.quote_style.is_none())
}

/// The reason in a comment, where it is one.
fn reason(token: &TokenWithSpan) -> Option<Reason> {
    let Token::Whitespace(Whitespace::SingleLineComment { comment, .. }) = &token.token else {
        return None;
    };
    let said = comment.trim().strip_prefix(MARK)?.trim();
    Some(Reason {
        line: token.span.start.line,
        rule: rule(said),
    })
}

fn rule(said: &str) -> Result<Rule, String> {
    let form = "a reason is written as `-- lint: allow RULE: why it does no harm here`";
    let rest = said.strip_prefix("allow ").ok_or_else(|| form.to_owned())?;
    let (name, reason) = rest.split_once(':').unwrap_or((rest, ""));
    let name = name.trim();
    let rule = Rule::named(name).ok_or_else(|| {
        let names: Vec<&str> = Rule::ALL.into_iter().map(Rule::name).collect();
        format!("there is no rule {name:?}; the rules are {}", names.join(", "))
    })?;
    if reason.trim().is_empty() {
        return Err(format!("the reason is missing: {form}"));
    }
    Ok(rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_have_their_lines() {
        let (parts, _) = parts("-- a\nSELECT 1;\n\n-- b\nSELECT ';'\n;\n-- the end\n").unwrap();
        let lines: Vec<u64> = parts.iter().map(|part| part.line).collect();
        assert_eq!(lines, [2, 5]);
    }

    #[test]
    fn reasons_stand_above_or_inside_their_statement() {
        let sql = "-- lint: allow drop: nobody reads it\nDROP TABLE a;\nDROP TABLE -- lint: allow drop: nor this\n b;\n-- lint: allow drop: c\n";
        let (parts, left_over) = parts(sql).unwrap();
        assert!(parts.iter().all(|part| part.reasons.len() == 1));
        assert_eq!(left_over.len(), 1);
    }

    #[test]
    fn a_reason_needs_a_rule_and_words() {
        assert_eq!(rule("allow drop: since 1.2 nobody uses it"), Ok(Rule::Drop));
        for (said, complaint) in [
            ("drop", "a reason is written as"),
            ("allow drop", "missing"),
            ("allow drop: ", "missing"),
            ("allow dropping: x", "create-index"),
        ] {
            assert!(rule(said).unwrap_err().contains(complaint), "{said}");
        }
    }

    #[test]
    fn a_quote_that_does_not_end_is_an_error() {
        assert!(parts("SELECT 'a").is_err());
    }
}
