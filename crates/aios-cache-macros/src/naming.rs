//! Keys and tags: templates and their placeholders, made to expressions.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Error, Expr, GenericParam, Ident, LitStr, Result};

use crate::function::Function;
use crate::options::{Options, Tags, TextOrExpr};
use crate::template::{self, Piece, Segment, TwoPlaceholders};

/// The names that a placeholder may begin with.
pub(crate) struct Names<'a> {
    function: &'a Ident,
    has_self: bool,
    arguments: Vec<&'a Ident>,
    constants: Vec<&'a Ident>,
    is_generic: bool,
}

impl<'a> Names<'a> {
    pub(crate) fn of(function: &'a Function) -> Self {
        let generics = &function.signature.generics.params;
        let constants = generics.iter().filter_map(|param| match param {
            GenericParam::Const(constant) => Some(&constant.ident),
            _ => None,
        });
        Self {
            function: &function.signature.ident,
            has_self: function.receiver.is_some(),
            arguments: function.arguments.iter().map(|argument| &argument.name).collect(),
            constants: constants.collect(),
            is_generic: generics.iter().any(|param| !matches!(param, GenericParam::Lifetime(_))),
        }
    }

    fn knows(&self, name: &Ident) -> bool {
        (name == "self" && self.has_self) || self.arguments.contains(&name) || self.constants.contains(&name)
    }

    /// A placeholder as an expression, at the template's place in the source.
    fn expression(&self, placeholder: &str, template: &LitStr) -> Result<Expr> {
        let expr: Expr = LitStr::new(placeholder, template.span()).parse().map_err(|_| {
            let message = format!("`{{{placeholder}}}` is no expression; nor may it say how it is to be formatted");
            Error::new(template.span(), message)
        })?;
        match root(&expr) {
            Some(name) if !self.knows(name) => Err(self.unknown(name, placeholder, template.span())),
            _ => Ok(expr),
        }
    }

    fn unknown(&self, name: &Ident, placeholder: &str, span: Span) -> Error {
        let own = if self.has_self { &["self".to_owned()][..] } else { &[] };
        let others = self.arguments.iter().chain(&self.constants).map(ToString::to_string);
        let known: Vec<String> = own
            .iter()
            .cloned()
            .chain(others)
            .map(|name| format!("`{name}`"))
            .collect();
        let has = if known.is_empty() {
            "which has none".to_owned()
        } else {
            format!("which has {}", known.join(", "))
        };
        let is_constant = !name.to_string().contains(char::is_lowercase);
        let hint = if is_constant {
            format!("; a constant is written with its path, as in `{{self::{name}}}`")
        } else {
            String::new()
        };
        let message = format!(
            "`{name}` in `{{{placeholder}}}` is no argument of `{}`, {has}{hint}",
            self.function
        );
        Error::new(span, message)
    }
}

/// The name that an expression begins with, where it is plain enough to have one.
fn root(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Path(path) if path.qself.is_none() => path.path.get_ident(),
        Expr::Field(field) => root(&field.base),
        Expr::MethodCall(call) => root(&call.receiver),
        Expr::Index(index) => root(&index.expr),
        Expr::Reference(reference) => root(&reference.expr),
        Expr::Unary(unary) => root(&unary.expr),
        Expr::Paren(paren) => root(&paren.expr),
        Expr::Group(group) => root(&group.expr),
        Expr::Cast(cast) => root(&cast.expr),
        _ => None,
    }
}

fn pieces(template: &LitStr) -> Result<Vec<Piece>> {
    template::parse(&template.value()).map_err(|error| Error::new(template.span(), error))
}

