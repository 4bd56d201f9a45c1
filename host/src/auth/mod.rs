//! Who is asking: roles, secrets that prove it, and the slow part of passwords.

pub mod password;
pub mod secret;
pub mod throttle;

use std::{fmt, str::FromStr};

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::ApiError;

/// What somebody may do; each role holds the rights of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Runs operations on tables.
    Operator,
    /// Decides on requests of others.
    Approver,
    /// Changes settings, plugins and users.
    Admin,
}

impl Role {
    /// The lower-case word of the role.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = anyhow::Error;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Viewer, Self::Operator, Self::Approver, Self::Admin]
            .into_iter()
            .find(|role| role.as_str() == word)
            .ok_or_else(|| anyhow::anyhow!("no role {word:?}: viewer, operator, approver or admin"))
    }
}

/// The signed-in user of a request. As an extractor it refuses with 401 `not-signed-in`; `Option<User>` does not.
#[derive(Clone, Debug)]
pub struct User {
    /// UUIDv7 text.
    pub id: String,
    /// Unique name; the actor of audit rows.
    pub name: String,
    /// What the user may do.
    pub role: Role,
}

impl User {
    /// Asks for at least `role`.
    ///
    /// # Errors
    /// 403 `role-too-low`, naming both roles.
    pub fn require(&self, role: Role) -> Result<(), ApiError> {
        if self.role >= role {
            return Ok(());
        }
        Err(ApiError::forbidden(
            "role-too-low",
            format!("this needs the role {role}; {} is {}: ask an admin", self.name, self.role),
        ))
    }
}

impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            ApiError::not_signed_in(
                "sign in at POST /api/session, or send `Authorization: Bearer` with a token of `drls user token`",
            )
        })
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for User {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}
