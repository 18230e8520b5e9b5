//! Who is asking: the user behind a token, and what that user may do.

use crate::{Email, Error, ErrorKind, Result, UserId};

/// What a caller may do beyond the usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// Acts on what is the caller's own.
    #[default]
    User,
    /// Acts on everything.
    Admin,
}

/// A signed-in caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub id: UserId,
    /// The address the token names, if it names one.
    pub email: Option<Email>,
    /// What the user may do.
    pub role: Role,
}

impl Caller {
    /// Whether the caller administers the marketplace.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// Passes where the caller is `owner` or an admin.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`] for everybody else.
    pub fn must_own(&self, owner: UserId, what: &str) -> Result<()> {
        if self.id == owner || self.is_admin() {
            Ok(())
        } else {
            Err(Error::new(
                ErrorKind::Forbidden,
                format!("Only the author of this {what} or an admin may do this."),
            ))
        }
    }

    /// Passes for admins.
    ///
    /// # Errors
    /// [`ErrorKind::Forbidden`] for everybody else.
    pub fn must_be_admin(&self) -> Result<()> {
        if self.is_admin() {
            Ok(())
        } else {
            Err(Error::new(ErrorKind::Forbidden, "Only an admin may do this."))
        }
    }
}
