//! The token endpoint (RFC 6749): requests and responses.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use crossdock_model::time::{Clock, Millis};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode, Uri};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::config::{ClientAuth, Grant, OAuth2};
use super::token::AccessToken;
use crate::auth::context::Context;
use crate::auth::token_client::{TokenClient, request_failed, unsuccessful};
use crate::error::{Error, Sent};
use crate::mask::Mask;
use crate::origin::Origin;
use crate::secret::Secret;
use crate::secrets::Secrets;

/// A token is replaced this long before it expires, or a tenth of its lifetime before, whichever is less: a
/// request in flight when it expires would be refused.
const EXPIRY_MARGIN: Duration = Duration::from_secs(60);

/// Parameters that the profile itself sends to the token endpoint.
const OWN_PARAMETERS: [&str; 7] =
    ["grant_type", "client_id", "client_secret", "refresh_token", "scope", "audience", "assertion"];

/// The token endpoint of one connector.
pub(super) struct TokenEndpoint {
    config: OAuth2,
    client: TokenClient,
    url: Uri,
    secrets: Secrets,
    pub(super) clock: Arc<dyn Clock>,
}

/// A token request that gave no token.
pub(super) struct Failure {
    pub(super) error: Error,
    /// True when the endpoint may have issued tokens all the same.
    pub(super) may_have_issued: bool,
}

/// The body of a token response. Some endpoints write numbers as text.
#[derive(Default, Deserialize)]
struct TokenResponse {
    access_token: Option<String>,
    token_type: Option<String>,
    expires_in: Option<serde_json::Value>,
    refresh_token: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl fmt::Display for TokenEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the token endpoint at {}", self.client.origin)
    }
}

impl TokenEndpoint {
    /// Checks the configuration.
    pub(super) fn new(config: &OAuth2, context: &Context<'_>) -> Result<Self, String> {
        let mut hosts = context.hosts.to_vec();
        if let Some(host) = &config.token_host {
            hosts.push(host.parse::<Origin>().map_err(|reason| format!("`token-host`: {reason}"))?);
        }
        let (client, url) = TokenClient::new(context.egress, &config.token_url, "token-url", &hosts)?;
        if config.token_host.is_some() && hosts.last() != Some(&client.origin) {
            return Err(format!("`token-host` is not the host of `token-url`: {}", client.origin));
        }
        if config.client_id.is_empty() {
            return Err("`client-id` is empty".to_owned());
        }
        match (&config.secret, config.grant) {
            (Some(name), _) => context.require_secret(name)?,
            (None, Grant::ClientCredentials) => {
                return Err("client credentials need `secret`, the name of the client secret".to_owned());
            }
            (None, Grant::RefreshToken) => {}
        }
        if let Some(name) = config.parameters.keys().find(|name| OWN_PARAMETERS.contains(&name.as_str())) {
            return Err(format!("`parameters.{name}` is sent by the profile itself"));
        }
        Ok(Self {
            config: config.clone(),
            client,
            url,
            secrets: context.secrets.clone(),
            clock: context.egress.clock.clone(),
        })
    }

    /// Requests a token, with a refresh token or with the client's credentials.
    pub(super) async fn request_token(&self, refresh: Option<&Secret>) -> Result<AccessToken, Failure> {
        let requested = self.clock.now();
        let mut secrets: Vec<Secret> = refresh.into_iter().cloned().collect();
        let request = self.request(refresh, &mut secrets);
        let request = request.map_err(|error| Failure { error, may_have_issued: false })?;
        let mask = Mask::of(&self.secrets, &secrets);
        let response = self.client.send(request, &mask).await.map_err(|error| {
            let may_have_issued = error.sent() == Sent::Unknown;
            Failure { error: request_failed(error), may_have_issued }
        })?;
        self.token(&response, requested, &mask)
    }

    /// The token in a response, or what the response says instead.
    fn token(
        &self,
        response: &Response<Bytes>,
        requested: Millis,
        mask: &Mask,
    ) -> Result<AccessToken, Failure> {
        let status = response.status();
        let mut body: TokenResponse = serde_json::from_slice(response.body()).unwrap_or_default();
        let access = body.access_token.take().filter(|_| status.is_success() && body.error.is_none());
        let Some(access) = access else {
            // A server that failed may have issued tokens before.
            let may_have_issued = status.is_server_error() || status.is_success();
            return Err(Failure { error: self.refusal(status, &body, mask), may_have_issued });
        };
        if let Some(kind) = body.token_type.filter(|kind| !kind.eq_ignore_ascii_case("bearer"))
            && self.config.header.is_none()
        {
            let reason = format!("{self} issues `{}` tokens, not bearer tokens", mask.text(kind));
            return Err(Failure { error: Error::Unauthorized { reason }, may_have_issued: true });
        }
        let lifetime = body.expires_in.as_ref().and_then(seconds);
        tracing::debug!(endpoint = %self.client.origin, ?lifetime, "obtained an access token");
        Ok(AccessToken {
            access: Secret::new(access),
            refresh: body.refresh_token.filter(|token| !token.is_empty()).map(Secret::new),
            fresh_until: lifetime
                .map(|lifetime| requested.plus(lifetime.saturating_sub(EXPIRY_MARGIN.min(lifetime / 10)))),
        })
    }

    /// The error of a response without a token.
    fn refusal(&self, status: StatusCode, body: &TokenResponse, mask: &Mask) -> Error {
        let error = body.error.as_deref();
        let message: Vec<&str> = [error, body.error_description.as_deref()].into_iter().flatten().collect();
        let message = mask.text(message.join(", "));
        if matches!(error, Some("temporarily_unavailable" | "server_error" | "slow_down")) {
            Error::CredentialsUnavailable { reason: format!("{self} responded: {message}") }
        } else if status.is_success() && message.is_empty() {
            Error::Unauthorized { reason: format!("{self} responded without an access token") }
        } else {
            unsuccessful(status, &self.to_string(), &message)
        }
    }

    /// The request. The client's credentials as they are sent are added to `secrets`.
    fn request(&self, refresh: Option<&Secret>, secrets: &mut Vec<Secret>) -> Result<Request<Bytes>, Error> {
        let config = &self.config;
        let client_secret = match &config.secret {
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
        match (&client_secret, config.client_auth) {
            (Some(secret), ClientAuth::Basic) => {
                // Both are form-encoded first (RFC 6749, 2.3.1).
                let pair = [config.client_id.as_str(), secret.expose()]
                    .map(|text| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>());
                let pair = Zeroizing::new(pair.join(":"));
                let pair = Secret::new(STANDARD.encode(pair.as_bytes()));
                let value = Zeroizing::new(format!("Basic {}", pair.expose()));
                request = request.header(AUTHORIZATION, value.as_str());
                secrets.push(pair);
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
        request
            .body(Bytes::from(form.finish()))
            .map_err(|_| Error::Unauthorized { reason: format!("the request to {self} cannot be written") })
    }
}

fn seconds(value: &serde_json::Value) -> Option<Duration> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    Duration::try_from_secs_f64(number.max(0.0)).ok()
}
