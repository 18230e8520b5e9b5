//! `aios token`.

use std::time::Duration;

use aios_domain::{Caller, Email, Role, UserId};
use aios_marketplace::{Clock, SystemClock};

use crate::cli::TokenArgs;
use crate::config::StartError;
use crate::secret::token_secret;

/// Prints a token.
pub(crate) fn run(args: &TokenArgs) -> Result<(), StartError> {
    let secret = token_secret(&args.secret, &args.database.database_url)?;
    let email = args.email.as_deref().map(Email::new).transpose();
    let caller = Caller {
        id: args.user.map_or_else(aios_marketplace::demo::first_user, UserId),
        email: email.map_err(|error| StartError::new(format!("--email {error}")))?,
        role: if args.admin { Role::Admin } else { Role::User },
    };
    crate::print(&signed(&secret, &caller, args.ttl)?);
    Ok(())
}

/// A token that is good for `ttl` from now.
pub(crate) fn signed(secret: &[u8], caller: &Caller, ttl: Duration) -> Result<String, StartError> {
    let ttl = i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX);
    let expires = SystemClock.now().timestamp().saturating_add(ttl);
    Ok(aios_api::sign_token(secret, caller, expires)?)
}
