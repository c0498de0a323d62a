//! The token endpoint (RFC 6749): what it is asked, and what its answer means.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use crossdock_model::time::Millis;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::door::{refused, unreachable};
use super::oauth2::{ClientAuth, Inner};
use crate::error::{Error, Sent};
use crate::mask::Mask;
use crate::secret::Secret;

/// A token is given up this long before it expires, or a tenth of its life before, whatever is less: a
/// request that is under way when it expires would be refused.
const EARLY: Duration = Duration::from_secs(60);

/// What the token endpoint gave.
pub(super) struct Given {
    pub(super) access: Secret,
    pub(super) refresh: Option<Secret>,
    pub(super) fresh_until: Option<Millis>,
}

/// Why the token endpoint gave nothing.
pub(super) struct Failure {
    pub(super) error: Error,
    /// True when it may have done what it was asked for all the same.
    pub(super) perhaps: bool,
}

/// What token endpoints answer. Some write numbers as texts.
#[derive(Default, Deserialize)]
struct Answer {
    access_token: Option<String>,
    token_type: Option<String>,
    expires_in: Option<serde_json::Value>,
    refresh_token: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Inner {
    /// Asks the token endpoint, with a refresh token or with the client's own credentials.
    pub(super) async fn ask(&self, refresh: Option<&Secret>) -> Result<Given, Failure> {
        let certain = |error| Failure { error, perhaps: false };
        let asked = self.clock.now();
        let mut hidden: Vec<Secret> = refresh.into_iter().cloned().collect();
        let request = self.request(refresh, &mut hidden).map_err(certain)?;
        let mask = Mask::of(&self.secrets, &hidden);
        let answer = self.door.ask(request, &mask).await.map_err(|error| {
            let perhaps = error.sent() == Sent::Unknown;
            Failure { error: unreachable(error), perhaps }
        })?;
        let status = answer.status();
        let said: Answer = serde_json::from_slice(answer.body()).unwrap_or_default();
        let endpoint = format!("the token endpoint at {}", self.door.origin);
        if !status.is_success() || said.error.is_some() || said.access_token.is_none() {
            let words = [said.error.as_deref(), said.error_description.as_deref()];
            let words: Vec<&str> = words.into_iter().flatten().collect();
            let words = mask.text(words.join(", "));
            let temporary = matches!(
                said.error.as_deref(),
                Some("temporarily_unavailable" | "server_error" | "slow_down")
            );
            let error = if temporary {
                Error::CredentialsUnavailable { reason: format!("{endpoint} answered: {words}") }
            } else if status.is_success() && words.is_empty() {
                Error::Unauthorized { reason: format!("{endpoint} answered without an access token") }
            } else {
                refused(status, &endpoint, Some(&words))
            };
            // A server that broke down may have done it before.
            return Err(Failure { error, perhaps: status.is_server_error() || status.is_success() });
        }
        if let Some(kind) = said.token_type.as_deref().filter(|kind| !kind.eq_ignore_ascii_case("bearer"))
            && self.config.header.is_none()
        {
            let reason = format!(
                "{endpoint} gives tokens of another type than bearer: {}",
                mask.text(kind.to_owned())
            );
            return Err(Failure { error: Error::Unauthorized { reason }, perhaps: true });
        }
        let life = said.expires_in.as_ref().and_then(seconds);
        let fresh_until = life.map(|life| asked.plus(life.saturating_sub(EARLY.min(life / 10))));
        tracing::debug!(endpoint = %self.door.origin, ?life, "a new access token");
        Ok(Given {
            access: Secret::new(said.access_token.unwrap_or_default()),
            refresh: said.refresh_token.filter(|token| !token.is_empty()).map(Secret::new),
            fresh_until,
        })
    }

    fn request(&self, refresh: Option<&Secret>, hidden: &mut Vec<Secret>) -> Result<Request<Bytes>, Error> {
        let config = &self.config;
        let secret = match &config.secret {
            None => None,
            Some(name) => Some(self.secrets.get(name).ok_or_else(|| Error::SecretMissing {
                secret: name.clone(),
                reason: "it is not in the store yet".to_owned(),
            })?),
        };
        let mut form = form_urlencoded::Serializer::new(String::new());
        match refresh {
            Some(token) => {
                form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token.expose());
            }
            None => {
                form.append_pair("grant_type", "client_credentials");
            }
        }
        let mut request = Request::post(self.url.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        match (&secret, config.client_auth) {
            (Some(secret), ClientAuth::Basic) => {
                // Both are encoded as a form first (RFC 6749, 2.3.1).
                let pair = [config.client_id.as_str(), secret.expose()]
                    .map(|text| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>());
                let pair = Zeroizing::new(pair.join(":"));
                let pair = Secret::new(STANDARD.encode(pair.as_bytes()));
                let value = Zeroizing::new(format!("Basic {}", pair.expose()));
                request = request.header(AUTHORIZATION, value.as_str());
                hidden.push(pair);
            }
            (Some(secret), ClientAuth::Post) => {
                form.append_pair("client_id", &config.client_id)
                    .append_pair("client_secret", secret.expose());
            }
            (None, _) => {
                form.append_pair("client_id", &config.client_id);
            }
        }
        for (name, value) in [("scope", &config.scope), ("audience", &config.audience)] {
            if let Some(value) = value {
                form.append_pair(name, value);
            }
        }
        form.extend_pairs(&config.parameters);
        request.body(Bytes::from(form.finish())).map_err(|_| Error::Unauthorized {
            reason: "the request for a token cannot be written".to_owned(),
        })
    }
}

fn seconds(value: &serde_json::Value) -> Option<Duration> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    Duration::try_from_secs_f64(number.max(0.0)).ok()
}
