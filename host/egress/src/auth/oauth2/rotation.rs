//! A refresh token that the endpoint replaces with each use.
//!
//! Using a refresh token twice may revoke the whole authorisation, so only one refresh runs at a time: within
//! the host because the credential cache obtains one token for all requests, between hosts because a refresh
//! is claimed in the secret store before the endpoint is asked. The store has one record of both tokens, so a
//! host that loses a compare-and-set reads the winner's access token instead of refreshing again.
//!
//! 1. Read the record. A fresh access token is used.
//! 2. Claim: store the record with a claim, if it is still the one that was read. If it is not, or somebody
//!    else's claim is in force, wait and read again.
//! 3. Ask the endpoint.
//! 4. Store the new record durably. Only then is the new access token used.
//!
//! One gap remains: a host that crashes between 3 and 4 loses the new refresh token. Its claim expires and
//! the old token is used again; many endpoints allow a second use for a while. If the endpoint refuses it, the
//! connector is unauthorized, the reason says when a refresh began that did not complete, and a person
//! authorises the connector again. A store that is unavailable at 4 loses nothing as long as the host runs:
//! the record is stored before anything else at the next attempt.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossdock_model::time::Millis;
use tokio::time::{Instant, sleep};

use super::endpoint::TokenEndpoint;
use super::record::{Claim, TokenRecord};
use super::token::AccessToken;
use crate::auth::token_client::TOTAL_TIMEOUT;
use crate::error::Error;
use crate::secret::Secret;
use crate::secret_store::SecretStoreError;
use crate::secrets::StoredSecret;

/// Longer than the endpoint's timeout and the attempts to store the record together.
const CLAIM_LIFETIME: Duration = Duration::from_secs(90);

/// How often the record is read while another host's claim is in force.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Delays between the attempts to store a new record.
const STORE_RETRY_DELAYS: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// The rotating refresh token of one connector.
pub(super) struct Rotation {
    stored: StoredSecret,
    /// A new record that could not be stored yet.
    unsaved: Mutex<Option<Unsaved>>,
}

/// A new record, and the refresh token that it replaces.
struct Unsaved {
    spent: Secret,
    record: TokenRecord,
}

fn store_failed(error: SecretStoreError) -> Error {
    Error::CredentialsUnavailable { reason: error.to_string() }
}

impl Rotation {
    pub(super) fn new(stored: StoredSecret) -> Self {
        Self { stored, unsaved: Mutex::new(None) }
    }

    fn unsaved(&self) -> MutexGuard<'_, Option<Unsaved>> {
        self.unsaved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An access token other than `refused`: the stored one, or a new one.
    pub(super) async fn token(
        &self,
        endpoint: &TokenEndpoint,
        refused: Option<&Secret>,
    ) -> Result<AccessToken, Error> {
        self.save_unsaved().await?;
        let deadline = Instant::now() + CLAIM_LIFETIME + TOTAL_TIMEOUT;
        loop {
            let now = endpoint.clock.now();
            let (text, version) = self.stored.get().await.map_err(store_failed)?;
            let text = text.or_else(|| self.stored.initial().filter(|_| version.is_none()));
            let record = text.as_ref().map(TokenRecord::parse).ok_or_else(|| Error::Unauthorized {
                reason: "no refresh token is stored: authorise the connector and store the refresh token \
                         that it returns"
                    .to_owned(),
            })?;
            if let Some(token) = record.usable_token(refused, now) {
                return Ok(token);
            }
            if Instant::now() > deadline {
                let reason = "another host is refreshing the token and does not finish".to_owned();
                return Err(Error::CredentialsUnavailable { reason });
            }
            if record.claim.is_some_and(|claim| now < claim.until) {
                sleep(POLL_INTERVAL).await;
                continue;
            }
            // An expired claim belongs to a host that crashed before it finished.
            let unfinished = record.claim.map(|claim| claim.began).or(record.unfinished);
            let claim = Claim { began: now, until: now.plus(CLAIM_LIFETIME) };
            let claimed = TokenRecord { claim: Some(claim), unfinished, ..record.clone() };
            if !self.stored.put(claimed.to_json()?, version).await.map_err(store_failed)? {
                continue;
            }
            let spent = record.refresh_token();
            let failure = match endpoint.request_token(Some(spent)).await {
                Ok(token) => match self.save(token, spent).await? {
                    Some(token) => return Ok(token),
                    // Meanwhile an operator stored another refresh token, which takes precedence.
                    None => continue,
                },
                Err(failure) => failure,
            };
            let unauthorized = matches!(failure.error, Error::Unauthorized { .. });
            let now_unfinished =
                if failure.may_have_issued && !unauthorized { Some(now) } else { unfinished };
            let was_replaced = self.release_claim(spent, now_unfinished).await;
            if unauthorized && was_replaced {
                continue;
            }
            return Err(with_advice(failure.error, unfinished));
        }
    }

