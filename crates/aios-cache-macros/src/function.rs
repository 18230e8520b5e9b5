//! The function under the attribute: what it takes, what it returns, and which functions can't be cached.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{
    Attribute, Block, Error, FnArg, GenericArgument, Ident, ItemFn, Pat, PatType, PathArguments, Receiver, Result,
    ReturnType, Signature, TraitItemFn, Type, TypePath, TypeReference, Visibility,
};

/// A function that can be cached.
pub(crate) struct Function {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    /// As it was written.
    pub(crate) signature: Signature,
    pub(crate) body: Box<Block>,
    pub(crate) receiver: Option<Receiver>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) answer: Answer,
}

/// An argument.
pub(crate) struct Argument {
    pub(crate) name: Ident,
    pub(crate) passing: Passing,
    pub(crate) ty: Type,
}

/// How an argument is made to outlive the call, for a load that goes on when its caller goes away.
pub(crate) enum Passing {
    /// It is cloned.
    Value,
    /// `&T`, or `&str`: what it points to is.
    Reference(Type),
    /// `Option<&T>`: the same.
    OptionalReference(Type),
}

/// What the function returns.
pub(crate) struct Answer {
    /// `T`.
    pub(crate) value: Type,
    /// What the body returns: `Result<T, E>`, in the words of the signature.
    pub(crate) of_body: Type,
    /// Where `E` is said, or what it is hidden in.
    pub(crate) error: Span,
    /// It is returned as `Cached<T>`.
    pub(crate) is_shared: bool,
    /// `T` is an `Option`.
    pub(crate) is_optional: bool,
}

impl Function {
    /// Reads the item under the attribute.
    pub(crate) fn read(item: TokenStream, is_loaded: bool, loaded: &TokenStream) -> Result<Self> {
        let ItemFn { attrs, vis, sig, block } = parse_item(item)?;
        if sig.asyncness.is_none() {
            return Err(Error::new(sig.fn_token.span(), "only an `async fn` can be `#[cached]`"));
        }
        if let Some(unsafety) = &sig.unsafety {
            return Err(Error::new(
                unsafety.span(),
                "an `unsafe fn` can't be `#[cached]`: the cache would call it as if it were safe",
            ));
        }
        let mut receiver = None;
        let mut arguments = Vec::new();
        for input in &sig.inputs {
            match input {
                FnArg::Receiver(found) if is_mutable(&found.ty) => return Err(mutable(found, "`self`")),
                FnArg::Receiver(found) => receiver = Some(found.clone()),
                FnArg::Typed(typed) => arguments.push(argument(typed)?),
            }
        }
        let answer = answer(&sig, is_loaded, loaded)?;
        Ok(Self {
            attributes: attrs,
            visibility: vis,
            body: block,
            receiver,
            arguments,
            answer,
            signature: sig,
        })
    }
}

fn parse_item(item: TokenStream) -> Result<ItemFn> {
    let wrong = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => return Ok(function),
        Err(wrong) => wrong,
    };
    match syn::parse2::<TraitItemFn>(item.clone()) {
        Ok(declared) => Err(Error::new(
            declared.sig.ident.span(),
            "a trait's method can't be `#[cached]`: put the attribute on a method of the type itself, and call that one \
             from the trait's",
        )),
        // A function with a mistake in it has that mistake shown.
        Err(_) if item.to_string().contains("fn ") => Err(wrong),
        Err(_) => Err(Error::new_spanned(item, "`#[cached]` goes on an `async fn`")),
    }
}

fn is_mutable(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Reference(TypeReference {
            mutability: Some(_),
            ..
        })
    )
}

fn mutable(place: impl ToTokens, what: &str) -> Error {
    let message =
        format!("{what} can't be `&mut`: a load is shared by all who ask, and goes on when its caller goes away");
    Error::new_spanned(place, message)
}

fn argument(typed: &PatType) -> Result<Argument> {
    let Pat::Ident(pattern) = &*typed.pat else {
        return Err(Error::new_spanned(
            &typed.pat,
            "an argument of a `#[cached]` function needs a name",
        ));
    };
    if is_mutable(&typed.ty) {
        return Err(mutable(&typed.ty, "an argument"));
    }
    let passing = match plain(&typed.ty) {
        Type::Reference(reference) => Passing::Reference((*reference.elem).clone()),
        ty => match optional_reference(ty) {
            Some(target) => Passing::OptionalReference(target.clone()),
            None => Passing::Value,
        },
    };
    let target = match &passing {
        Passing::Value => plain(&typed.ty),
        Passing::Reference(target) | Passing::OptionalReference(target) => target,
    };
    if holds_reference(&target.to_token_stream()) {
        return Err(Error::new_spanned(
            &typed.ty,
            "a reference inside this type can't be handed to the load, which goes on when its caller goes away: take \
             `&T`, `Option<&T>` or something owned",
        ));
    }
    Ok(Argument {
        name: pattern.ident.clone(),
        passing,
        ty: (*typed.ty).clone(),
    })
}

