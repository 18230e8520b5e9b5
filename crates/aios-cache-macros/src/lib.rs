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

/// Caches what an `async fn` returns, and makes a handle to it.
///
/// ```
/// use aios_cache::{Cache, LoadError, Namespace, Outcome, cached};
///
/// #[derive(Debug, Clone)]
/// struct Agent {
///     name: String,
/// }
///
/// #[derive(Debug, Clone)]
/// enum Error {
///     NoSuchAgent,
///     Cache(&'static str),
/// }
///
/// // A load fails in its own way, panics, or takes too long.
/// impl From<LoadError<Error>> for Error {
///     fn from(error: LoadError<Error>) -> Self {
///         error.into_error(Error::clone, |other| match other {
///             LoadError::TimedOut => Error::Cache("it takes too long"),
///             _ => Error::Cache("it panicked"),
///         })
///     }
/// }
///
/// #[derive(Clone)]
/// struct Agents {
///     by_id: Namespace<Agent>,
///     // and an Arc of whatever it reads from
/// }
///
/// impl Agents {
///     /// An agent.
///     #[cached(in = self.by_id, ttl = "5m", stale = "1h", tags("agents", "agent:{id}"), key = "{id}")]
///     pub async fn agent(&self, id: u64) -> Result<Agent, Error> {
///         if id == 7 { Ok(Agent { name: "Scribe".to_owned() }) } else { Err(Error::NoSuchAgent) }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let cache = Cache::builder().build();
/// let agents = Agents { by_id: cache.namespace("agents").build()? };
///
/// assert_eq!(agents.agent(7).await.unwrap().name, "Scribe");
/// assert!(matches!(agents.agent(8).await, Err(Error::NoSuchAgent)));
///
/// let call = agents.agent_cached(7);
/// assert!(call.peek().is_some());
/// assert_eq!(call.invalidate().await, Outcome::Everywhere);
/// assert!(call.peek().is_none());
/// # Ok(())
/// # }
/// ```
///
/// # What it makes
///
/// - The function itself, as it was declared. A hit clones nothing but the value (see below).
/// - Beside it, with the same arguments and visibility, `NAME_cached`: not `async`, it returns an
///   [`aios_cache::CachedCall`](../aios_cache/struct.CachedCall.html), to look at the value, load it now, invalidate it, warm
///   it up, and learn its key and tags.
/// - The body, as the private function `NAME_uncached`.
///
/// # Options
///
/// | option | what it says |
/// | --- | --- |
/// | `in = EXPR`, `namespace = EXPR` | the `Namespace<T>`: a field of `self`, or an argument; required |
/// | `key = "TEMPLATE"`, `key = EXPR` | the key; without it the function's name and all arguments, in order |
/// | `skip(ARGUMENT, …)` | these are no part of the key; nor is the one that the namespace is taken from |
/// | `tags("TEMPLATE", EXPR, …)`, `tags = EXPR` | the tags: each a template or something that becomes a `String`, or all at once as an iterator of such; asked for only when a value is loaded |
/// | `ttl`, `stale`, `stale_if_error`, `retry_pause`, `negative_ttl`, `soft_timeout`, `hard_timeout` | instead of the namespace's own policy: `"250ms"`, `"5m"`, `"1h30m"`, `"7d"`, or an expression of type `Duration` |
/// | `jitter`, `early_refresh`, `across_nodes` | the same, with an `f32`, an `f32`, a `bool` |
/// | `loaded` | the body returns `Result<Loaded<T>, E>`, and decides on time and tags itself |
/// | `handle = "NAME"` | how the function that makes the handle is called |
/// | `crate = PATH` | where `aios_cache` is found, if not there |
///
/// # Templates
///
/// Text with placeholders, `{{` and `}}` for braces. A placeholder is an argument or any expression on arguments and `self`:
/// `{id}`, `{query.page}`, `{name.trim()}`; a constant is written with its path, `{crate::VERSION}`.
///
/// In a **key** each placeholder is written by its `CacheKey`, escaped so that no two inputs share a key, and colons part
/// one from the next: `"user:{id}:{page}"` is the key of the tuple `("user", id, page)`. Two placeholders without a colon
/// between them do not compile, nor does a key in which an argument is missing that is not skipped. What `self` is does not
/// belong to the key, unless it is named there. Functions that share a namespace need keys that differ: let each begin
/// with a text of its own, or leave `key` out.
///
/// In a **tag** a placeholder is written by its `Display`, as it is.
///
/// # What it asks of the function
///
/// - It is `async`, with `self` or without it; not a trait's method, nor one of an `impl` of a trait (call an inherent
///   method from there), and not an associated function without `self`.
/// - It returns `Result<T, E>` or an alias of it whose name ends in `Result`. `T` is what the namespace holds, and is cloned
///   for each caller; **`Result<Cached<T>, E>`** hands out the shared value instead (the body returns a plain `T` still).
///   An `Option` that is `None` counts as a negative result, which lives for `negative_ttl`.
/// - **`E: From<LoadError<E>>`**, as above; or the error is `LoadError<E>` itself, and the body returns `E`.
/// - A load is shared by all who ask, and goes on when its caller goes away. So it takes clones: of `self` (keep state in an
///   `Arc`), of each argument, and of what `&T`, `&str`, `&[T]`, `Option<&T>` point to. They are made only where something
///   is loaded. All of them are `Clone + Send + Sync + 'static`.
/// - A generic function needs a `key`.
///
/// Other attributes stay: documentation, `must_use` and `deprecated` on the function, lints and `cfg` on all three, the rest
/// (such as `tracing::instrument`) on the body, so on the load and not on each call.
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