    /// Stores new tokens. Absent when another refresh token was stored meanwhile.
    async fn save(&self, token: AccessToken, spent: &Secret) -> Result<Option<AccessToken>, Error> {
        let record = TokenRecord::of(&token, spent);
        let refresh = Some(record.refresh_token().clone());
        *self.unsaved() = Some(Unsaved { spent: spent.clone(), record });
        Ok(self.save_unsaved().await?.then_some(AccessToken { refresh, ..token }))
    }

    /// Stores the unsaved record, with retries. False when there is none, or it was superseded.
    async fn save_unsaved(&self) -> Result<bool, Error> {
        let Some(unsaved) = self.unsaved().take() else { return Ok(false) };
        let mut delays = STORE_RETRY_DELAYS.into_iter();
        loop {
            match self.replace_spent(&unsaved).await {
                Ok(saved) => return Ok(saved),
                Err(error) => {
                    tracing::warn!(%error, "storing a new refresh token failed");
                    let Some(delay) = delays.next() else {
                        // It is stored first at the next attempt to get a token.
                        *self.unsaved() = Some(unsaved);
                        let reason = format!("storing a new refresh token: {error}");
                        return Err(Error::CredentialsUnavailable { reason });
                    };
                    sleep(delay).await;
                }
            }
        }
    }

    /// Replaces the record of the spent refresh token. False when the store has another refresh token:
    /// somebody else's, or this one, stored by a put that failed only afterwards. Either is read then.
    async fn replace_spent(&self, unsaved: &Unsaved) -> Result<bool, Error> {
        loop {
            let (text, version) = self.stored.get().await.map_err(store_failed)?;
            let current = text.as_ref().map(TokenRecord::parse);
            if !current.is_some_and(|current| current.has_refresh_token(&unsaved.spent)) {
                return Ok(false);
            }
            if self.stored.put(unsaved.record.to_json()?, version).await.map_err(store_failed)? {
                return Ok(true);
            }
        }
    }

    /// Removes the claim, so that no host has to wait until it expires. True when the store has another
    /// refresh token than `spent`.
    async fn release_claim(&self, spent: &Secret, unfinished: Option<Millis>) -> bool {
        loop {
            // A claim that cannot be removed expires.
            let Ok((Some(text), version)) = self.stored.get().await else { return false };
            let current = TokenRecord::parse(&text);
            if !current.has_refresh_token(spent) {
                return true;
            }
            let released = TokenRecord { claim: None, unfinished, ..current };
            let Ok(text) = released.to_json() else { return false };
            if self.stored.put(text, version).await.unwrap_or(true) {
                return false;
            }
        }
    }
}

/// Tells a person what to do about a refusal.
fn with_advice(error: Error, unfinished: Option<Millis>) -> Error {
    let Error::Unauthorized { mut reason } = error else { return error };
    match unfinished {
        Some(began) => reason.push_str(&format!(
            "; a refresh that began at {began} did not complete, and its new refresh token may be lost: \
             authorise the connector again and store the refresh token that it returns"
        )),
        None => reason.push_str(
            "; if the refresh token has expired or was used elsewhere, authorise the connector again and \
             store the refresh token that it returns",
        ),
    }
    Error::Unauthorized { reason }
}
