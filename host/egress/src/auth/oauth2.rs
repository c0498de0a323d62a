//! OAuth2: what the operator writes, and the access tokens of one connector, made once for all who want one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crossdock_model::time::{Clock, Millis};
use http::Uri;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::door::Door;
use super::endpoint::Given;
use super::keeper::Keeper;
use super::rotation::{self, Unsaved};
use super::{Context, header_name, known};
use crate::error::Error;
use crate::hosts::Origin;
use crate::secret::{Secret, Secrets, Slot};

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
    pub(super) config: OAuth2,
    pub(super) door: Door,
    pub(super) url: Uri,
    /// The header that carries the token.
    pub(super) header: HeaderName,
    /// The refresh token's place.
    pub(super) slot: Option<Slot>,
    pub(super) secrets: Secrets,
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
}
