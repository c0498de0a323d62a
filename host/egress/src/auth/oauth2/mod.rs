//! OAuth2: the access tokens of one connector, by client credentials or by a rotating refresh token.

mod config;
mod endpoint;
mod record;
mod rotation;
mod token;

use std::sync::Arc;

use crossdock_model::time::Clock;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::context::{Context, header_name};
use super::credential_cache::CredentialCache;
use crate::error::Error;
use crate::secret::Secret;

pub use config::{ClientAuth, Grant, OAuth2};
use endpoint::TokenEndpoint;
use rotation::Rotation;
pub(super) use token::AccessToken;

/// The access tokens of one connector.
pub(crate) struct AccessTokens(Arc<Inner>);

struct Inner {
    endpoint: TokenEndpoint,
    /// Present for the grant `refresh-token`.
    rotation: Option<Rotation>,
    /// The header that carries the token.
    header: HeaderName,
    /// True when the header carries the token without `Bearer`.
    is_bare: bool,
    clock: Arc<dyn Clock>,
    cache: CredentialCache<AccessToken>,
}

impl AccessTokens {
    /// Checks the configuration.
    pub(super) fn new(config: &OAuth2, context: &Context<'_>) -> Result<Self, String> {
        let endpoint = TokenEndpoint::new(config, context)?;
        let rotation = match (&config.refresh, config.grant) {
            (Some(_), Grant::ClientCredentials) => {
                return Err("client credentials have no refresh token: `refresh` belongs to the grant \
                            `refresh-token`"
                    .to_owned());
            }
            (None, Grant::ClientCredentials) => None,
            (None, Grant::RefreshToken) => {
                return Err("the grant `refresh-token` needs `refresh`, the name of the secret that is the \
                            refresh token"
                    .to_owned());
            }
            (Some(name), Grant::RefreshToken) => {
                context.require_secret(name)?;
                let stored = context.secrets.stored(name).ok_or_else(|| {
                    format!(
                        "the secret `{name}` is replaced with each refresh, so its first location must be \
                         `stored:NAME`"
                    )
                })?;
                Some(Rotation::new(stored))
            }
        };
        Ok(Self(Arc::new(Inner {
            endpoint,
            rotation,
            header: config.header.as_deref().map_or(Ok(AUTHORIZATION), header_name)?,
            is_bare: config.header.is_some(),
            clock: context.egress.clock.clone(),
            cache: CredentialCache::new(),
        })))
    }

    /// The header that carries the token.
    pub(super) fn header(&self) -> &HeaderName {
        &self.0.header
    }

    /// A token other than `refused`.
    pub(super) async fn get(&self, refused: Option<Arc<AccessToken>>) -> Result<Arc<AccessToken>, Error> {
        let inner = &self.0;
        let now = inner.clock.now();
        let is_usable = |token: &Arc<AccessToken>| {
            token.is_fresh(now) && refused.as_ref().is_none_or(|refused| !Arc::ptr_eq(refused, token))
        };
        let obtain = || {
            let (inner, refused) = (inner.clone(), refused.as_ref().map(|token| token.access.clone()));
            async move {
                match &inner.rotation {
                    Some(rotation) => rotation.token(&inner.endpoint, refused.as_ref()).await,
                    None => inner.endpoint.request_token(None).await.map_err(|failure| failure.error),
                }
            }
        };
        inner.cache.get(&inner.clock, is_usable, obtain).await
    }

    /// The value of the header.
    pub(super) fn header_value(&self, token: &AccessToken) -> Result<HeaderValue, Error> {
        let token = token.access.expose();
        let text = if self.0.is_bare { token.to_owned() } else { format!("Bearer {token}") };
        let mut value = HeaderValue::from_str(&Zeroizing::new(text)).map_err(|_| Error::Unauthorized {
            reason: format!("{} gave a token that a header cannot carry", self.0.endpoint),
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Recent tokens, which a target could reflect.
    pub(super) fn secrets_to_mask(&self) -> Vec<Secret> {
        self.0.cache.recent().iter().flat_map(|token| token.secrets().collect::<Vec<_>>()).collect()
    }
}
