//! The attribute `#[cached]`; use it through `aios_cache::cached`, where it is described.

/// As `quote!`, with names of its own: no variable in it is one of the user's.
macro_rules! tokens {
    ($($tokens:tt)*) => {
        ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*)
    };
}

mod duration;
mod expand;
mod function;
mod naming;
mod options;
mod template;

use proc_macro::TokenStream;

/// Caches what an `async fn` returns.
#[proc_macro_attribute]
pub fn cached(options: TokenStream, item: TokenStream) -> TokenStream {
    match expand::expand(options.into(), item.clone().into()) {
        Ok(expanded) => expanded.into(),
        Err(error) => {
            // The function stays, so that nobody who calls it gets an error of his own; and only the mistake is shown.
            let (error, item) = (error.into_compile_error(), proc_macro2::TokenStream::from(item));
            quote::quote!(#error #[allow(unused_variables)] #item).into()
        }
    }
}
