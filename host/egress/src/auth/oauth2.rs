//! OAuth2: access tokens from a token endpoint (RFC 6749), made once for all who want one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use crossdock_model::time::{Clock, Millis};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Request, Uri};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::door::{Door, refused, unreachable};
use super::keeper::Keeper;
use super::rotation::{self, Unsaved};
use super::{Context, header_name, known};
use crate::error::{Error, Sent};
use crate::hosts::Origin;
use crate::mask::Mask;
use crate::secret::{Secret, Secrets, Slot};

/// A token is given up this long before it expires, or a tenth of its life before, whatever is less: a
/// request that is under way when it expires would be refused.
const EARLY: Duration = Duration::from_secs(60);

/// Names that the profile itself sends to the token endpoint.
const OURS: [&str; 7] =
    ["grant_type", "client_id", "client_secret", "refresh_token", "scope", "audience", "assertion"];

/// How access tokens are had from a token endpoint. See [`Profile::OAuth2`](super::Profile::OAuth2).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OAuth2 {
    /// What the token endpoint is shown.
    pub grant: Grant,
    /// The token endpoint.
    pub token_url: String,
    /// Where the token endpoint lies, when that is none of the connector's hosts: only the host itself goes
    /// there, the plugin cannot.
    #[serde(default)]
    pub token_host: Option<String>,
    /// The client's name.
    pub client_id: String,
    /// The name of the secret that is the client's. Absent for a public client that refreshes.
    #[serde(default)]
    pub secret: Option<String>,
    /// How the client shows its secret.
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// The name of the secret that is the refresh token. Its place is `stored:NAME`, because the endpoint
    /// gives another one each time; a second place may hold the first token.
    #[serde(default)]
    pub refresh: Option<String>,
    /// What the token is to be good for, as the endpoint writes it (`orders.read stock.write`).
    #[serde(default)]
    pub scope: Option<String>,
    /// Whom the token is to be shown to, for endpoints that want to know.
    #[serde(default)]
    pub audience: Option<String>,
    /// What else the endpoint wants to be sent (`resource = "…"`). Nothing secret belongs here.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// The header that carries the token as it is, for targets that want it elsewhere than in
    /// `Authorization: Bearer …`.
    #[serde(default)]
    pub header: Option<String>,
}

/// What the token endpoint is shown for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grant {
    /// The client's own name and secret.
    ClientCredentials,
    /// A refresh token, which the endpoint may replace each time.
    RefreshToken,
}

/// How the client shows its secret to the token endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuth {
    /// In the `Authorization` header.
    #[default]
    Basic,
    /// In the form that is posted.
    Post,
}

/// An access token.
pub(crate) struct Token {
    pub(super) access: Secret,
    pub(super) refresh: Option<Secret>,
    /// Until when it is used without asking. Absent when the endpoint did not say: until it is refused.
    pub(super) fresh_until: Option<Millis>,
}

impl Token {
    pub(super) fn hidden(&self) -> impl Iterator<Item = Secret> + '_ {
        std::iter::once(&self.access).chain(&self.refresh).cloned()
    }

    pub(super) fn fresh(&self, now: Millis) -> bool {
        self.fresh_until.is_none_or(|until| now < until)
    }
}

/// The access tokens of one connector.
#[derive(Clone)]
pub(crate) struct Tokens(pub(super) Arc<Inner>);

pub(crate) struct Inner {
    config: OAuth2,
    door: Door,
    url: Uri,
    /// The header that carries the token.
    pub(super) header: HeaderName,
    /// The refresh token's place.
    pub(super) slot: Option<Slot>,
    secrets: Secrets,
    pub(super) clock: Arc<dyn Clock>,
    keeper: Keeper<Token>,
    /// A new refresh token that could not be stored yet.
    pub(super) unsaved: Mutex<Option<Unsaved>>,
}

