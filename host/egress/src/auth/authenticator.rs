//! Authenticates the requests of one connector.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};

use super::context::{Context, header_name};
use super::oauth2::{AccessToken, AccessTokens};
use super::profile::Profile;
use super::session::{Expired, SessionState, Sessions};
use super::static_secret::{HeaderFormat, StaticSecret};
use crate::error::Error;
use crate::origin::Origin;
use crate::secret::Secret;

/// Authenticates the requests of one connector, by its profile.
pub(crate) enum Authenticator {
    /// Requests are not authenticated.
    None,
    StaticSecret(StaticSecret),
    AccessTokens(AccessTokens),
    Sessions(Sessions),
}

/// What one request is authenticated with.
pub(crate) enum Credential {
    None,
    Header(HeaderName, HeaderValue),
    AccessToken(Arc<AccessToken>),
    Session(Arc<SessionState>),
}

/// A credential that a target refused, to be replaced.
pub(crate) enum RefusedCredential {
    AccessToken(Arc<AccessToken>),
    Session(Arc<SessionState>, Expired),
}

impl Authenticator {
    /// Checks a profile.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(crate) fn new(profile: Option<&Profile>, context: &Context<'_>) -> Result<Self, String> {
        let static_secret = |header: HeaderName, secret: &String, format: HeaderFormat| {
            context.require_secret(secret)?;
            let (secret, secrets) = (secret.clone(), context.secrets.clone());
            Ok(Self::StaticSecret(StaticSecret { header, secret, secrets, format }))
        };
        match profile {
            None => Ok(Self::None),
            Some(Profile::Bearer { secret }) => static_secret(AUTHORIZATION, secret, HeaderFormat::Bearer),
            Some(Profile::Header { header, secret }) => {
                static_secret(header_name(header)?, secret, HeaderFormat::Plain)
            }
            Some(Profile::Basic { user, secret }) => {
                static_secret(AUTHORIZATION, secret, HeaderFormat::Basic { user: user.clone() })
            }
            Some(Profile::OAuth2(config)) => AccessTokens::new(config, context).map(Self::AccessTokens),
            Some(Profile::Session(config)) => Sessions::new(config, context).map(Self::Sessions),
        }
    }

    /// The headers that only the host may set.
    pub(crate) fn reserved(&self) -> Vec<HeaderName> {
        match self {
            Self::None => Vec::new(),
            Self::StaticSecret(secret) => vec![secret.header.clone()],
            Self::AccessTokens(tokens) => vec![tokens.header().clone()],
            Self::Sessions(sessions) => sessions.reserved(),
        }
    }

    /// The credential of a request to `origin`; another one than the refused one.
    pub(crate) async fn credential(
        &self,
        origin: &Origin,
        refused: Option<RefusedCredential>,
    ) -> Result<Credential, Error> {
        match self {
            Self::None => Ok(Credential::None),
            Self::StaticSecret(secret) => {
                secret.value().map(|value| Credential::Header(secret.header.clone(), value))
            }
            Self::AccessTokens(tokens) => {
                let refused = match refused {
                    Some(RefusedCredential::AccessToken(token)) => Some(token),
                    _ => None,
                };
                tokens.get(refused).await.map(Credential::AccessToken)
            }
            Self::Sessions(sessions) if sessions.origin() == origin => {
                let expired = match refused {
                    Some(RefusedCredential::Session(state, expired)) => Some((state, expired)),
                    _ => None,
                };
                sessions.get(expired).await.map(Credential::Session)
            }
            Self::Sessions(_) => Ok(Credential::None),
        }
    }

    /// Adds a credential to a request. Returns what has to be masked besides [`Self::secrets_to_mask`].
    pub(crate) fn apply(&self, credential: &Credential, request: &mut Parts) -> Result<Vec<Secret>, Error> {
        let headers = &mut request.headers;
        match (self, credential) {
            (_, Credential::Header(header, value)) => {
                headers.insert(header.clone(), value.clone());
            }
            (Self::AccessTokens(tokens), Credential::AccessToken(token)) => {
                headers.insert(tokens.header().clone(), tokens.header_value(token)?);
            }
            (Self::Sessions(sessions), Credential::Session(state)) => {
                return Ok(sessions.apply(state, &request.method, request.uri.path(), headers));
            }
            _ => {}
        }
        Ok(Vec::new())
    }

    /// The credential, if a response refuses it and another one can be obtained.
    pub(crate) fn refused(
        &self,
        credential: &Credential,
        response: &Response<Bytes>,
    ) -> Option<RefusedCredential> {
        match (self, credential) {
            (Self::AccessTokens(_), Credential::AccessToken(token)) => {
                let unauthorized = response.status() == StatusCode::UNAUTHORIZED;
                unauthorized.then(|| RefusedCredential::AccessToken(token.clone()))
            }
            (Self::Sessions(sessions), Credential::Session(state)) => {
                let expired = sessions.expired(response)?;
                Some(RefusedCredential::Session(state.clone(), expired))
            }
            _ => None,
        }
    }

    /// Moves cookies and CSRF tokens from the response to a request for `path` into the session.
    pub(crate) fn take_session_data(
        &self,
        credential: &Credential,
        path: &str,
        response: &mut Response<Bytes>,
    ) {
        if let (Self::Sessions(sessions), Credential::Session(state)) = (self, credential) {
            sessions.take_session_data(state, path, response);
        }
    }

    /// What a target could reflect, besides the connector's secrets themselves.
    pub(crate) fn secrets_to_mask(&self, credential: &Credential) -> Vec<Secret> {
        let mut secrets = match self {
            Self::None => Vec::new(),
            Self::StaticSecret(secret) => secret.secrets_to_mask(),
            Self::AccessTokens(tokens) => tokens.secrets_to_mask(),
            Self::Sessions(sessions) => sessions.secrets_to_mask(),
        };
        // Meanwhile other requests may have replaced it more than once.
        match credential {
            Credential::None | Credential::Header(..) => {}
            Credential::AccessToken(token) => secrets.extend(token.secrets()),
            Credential::Session(state) => secrets.extend(state.secrets()),
        }
        secrets
    }
}
