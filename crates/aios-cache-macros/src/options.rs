//! What stands between the attribute's brackets.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Ident, Lit, LitStr, Path, Result, Token, parenthesized};

use crate::duration;

/// What the attribute says.
pub(crate) struct Options {
    /// The namespace that values are kept in.
    pub(crate) namespace: Expr,
    /// The key; the function's name and its arguments where nothing is said.
    pub(crate) key: Option<TextOrExpr>,
    pub(crate) tags: Tags,
    /// Arguments that are no part of the key.
    pub(crate) skip: Vec<Ident>,
    /// Setters of the policy, each with its argument.
    pub(crate) policy: Vec<(Ident, TokenStream)>,
    /// The name of the function that makes the handle.
    pub(crate) handle: Option<Ident>,
    /// The body returns `Loaded<T>`.
    pub(crate) is_loaded: bool,
    /// Where `aios_cache` is found.
    pub(crate) library: Option<Path>,
}

/// A template, or an expression instead of it.
pub(crate) enum TextOrExpr {
    Template(LitStr),
    Expr(Expr),
}

/// The tags of a value.
pub(crate) enum Tags {
    /// One by one.
    List(Vec<TextOrExpr>),
    /// An expression that gives all of them.
    All(Expr),
}

const DURATIONS: [&str; 7] = [
    "ttl",
    "stale",
    "stale_if_error",
    "retry_pause",
    "negative_ttl",
    "soft_timeout",
    "hard_timeout",
];
const OTHERS: [&str; 3] = ["jitter", "early_refresh", "across_nodes"];

const NO_NAMESPACE: &str = "`#[cached]` is not told where values are kept: say `in = self.agents` or `in = agents`, \
    with a field or an argument that is an `aios_cache::Namespace`";

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut draft = Draft::default();
        while !input.is_empty() {
            draft.read_option(input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        draft.finish()
    }
}

/// The options read so far.
#[derive(Default)]
struct Draft {
    seen: Vec<String>,
    namespace: Option<Expr>,
    key: Option<TextOrExpr>,
    tags: Option<Tags>,
    skip: Vec<Ident>,
    policy: Vec<(Ident, TokenStream)>,
    handle: Option<Ident>,
    is_loaded: bool,
    library: Option<Path>,
}

impl Draft {
    fn read_option(&mut self, input: ParseStream<'_>) -> Result<()> {
        let name = input.call(Ident::parse_any)?;
        let text = match name.unraw().to_string() {
            // The same, for those who would rather not read a keyword there.
            text if text == "namespace" => "in".to_owned(),
            text => text,
        };
        if self.seen.contains(&text) {
            return Err(syn::Error::new(name.span(), format!("`{name}` is said twice")));
        }
        match text.as_str() {
            "in" => self.namespace = Some(value(input)?),
            "key" => self.key = Some(value(input)?),
            "tags" if input.peek(Token![=]) => self.tags = Some(Tags::All(value(input)?)),
            "tags" => self.tags = Some(Tags::List(list(input)?)),
            "skip" => self.skip = list(input)?,
            "handle" => self.handle = Some(value::<Name>(input)?.0),
            "loaded" => self.is_loaded = true,
            "crate" => self.library = Some(value(input)?),
            "across_nodes" if !input.peek(Token![=]) => self.policy.push((name, quote!(true))),
            text if DURATIONS.contains(&text) => {
                let duration = duration_of(text, &value(input)?)?;
                self.policy.push((name, duration));
            }
            text if OTHERS.contains(&text) => self.policy.push((name, value::<Expr>(input)?.into_token_stream())),
            _ => return Err(unknown(&name)),
        }
        self.seen.push(text);
        Ok(())
    }

    fn finish(self) -> Result<Options> {
        Ok(Options {
            namespace: self
                .namespace
                .ok_or_else(|| syn::Error::new(Span::call_site(), NO_NAMESPACE))?,
            key: self.key,
            tags: self.tags.unwrap_or(Tags::List(Vec::new())),
            skip: self.skip,
            policy: self.policy,
            handle: self.handle,
            is_loaded: self.is_loaded,
            library: self.library,
        })
    }
}