/// A reference with an elided lifetime somewhere in it. A named one may be `'static`.
fn holds_reference(tokens: &TokenStream) -> bool {
    let mut after_and = false;
    for token in tokens.clone() {
        match token {
            proc_macro2::TokenTree::Punct(punct) if punct.as_char() == '&' => {
                after_and = true;
                continue;
            }
            proc_macro2::TokenTree::Punct(punct) if punct.as_char() == '\'' && after_and => {}
            proc_macro2::TokenTree::Group(group) if !after_and && holds_reference(&group.stream()) => return true,
            _ if after_and => return true,
            _ => {}
        }
        after_and = false;
    }
    false
}

/// The type without the brackets and groups around it.
fn plain(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => plain(&group.elem),
        Type::Paren(paren) => plain(&paren.elem),
        ty => ty,
    }
}

fn optional_reference(ty: &Type) -> Option<&Type> {
    match plain(type_arguments(ty, |name| name == "Option")?.first()?) {
        Type::Reference(TypeReference {
            mutability: None, elem, ..
        }) => Some(elem),
        _ => None,
    }
}

/// The types in the angle brackets of a path whose last name is so.
fn type_arguments(ty: &Type, is_wanted: impl FnOnce(&str) -> bool) -> Option<Vec<&Type>> {
    let Type::Path(TypePath { qself: None, path }) = plain(ty) else {
        return None;
    };
    let last = path.segments.last().filter(|last| is_wanted(&last.ident.to_string()))?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    Some(types.collect())
}