impl Tokens {
    /// Checks that the configuration makes sense.
    pub(super) fn new(config: &OAuth2, context: &Context<'_>) -> Result<Self, String> {
        let (grant, secrets) = (config.grant, context.secrets);
        let mut hosts = context.hosts.to_vec();
        if let Some(host) = &config.token_host {
            hosts.push(host.parse::<Origin>().map_err(|wrong| format!("`token-host`: {wrong}"))?);
        }
        let (door, url) =
            Door::to(context.egress, &config.token_url, "token-url", &hosts).map_err(|wrong| {
                if wrong.contains("hosts") { format!("{wrong}, nor its `token-host`") } else { wrong }
            })?;
        if config.token_host.is_some() && hosts.last() != Some(&door.origin) {
            return Err(format!("`token-host` is not where `token-url` leads: {}", door.origin));
        }
        if config.client_id.is_empty() {
            return Err("`client-id` is empty".to_owned());
        }
        match (&config.secret, grant) {
            (Some(name), _) => known(secrets, name)?,
            (None, Grant::ClientCredentials) => {
                return Err("client credentials need `secret`, the name of the client's secret".to_owned());
            }
            (None, Grant::RefreshToken) => {}
        }
        if let Some(name) = config.parameters.keys().find(|name| OURS.contains(&name.as_str())) {
            return Err(format!("`parameters.{name}` is sent by the profile itself"));
        }
        let slot = match (&config.refresh, grant) {
            (Some(_), Grant::ClientCredentials) => {
                return Err("client credentials have no refresh token: `refresh` belongs to the grant \
                            `refresh-token`"
                    .to_owned());
            }
            (None, Grant::ClientCredentials) => None,
            (None, Grant::RefreshToken) => {
                return Err(
                    "the grant `refresh-token` needs `refresh`, the name of the secret that is the token"
                        .to_owned(),
                );
            }
            (Some(name), Grant::RefreshToken) => {
                known(secrets, name)?;
                Some(secrets.slot(name).ok_or_else(|| {
                    format!(
                        "the secret `{name}` is replaced with each refresh, so its first place is \
                         `stored:NAME`"
                    )
                })?)
            }
        };
        let header = config.header.as_deref().map_or(Ok(AUTHORIZATION), header_name)?;
        let inner = Inner {
            config: config.clone(),
            door,
            url,
            header,
            slot,
            secrets: secrets.clone(),
            clock: context.egress.clock.clone(),
            keeper: Keeper::new(),
            unsaved: Mutex::new(None),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// A token; another one than `refused`.
    pub(super) async fn get(&self, refused: Option<Arc<Token>>) -> Result<Arc<Token>, Error> {
        let inner = &self.0;
        let now = inner.clock.now();
        let other = |token: &Arc<Token>| refused.as_ref().is_none_or(|refused| !Arc::ptr_eq(refused, token));
        let make = || {
            let (inner, refused) = (inner.clone(), refused.as_ref().map(|token| token.access.clone()));
            async move { inner.make(refused).await }
        };
        inner.keeper.get(&inner.clock, |token| other(token) && token.fresh(now), make).await
    }

    /// What a target could reflect.
    pub(super) fn hidden(&self) -> Vec<Secret> {
        self.0.keeper.recent().iter().flat_map(|token| token.hidden().collect::<Vec<_>>()).collect()
    }

    /// The header's value.
    pub(super) fn value(&self, token: &Token) -> Result<HeaderValue, Error> {
        let token = token.access.expose();
        let text = match self.0.config.header {
            None => Zeroizing::new(format!("Bearer {token}")),
            Some(_) => Zeroizing::new(token.to_owned()),
        };
        HeaderValue::from_str(&text).map_err(|_| Error::Unauthorized {
            reason: format!("the token of {} has characters that a header cannot carry", self.0.door.origin),
        })
    }
}

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
    async fn make(&self, refused: Option<Secret>) -> Result<Token, Error> {
        match (&self.config.grant, &self.slot) {
            (Grant::RefreshToken, Some(slot)) => rotation::renew(self, slot, refused.as_ref()).await,
            _ => {
                let Given { access, fresh_until, .. } =
                    self.ask(None).await.map_err(|failure| failure.error)?;
                Ok(Token { access, refresh: None, fresh_until })
            }
        }
    }

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
