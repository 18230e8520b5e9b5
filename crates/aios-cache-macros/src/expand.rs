//! What the attribute makes of a function: the function itself, its handle, and its body.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Attribute, FnArg, GenericParam, Ident, Pat, Result, Signature};

use crate::function::{Function, Passing};
use crate::naming::{self, at};
use crate::options::Options;

/// Three functions instead of the one under the attribute.
pub(crate) fn expand(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options: Options = syn::parse2(options)?;
    let library = if let Some(path) = &options.library {
        tokens!(#path)
    } else {
        tokens!(::aios_cache)
    };
    let mut function = Function::read(item, options.is_loaded, &tokens!(#library::Loaded))?;
    let used: Vec<syn::Stmt> = naming::used(&options, &function)?
        .into_iter()
        .map(|name| syn::parse_quote!(let _ = &#name;))
        .collect();
    function.body.stmts.splice(0..0, used);
    let parts = Parts {
        place: place(&options, &function, &library)?,
        handle: options.handle.clone().unwrap_or_else(|| beside(&function, "cached")),
        uncached: beside(&function, "uncached"),
        function,
        library,
    };
    let (function, handle, body) = (parts.function(), parts.handle(), parts.body());
    Ok(tokens!(#function #handle #body))
}

/// A name beside the function's own.
fn beside(function: &Function, what: &str) -> Ident {
    let name = &function.signature.ident;
    format_ident!("{}_{what}", name.unraw(), span = name.span())
}

/// A name that no name of the user's can be.
fn own(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The statements that end with `place`, the slot of the value.
fn place(options: &Options, function: &Function, library: &TokenStream) -> Result<TokenStream> {
    let (namespace, place) = (&options.namespace, own("place"));
    let value = &function.answer.value;
    let (key, key_span) = naming::key(options, function, library)?;
    let mut slot = quote_spanned!(at(key_span)=> #library::Namespace::at(namespace, key));
    let mut statements = quote_spanned! {at(namespace.span())=>
        let namespace: &#library::Namespace<#value> = &#namespace;
    };
    statements.extend(tokens!(let key = #key;));
    if !options.policy.is_empty() {
        let setters = options.policy.iter().map(|(name, value)| tokens!(.#name(#value)));
        statements.extend(tokens! {
            let policy = #library::Policy::clone(#library::Namespace::policy(namespace))#(#setters)*;
        });
        slot = tokens!(#library::Slot::policy(#slot, &policy));
    }
    if let Some(tags) = naming::tags(options, function)? {
        slot = tokens!(#library::Slot::tags(#slot, #tags));
    }
    Ok(tokens!(#statements let #place = #slot;))
}

/// What the three functions are made of.
struct Parts {
    function: Function,
    /// Statements that end with `place`.
    place: TokenStream,
    handle: Ident,
    uncached: Ident,
    library: TokenStream,
}

impl Parts {
    /// The function as its callers know it.
    fn function(&self) -> TokenStream {
        let Self {
            function,
            place,
            library,
            ..
        } = self;
        let attributes = function.attributes.iter().filter(|attribute| !is_for_body(attribute));
        let (visibility, signature) = (&function.visibility, plain_signature(&function.signature));
        let (outlive, call) = (self.outlive(), self.call());
        let ok = if function.answer.is_shared {
            tokens!(cached)
        } else {
            quote_spanned!(at(function.answer.value.span())=> #library::Cached::to_value(&cached))
        };
        let err = quote_spanned!(at(function.answer.error)=> ::core::convert::From::from(error));
        tokens! {
            #(#attributes)*
            #[allow(clippy::needless_pass_by_value)]
            #visibility #signature {
                #place
                let load = || {
                    #outlive
                    move || async move { #call }
                };
                match #library::Slot::get_or_load_with(place, load).await {
                    ::core::result::Result::Ok(cached) => ::core::result::Result::Ok(#ok),
                    ::core::result::Result::Err(error) => ::core::result::Result::Err(#err),
                }
            }
        }
    }

    /// The function that makes the handle.
    fn handle(&self) -> TokenStream {
        let Self {
            function,
            place,
            library,
            handle,
            ..
        } = self;
        let attributes = function.attributes.iter().filter(|attribute| is_for_all(attribute));
        let (value, of_body) = (&function.answer.value, &function.answer.of_body);
        let mut signature = plain_signature(&function.signature);
        signature.asyncness = None;
        signature.ident = handle.clone();
        signature.output = syn::parse_quote! {
            -> #library::CachedCall<#value, <#of_body as #library::__private::Fallible>::Error>
        };
        let visibility = &function.visibility;
        let (outlive, again, call) = (self.outlive(), self.again(), self.call());
        let is_method = if function.receiver.is_some() { "Self::" } else { "" };
        let doc = format!(
            " What the cache has for a call of [`{0}`]({is_method}{0}) with these arguments: looked at, loaded, invalidated.",
            function.signature.ident.unraw()
        );
        tokens! {
            #[doc = #doc]
            #(#attributes)*
            #[allow(dead_code, clippy::needless_pass_by_value, clippy::too_many_arguments, clippy::type_complexity)]
            #visibility #signature {
                #place
                #outlive
                #library::CachedCall::new(place, move || {
                    #again
                    async move { #call }
                })
            }
        }
    }

    /// The body, as a function that the load calls.
    fn body(&self) -> TokenStream {
        let function = &self.function;
        let attributes = function
            .attributes
            .iter()
            .filter(|attribute| is_for_body(attribute) || is_for_all(attribute));
        let mut signature = function.signature.clone();
        signature.ident = self.uncached.clone();
        let (of_body, body) = (&function.answer.of_body, &function.body);
        signature.output = syn::parse_quote_spanned!(function.signature.output.span()=> -> #of_body);
        tokens! {
            #(#attributes)*
            #[allow(clippy::too_many_arguments, clippy::unused_async)]
            #signature #body
        }
    }

    /// Statements that make what the load takes, so that it outlives the call.
    fn outlive(&self) -> TokenStream {
        let library = &self.library;
        let mut statements = TokenStream::new();
        if let Some(receiver) = &self.function.receiver {
            let this = &receiver.self_token;
            let reference = if matches!(*receiver.ty, syn::Type::Reference(_)) {
                tokens!(#this)
            } else {
                tokens!(&#this)
            };
            let span = at(this.span());
            statements.extend(quote_spanned!(span=> let this = #library::__private::own(#reference);));
        }
        for (argument, owned) in self.function.arguments.iter().zip(self.owned()) {
            let name = &argument.name;
            let span = at(argument.ty.span());
            let made = match &argument.passing {
                Passing::Value => quote_spanned!(span=> #library::__private::own(&#name)),
                Passing::Reference(_) => quote_spanned!(span=> ::std::borrow::ToOwned::to_owned(#name)),
                Passing::OptionalReference(_) => {
                    quote_spanned!(span=> ::core::option::Option::map(#name, ::std::borrow::ToOwned::to_owned))
                }
            };
            statements.extend(tokens!(let #owned = #made;));
        }
        statements
    }

    /// Statements that make the same once more, for a load that may be called again.
    fn again(&self) -> TokenStream {
        let library = &self.library;
        let this = self
            .function
            .receiver
            .as_ref()
            .map(|receiver| (own("this"), receiver.self_token.span()));
        let types = self.function.arguments.iter().map(|argument| argument.ty.span());
        // Where the first copies are made: what can't be copied is told once.
        let statements = this.into_iter().chain(self.owned().zip(types)).map(|(owned, span)| {
            let first = Ident::new(&owned.to_string(), at(span));
            let copy = quote_spanned!(at(span)=> #library::__private::own(&#first));
            tokens!(let #owned = #copy;)
        });
        tokens!(#(#statements)*)
    }

    /// The call of the body.
    fn call(&self) -> TokenStream {
        let Self {
            function,
            library,
            uncached,
            ..
        } = self;
        let passed = function
            .arguments
            .iter()
            .zip(self.owned())
            .map(|(argument, owned)| match &argument.passing {
                Passing::Value => tokens!(#owned),
                Passing::Reference(_) => tokens!(&#owned),
                Passing::OptionalReference(target) => tokens! {
                    ::core::option::Option::map(
                        ::core::option::Option::as_ref(&#owned),
                        ::core::borrow::Borrow::<#target>::borrow,
                    )
                },
            });
        let generics = function
            .signature
            .generics
            .params
            .iter()
            .filter_map(|param| match param {
                GenericParam::Type(ty) => Some(&ty.ident),
                GenericParam::Const(constant) => Some(&constant.ident),
                GenericParam::Lifetime(_) => None,
            });
        let this = own("this");
        let target = function.receiver.as_ref().map(|_| tokens!(#this.));
        let call = tokens!(#target #uncached::<#(#generics),*>(#(#passed),*).await);
        if function.answer.is_optional {
            tokens!(::core::result::Result::map(#call, #library::__private::optional))
        } else {
            call
        }
    }

    /// A name for each argument as the load has it.
    fn owned(&self) -> impl Iterator<Item = Ident> + '_ {
        (0..self.function.arguments.len()).map(|place| own(&format!("argument_{place}")))
    }
}

/// The signature with nothing but names before the types.
fn plain_signature(signature: &Signature) -> Signature {
    let mut signature = signature.clone();
    for input in &mut signature.inputs {
        match input {
            FnArg::Typed(typed) => {
                if let Pat::Ident(pattern) = &mut *typed.pat {
                    pattern.mutability = None;
                    pattern.by_ref = None;
                }
            }
            FnArg::Receiver(receiver) if receiver.reference.is_none() => receiver.mutability = None,
            FnArg::Receiver(_) => {}
        }
    }
    signature
}

/// Holds for whatever the function becomes.
fn is_for_all(attribute: &Attribute) -> bool {
    ["cfg", "allow", "warn", "deny", "forbid"]
        .iter()
        .any(|name| attribute.path().is_ident(name))
}

/// Changes the body, or looks at it: instrumentation, for one.
fn is_for_body(attribute: &Attribute) -> bool {
    let is_for_callers = ["doc", "deprecated", "must_use"]
        .iter()
        .any(|name| attribute.path().is_ident(name));
    !is_for_callers && !is_for_all(attribute)
}