fn unknown(name: &Ident) -> syn::Error {
    let policy = [DURATIONS.as_slice(), OTHERS.as_slice()].concat().join("`, `");
    let message = format!(
        "`#[cached]` has no option `{name}`; it has `in`, `key`, `skip`, `tags`, `handle`, `loaded`, `crate`, \
         and for the policy `{policy}`"
    );
    syn::Error::new(name.span(), message)
}

/// What comes behind `=`.
fn value<T: Parse>(input: ParseStream<'_>) -> Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// What stands between brackets, separated by commas.
fn list<T: Parse>(input: ParseStream<'_>) -> Result<Vec<T>> {
    let content;
    parenthesized!(content in input);
    let list = Punctuated::<T, Token![,]>::parse_terminated(&content)?;
    Ok(list.into_iter().collect())
}

impl Parse for TextOrExpr {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        Ok(match input.parse()? {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text), ..
            }) => Self::Template(text),
            expr => Self::Expr(expr),
        })
    }
}

/// A name, in quotes or without.
struct Name(Ident);

impl Parse for Name {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            input.parse::<LitStr>()?.parse().map(Self)
        } else {
            input.parse().map(Self)
        }
    }
}

/// A duration as an expression.
fn duration_of(option: &str, value: &Expr) -> Result<TokenStream> {
    let Expr::Lit(ExprLit { lit, .. }) = value else {
        return Ok(value.to_token_stream());
    };
    let parsed = match lit {
        Lit::Str(text) => duration::parse(&text.value()),
        _ => None,
    };
    let fail = |message: &str| Err(syn::Error::new(lit.span(), message));
    match parsed {
        Some(Duration::ZERO) if option == "ttl" => fail("with a `ttl` of zero nothing would be kept"),
        Some(duration) => {
            // The parser adds up in 64 bits.
            let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            Ok(quote!(::core::time::Duration::from_millis(#millis)))
        }
        None => fail(&format!(
            "{}; or it is an expression of type `Duration`",
            duration::ACCEPTED
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(tokens: TokenStream) -> Result<Options> {
        syn::parse2(tokens)
    }

    fn message(tokens: TokenStream) -> String {
        read(tokens).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn options_come_in_any_order() {
        let options = read(quote! {
            handle = "agent", ttl = "5m", tags("agents", "agent:{id}", tag_of(id)), in = self.caches.agents, across_nodes,
            key = "{id}", skip(db, user), jitter = 0.1, stale = HOUR, crate = renamed::cache, loaded,
        })
        .unwrap();
        assert_eq!(
            options.namespace.to_token_stream().to_string(),
            "self . caches . agents"
        );
        let policy: Vec<String> = options
            .policy
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        let ttl = "ttl :: core :: time :: Duration :: from_millis (300000u64)";
        assert_eq!(policy, [ttl, "across_nodes true", "jitter 0.1", "stale HOUR"]);
        assert!(matches!(&options.key, Some(TextOrExpr::Template(text)) if text.value() == "{id}"));
        assert!(matches!(&options.tags, Tags::List(list) if list.len() == 3));
        assert_eq!(
            (options.skip.len(), options.handle.unwrap().to_string()),
            (2, "agent".to_owned())
        );
        assert!(options.is_loaded && options.library.is_some());
    }

    #[test]
    fn a_name_may_stand_without_quotes_and_tags_may_be_an_expression() {
        let options = read(quote!(
            namespace = agents,
            handle = agent,
            tags = tags::of(id),
            key = keys::of(id)
        ))
        .unwrap();
        assert_eq!(options.handle.unwrap().to_string(), "agent");
        assert!(matches!(options.tags, Tags::All(_)) && matches!(options.key, Some(TextOrExpr::Expr(_))));
    }

    #[test]
    fn messages_say_what_is_accepted() {
        assert!(message(quote!()).contains("say `in = self.agents`"));
        assert!(message(quote!(in = agents, tll = "5m")).contains("no option `tll`; it has `in`, `key`"));
        assert!(message(quote!(in = agents, ttl = "5 minutes")).contains("\"1h30m\""));
        assert!(message(quote!(in = agents, ttl = 300)).contains("whole numbers with the units"));
        assert!(message(quote!(in = agents, ttl = "0s")).contains("nothing would be kept"));
        assert!(message(quote!(in = agents, namespace = agents)).contains("`namespace` is said twice"));
        assert!(message(quote!(in = agents, stale = "0s")).is_empty());
    }
}