fn answer(signature: &Signature, is_loaded: bool, loaded: &TokenStream) -> Result<Answer> {
    let no_result = |place: &dyn ToTokens| {
        let message = "a `#[cached]` function returns `Result<T, E>` or `Result<Cached<T>, E>`, with an `E` that is \
             `From<aios_cache::LoadError<E>>`: a load may also panic or take too long";
        Err(Error::new_spanned(place.to_token_stream(), message))
    };
    let ReturnType::Type(_, returned) = &signature.output else {
        return no_result(&signature.ident);
    };
    let (returned, parts) = (
        plain(returned),
        type_arguments(returned, |name| name.ends_with("Result")),
    );
    let Some((&first, second)) = parts.as_deref().and_then(|parts| parts.split_first()) else {
        return no_result(&returned);
    };
    let shared = type_arguments(first, |name| name == "Cached").and_then(|parts| parts.first().copied());
    let value = shared.unwrap_or(first);
    let mut of_body = vec![if is_loaded {
        syn::parse_quote_spanned!(value.span()=> #loaded<#value>)
    } else {
        value.clone()
    }];
    // With the cache's own error around it, the body returns what is in there.
    let errors = second.iter().map(|error| {
        let inner = type_arguments(error, |name| name == "LoadError").and_then(|parts| parts.first().copied());
        inner.unwrap_or(error).clone()
    });
    of_body.extend(errors);
    Ok(Answer {
        value: value.clone(),
        error: second.last().map_or_else(|| returned.span(), Spanned::span),
        of_body: with_type_arguments(returned, of_body),
        is_shared: shared.is_some(),
        is_optional: !is_loaded && type_arguments(value, |name| name == "Option").is_some(),
    })
}

/// The same path with these types instead of its own.
fn with_type_arguments(ty: &Type, types: Vec<Type>) -> Type {
    let mut ty = ty.clone();
    let mut types = types.into_iter();
    if let Type::Path(TypePath { path, .. }) = &mut ty
        && let Some(last) = path.segments.last_mut()
        && let PathArguments::AngleBracketed(arguments) = &mut last.arguments
    {
        for argument in &mut arguments.args {
            if let GenericArgument::Type(old) = argument
                && let Some(new) = types.next()
            {
                *old = new;
            }
        }
    }
    ty
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    fn read(item: TokenStream) -> Result<Function> {
        Function::read(item, false, &quote!(Loaded))
    }

    fn message(item: TokenStream) -> String {
        read(item).err().map(|error| error.to_string()).unwrap_or_default()
    }

    fn shown(tokens: &impl quote::ToTokens) -> String {
        tokens.to_token_stream().to_string().replace(' ', "")
    }

    #[test]
    fn the_body_returns_what_the_function_says_without_the_cache_s_own_types() {
        let body = |answer: TokenStream| {
            let answer = read(quote!(async fn f() -> #answer {})).unwrap().answer;
            (
                shown(&answer.of_body),
                shown(&answer.value),
                answer.is_shared,
                answer.is_optional,
            )
        };
        let of = |body: &str, value: &str, shared, optional| (body.to_owned(), value.to_owned(), shared, optional);
        assert_eq!(body(quote!(Result<u8, E>)), of("Result<u8,E>", "u8", false, false));
        assert_eq!(
            body(quote!(std::io::Result<u8>)),
            of("std::io::Result<u8>", "u8", false, false)
        );
        assert_eq!(
            body(quote!(Result<aios_cache::Cached<u8>, E>)),
            of("Result<u8,E>", "u8", true, false)
        );
        assert_eq!(
            body(quote!(DbResult<Option<u8>>)),
            of("DbResult<Option<u8>>", "Option<u8>", false, true)
        );
        assert_eq!(
            body(quote!(Result<Cached<u8>, LoadError<E>>)),
            of("Result<u8,E>", "u8", true, false)
        );
        let loaded = Function::read(
            quote!(
                async fn f() -> Result<Cached<u8>, E> {}
            ),
            true,
            &quote!(Loaded),
        )
        .unwrap();
        assert_eq!(shown(&loaded.answer.of_body), "Result<Loaded<u8>,E>");
    }

    #[test]
    fn arguments_are_cloned_or_what_they_point_to_is() {
        let function = read(quote!(
            async fn f(&self, mut a: A, b: &str, c: Option<&B>, d: &'a [u8]) -> Result<u8, E> {}
        ))
        .unwrap();
        let passing: Vec<String> = function
            .arguments
            .iter()
            .map(|argument| match &argument.passing {
                Passing::Value => format!("{}", argument.name),
                Passing::Reference(target) => format!("{} &{}", argument.name, shown(target)),
                Passing::OptionalReference(target) => format!("{} ?{}", argument.name, shown(target)),
            })
            .collect();
        assert_eq!(passing, ["a", "b &str", "c ?B", "d &[u8]"]);
        assert!(function.receiver.is_some());
    }

    #[test]
    fn what_can_t_be_cached_is_told_so() {
        assert!(
            message(quote!(
                fn f() -> Result<u8, E> {}
            ))
            .contains("only an `async fn`")
        );
        assert!(
            message(quote!(
                async unsafe fn f() -> Result<u8, E> {}
            ))
            .contains("unsafe")
        );
        assert!(
            message(quote!(
                async fn f(&self) -> Result<u8, E>;
            ))
            .contains("a trait's method")
        );
        assert!(
            message(quote!(
                struct S;
            ))
            .contains("goes on an `async fn`")
        );
        assert!(message(quote!(async fn f() -> Result<u8, E> { let ; })).contains("expected"));
        assert!(
            message(quote!(
                async fn f() {}
            ))
            .contains("returns `Result<T, E>`")
        );
        assert!(
            message(quote!(
                async fn f() -> Option<u8> {}
            ))
            .contains("From<aios_cache::LoadError<E>>")
        );
        assert!(
            message(quote!(
                async fn f(&mut self) -> Result<u8, E> {}
            ))
            .contains("`self` can't be `&mut`")
        );
        assert!(
            message(quote!(
                async fn f(a: &mut A) -> Result<u8, E> {}
            ))
            .contains("an argument can't be `&mut`")
        );
        assert!(
            message(quote!(
                async fn f((a, b): (A, B)) -> Result<u8, E> {}
            ))
            .contains("needs a name")
        );
        assert!(
            message(quote!(
                async fn f(a: Vec<&str>) -> Result<u8, E> {}
            ))
            .contains("a reference inside")
        );
        assert!(
            message(quote!(
                async fn f(a: (u8, &str)) -> Result<u8, E> {}
            ))
            .contains("a reference inside")
        );
        assert!(
            message(quote!(
                async fn f(a: Vec<&'static str>) -> Result<u8, E> {}
            ))
            .is_empty()
        );
    }
}
