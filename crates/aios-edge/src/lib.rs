//! Purges what is stale from the caches of content delivery networks, for any service.
//!
//! A service labels its answers with tags (`Cache-Tag`, `Surrogate-Key`, `xkey`), and says which of them are stale when
//! something has changed. [`Edge`] is what a network has to do then, and all that the rest of a program needs to know of it:
//!
//! | | by | tags a call | everything |
//! | --- | --- | --- | --- |
//! | [`Cloudflare`] | `Cache-Tag` | 100 | the whole zone |
//! | [`Fastly`] | `Surrogate-Key` | 256 | the whole service |
//! | [`CloudFront`] | paths, by a [`PathMap`] of the caller | 500 | the whole distribution |
//! | [`Varnish`] | `xkey`, in each node | 100 | the whole node |
//!
//! Calls block, and end within ten seconds each; make them on a thread that may wait. [`purge_tags`] cuts a long list into
//! calls and says how far it got. [`Gate`] says when to try again: with growing pauses while a network fails, as late as it
//! asks for, and rarely where it refuses the credential. It has no clock and no dice of its own.
//!
//! ```no_run
//! use aios_edge::{Edge, Purge, Varnish};
//!
//! let edge = Varnish::new("http://127.0.0.1:6081", "the secret in its configuration".into())?;
//! match edge.purge(Purge::Tags(&["shop:agents".to_owned()])) {
//!     Ok(()) => println!("{} has nothing older", edge.name()),
//!     Err(error) => println!("{}: {error}", edge.name()),
//! }
//! # Ok::<(), aios_edge::SettingError>(())
//! ```
//!
//! What is not here: which answer bears which tag, and when something is stale. No types of a project stand here.

mod batch;
mod cloudflare;
mod cloudfront;
mod edge;
mod fastly;
mod gate;
mod http;
mod secret;
mod varnish;

pub use batch::{Report, purge_everything, purge_tags};
pub use cloudflare::Cloudflare;
pub use cloudfront::{AwsCredentials, CloudFront, PathMap};
pub use edge::{Edge, Purge, PurgeError, SettingError, describe_metrics};
pub use fastly::Fastly;
pub use gate::Gate;
pub use secret::Secret;
pub use varnish::Varnish;
