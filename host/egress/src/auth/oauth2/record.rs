//! The stored form of a rotating refresh token: both tokens, and the claim of a host that refreshes them.

use crossdock_model::time::Millis;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::token::AccessToken;
use crate::error::Error;
use crate::secret::Secret;

/// What is stored under the refresh token's name, as JSON. A person may store the refresh token alone.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TokenRecord {
    pub(super) refresh: SecretText,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) access: Option<SecretText>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fresh_until: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) claim: Option<Claim>,
    /// When a refresh began that did not complete, so that a new refresh token may have been lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unfinished: Option<Millis>,
}

/// One host's exclusive right to refresh.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Claim {
    pub(super) began: Millis,
    pub(super) until: Millis,
}

/// A secret as text in JSON.
#[derive(Clone)]
pub(super) struct SecretText(Secret);

impl Serialize for SecretText {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Secret::new(text)))
    }
}

impl TokenRecord {
    /// The record of new tokens. `spent` stays the refresh token if the endpoint gave no other.
    pub(super) fn of(token: &AccessToken, spent: &Secret) -> Self {
        Self {
            refresh: SecretText(token.refresh.as_ref().unwrap_or(spent).clone()),
            access: Some(SecretText(token.access.clone())),
            fresh_until: token.fresh_until,
            claim: None,
            unfinished: None,
        }
    }

    /// Reads a stored value.
    pub(super) fn parse(text: &Secret) -> Self {
        serde_json::from_str(text.expose()).unwrap_or_else(|_| Self {
            refresh: SecretText(text.clone()),
            access: None,
            fresh_until: None,
            claim: None,
            unfinished: None,
        })
    }

    /// The value to store.
    pub(super) fn to_json(&self) -> Result<Zeroizing<String>, Error> {
        serde_json::to_string(self)
            .map(Zeroizing::new)
            .map_err(|error| Error::Unauthorized { reason: format!("writing the token record: {error}") })
    }

    pub(super) fn refresh_token(&self) -> &Secret {
        &self.refresh.0
    }

    /// True when the record has this refresh token.
    pub(super) fn has_refresh_token(&self, token: &Secret) -> bool {
        self.refresh.0.expose() == token.expose()
    }

    /// The access token, if it is still fresh and not the one that was refused.
    pub(super) fn usable_token(&self, refused: Option<&Secret>, now: Millis) -> Option<AccessToken> {
        let access = &self.access.as_ref()?.0;
        if refused.is_some_and(|refused| refused.expose() == access.expose()) {
            return None;
        }
        let token = AccessToken {
            access: access.clone(),
            refresh: Some(self.refresh.0.clone()),
            fresh_until: self.fresh_until,
        };
        token.is_fresh(now).then_some(token)
    }
}