/// The key as an expression that gives a reference to it, and where it is said.
pub(crate) fn key(options: &Options, function: &Function, library: &TokenStream) -> Result<(TokenStream, Span)> {
    let names = Names::of(function);
    check_skips(&names, options)?;
    let (key, span) = match &options.key {
        Some(TextOrExpr::Expr(expr)) => (tokens!(&#expr), expr.span()),
        Some(TextOrExpr::Template(template)) => (template_key(template, &names, options, library)?, template.span()),
        None => (default_key(&names, options, function, library)?, Span::call_site()),
    };
    Ok((key, span))
}

/// The function's name and its arguments.
fn default_key(
    names: &Names<'_>,
    options: &Options,
    function: &Function,
    library: &TokenStream,
) -> Result<TokenStream> {
    if names.is_generic {
        return Err(Error::new_spanned(
            &function.signature.generics,
            "a generic function needs a `key = \"…\"`: for which types it is called would be no part of a key made of \
             its name and arguments",
        ));
    }
    let text = names.function.to_string();
    let parts = names.arguments.iter().filter(|name| !is_left_out(name, options));
    let parts = parts.map(|name| quote_spanned!(at(name.span())=> key.part(&#name);));
    Ok(tokens!(&#library::__private::key(|key: &mut #library::KeyText| { key.text(#text); #(#parts)* })))
}

fn check_skips(names: &Names<'_>, options: &Options) -> Result<()> {
    match options.skip.iter().find(|name| !names.arguments.contains(name)) {
        Some(name) => Err(Error::new(
            name.span(),
            format!("`{name}` is no argument of `{}`", names.function),
        )),
        None => Ok(()),
    }
}

/// Skipped, or what the namespace is taken from.
fn is_left_out(name: &Ident, options: &Options) -> bool {
    options.skip.contains(name) || root(&options.namespace) == Some(name)
}

fn template_key(template: &LitStr, names: &Names<'_>, options: &Options, library: &TokenStream) -> Result<TokenStream> {
    let span = template.span();
    let segments = template::segments(pieces(template)?).map_err(|TwoPlaceholders(first, second)| {
        let message =
            format!("there has to be a `:` between `{{{first}}}` and `{{{second}}}`, or two keys could be one");
        Error::new(span, message)
    })?;
    let mut said = Vec::new();
    let mut parts = Vec::new();
    for segment in &segments {
        parts.push(match segment {
            Segment::Text(text) => tokens!(key.text(#text);),
            Segment::Placeholder { before, name, after } => {
                let expr = names.expression(name, template)?;
                collect_names(expr.to_token_stream(), &mut said);
                if segments.len() == 1 && before.is_empty() && after.is_empty() {
                    check_all_said(names, options, &said, span)?;
                    return Ok(quote_spanned!(at(span)=> &#library::__private::plain(&#expr)));
                }
                if before.is_empty() && after.is_empty() {
                    quote_spanned!(at(span)=> key.part(&#expr);)
                } else {
                    quote_spanned!(at(span)=> #library::__private::affixed(key, #before, &#expr, #after);)
                }
            }
        });
    }
    check_all_said(names, options, &said, span)?;
    Ok(tokens!(&#library::__private::key(|key: &mut #library::KeyText| { #(#parts)* })))
}

/// An argument that was forgotten in the key would give its callers each other's values.
fn check_all_said(names: &Names<'_>, options: &Options, said: &[Ident], span: Span) -> Result<()> {
    let forgotten = |name: &&&Ident| !said.contains(name) && !is_left_out(name, options);
    match names.arguments.iter().find(forgotten) {
        Some(name) => {
            let message = format!(
                "`{name}` is no part of this key, so calls that differ in it alone would share a value; write \
                 `{{{name}}}` into it, or `skip({name})` where that is right"
            );
            Err(Error::new(span, message))
        }
        None => Ok(()),
    }
}

fn collect_names(tokens: TokenStream, names: &mut Vec<Ident>) {
    for token in tokens {
        match token {
            TokenTree::Ident(name) => names.push(name),
            TokenTree::Group(group) => collect_names(group.stream(), names),
            _ => {}
        }
    }
}

/// The arguments that the attribute uses; the body need not.
pub(crate) fn used<'a>(options: &Options, function: &'a Function) -> Result<Vec<&'a Ident>> {
    let names = Names::of(function);
    let mut said = Vec::new();
    let tags = match &options.tags {
        Tags::All(expr) => {
            collect_names(expr.to_token_stream(), &mut said);
            &[]
        }
        Tags::List(list) => list.as_slice(),
    };
    for text in options.key.iter().chain(tags) {
        match text {
            TextOrExpr::Expr(expr) => collect_names(expr.to_token_stream(), &mut said),
            TextOrExpr::Template(template) => {
                for piece in pieces(template)? {
                    if let Piece::Placeholder(name) = piece {
                        collect_names(names.expression(&name, template)?.to_token_stream(), &mut said);
                    }
                }
            }
        }
    }
    let others = options.policy.iter().map(|(_, value)| value.clone());
    others
        .chain([options.namespace.to_token_stream()])
        .for_each(|tokens| collect_names(tokens, &mut said));
    Ok(names.arguments.into_iter().filter(|name| said.contains(name)).collect())
}

/// The tags as a closure that gives them; `None` where there are none.
pub(crate) fn tags(options: &Options, function: &Function) -> Result<Option<TokenStream>> {
    let names = Names::of(function);
    let list = match &options.tags {
        Tags::All(expr) => return Ok(Some(tokens!(|| #expr))),
        Tags::List(list) if list.is_empty() => return Ok(None),
        Tags::List(list) => list,
    };
    let tags: Vec<TokenStream> = list.iter().map(|tag| tag_of(tag, &names)).collect::<Result<_>>()?;
    Ok(Some(tokens!(|| [#(#tags),*])))
}

fn tag_of(tag: &TextOrExpr, names: &Names<'_>) -> Result<TokenStream> {
    let template = match tag {
        TextOrExpr::Expr(expr) => {
            return Ok(
                quote_spanned!(at(expr.span())=> <::std::string::String as ::core::convert::From<_>>::from(#expr)),
            );
        }
        TextOrExpr::Template(template) => template,
    };
    let mut format = String::new();
    let mut values = Vec::new();
    for piece in pieces(template)? {
        match piece {
            Piece::Text(text) => format.push_str(&text.replace('{', "{{").replace('}', "}}")),
            Piece::Placeholder(name) => {
                format.push_str("{}");
                values.push(names.expression(&name, template)?);
            }
        }
    }
    let format = LitStr::new(&format, template.span());
    Ok(quote_spanned!(at(template.span())=> ::std::format!(#format #(, #values)*)))
}

/// Where errors are shown, with names of its own.
pub(crate) fn at(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}
