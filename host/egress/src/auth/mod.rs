//! Authentication of what goes out. The host carries it out; the plugin never sees the secret.
//!
//! A [`Profile`] is what the operator writes. From it the connector's [`Authenticator`] is made, which gives
//! each request its [`Credential`]: a secret as it is, an access token, or a session.

mod cookies;
mod door;
mod endpoint;
mod fixed;
mod keeper;
mod login;
mod oauth2;
mod rotation;
mod session;
mod state;
mod template;

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};

use crate::connect::Egress;
use crate::error::Error;
use crate::hosts::Origin;
use crate::secret::{Secret, Secrets};

pub use oauth2::{ClientAuth, Grant, OAuth2};
pub use session::{Csrf, Login, Session};

use fixed::{Fixed, Scheme};
use oauth2::{Token, Tokens};
use state::{Over, Sessions, State};

/// How a connector's requests are authenticated: `auth = { profile = "…", … }`.
///
/// | profile | what it needs | what a request carries |
/// |---|---|---|
/// | `bearer` | `secret` | `Authorization: Bearer …` |
/// | `header` | `header`, `secret` | the secret in a header of the target's own |
/// | `basic` | `user`, `secret` | `Authorization: Basic …` |
/// | `oauth2` | `grant`, `token-url`, `client-id`, … | an access token, in `Authorization: Bearer …` or `header` |
/// | `session` | `login` or `csrf`, … | cookies, headers made of the login's answer, a CSRF token |
///
/// Secrets are named, never written: each name is one of the connector's `secrets`. A credential goes to the
/// connector's hosts and nowhere else; a session to the one host of its login. The guest can neither set nor
/// see the headers that a profile sets, and tokens, cookies and secrets that a target reflects are hidden in
/// answers and transcripts.
///
/// **Refused credentials.** An access token that is refused with 401, a session that is over, a CSRF token
/// that is `Required`: the host gets a new one and sends the request once more, which no budget counts.
/// Requests are whole before they are sent, so each can be sent again, and such an answer says that nothing
/// was done. If the new one is refused too, the guest gets that answer. If none can be had because the
/// endpoint says no, the request fails as [`Error::Unauthorized`]; if the endpoint cannot be asked now, as
/// [`Error::CredentialsUnavailable`]. A refusal stands for five seconds before the endpoint is asked again.
///
/// **Many at once.** Tokens and sessions are made once for all who wait, and are shared by the connector's
/// calls.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "profile")]
pub enum Profile {
    /// `Authorization: Bearer …`
    ///
    /// ```toml
    /// auth = { profile = "bearer", secret = "token" }
    /// ```
    Bearer {
        /// The secret's name.
        secret: String,
    },
    /// A header of the target's own.
    ///
    /// ```toml
    /// auth = { profile = "header", header = "X-Api-Key", secret = "token" }
    /// ```
    Header {
        /// The header's name.
        header: String,
        /// The secret's name.
        secret: String,
    },
    /// `Authorization: Basic …`
    ///
    /// ```toml
    /// auth = { profile = "basic", user = "crossdock", secret = "password" }
    /// ```
    Basic {
        /// The user.
        user: String,
        /// The name of the secret that is the password.
        secret: String,
    },
    /// An access token of OAuth2, by client credentials or by a refresh token.
    ///
    /// ```toml
    /// auth = { profile = "oauth2", grant = "client-credentials", token-url = "https://login.example/token", token-host = "login.example", client-id = "crossdock", secret = "client", scope = "orders" }
    /// ```
    ///
    /// The token is used until a minute (or a tenth of its life) before it expires. The token endpoint is one
    /// of the connector's `hosts` or its `token-host`.
    ///
    /// A refresh token that the endpoint replaces with each use rests in the host's store, together with the
    /// access token; the operator puts the first one there, or names a second place for it:
    ///
    /// ```toml
    /// secrets = { client = "env:CLIENT_SECRET", refresh = ["stored:shop/refresh", "file:/run/secrets/refresh"] }
    /// auth = { profile = "oauth2", grant = "refresh-token", token-url = "https://shop.example/token", client-id = "crossdock", secret = "client", client-auth = "post", refresh = "refresh", header = "X-Shopify-Access-Token" }
    /// ```
    ///
    /// One refresh happens at a time, over all hosts that share the store: it is claimed there by
    /// compare-and-set before the endpoint is asked, and what the endpoint gives is durable before it is
    /// used. What remains: a host that dies after the endpoint has answered and before that is durable loses
    /// the new refresh token. If the endpoint takes the old one no more, the connector is unauthorized, the
    /// reason says so, and a person authorises it again.
    #[serde(rename = "oauth2")]
    OAuth2(OAuth2),
    /// A session: a login whose cookies and answer authenticate what follows, a CSRF token, or both.
    ///
    /// ```toml
    /// # Cookies of a form.
    /// auth = { profile = "session", login = { url = "https://erp.example/login", form = { user = "crossdock", password = "{secret:password}" }, cookie = "SID", accepted = [302] }, expired = [401, 302] }
    /// # Tryton: JSON-RPC, and a header made of the answer.
    /// auth = { profile = "session", login = { url = "https://erp.example/db/rpc/", json = { method = "common.db.login", params = ["crossdock", { password = "{secret:password}" }] } }, headers = { Authorization = "Session {base64:crossdock:{/result/0}:{/result/1}}" } }
    /// # SAP: basic, and a CSRF token with its cookies.
    /// auth = { profile = "session", headers = { Authorization = "Basic {base64:CROSSDOCK:{secret:password}}" }, csrf = { url = "https://erp.example/sap/opu/odata/sap/API_SALES_ORDER_SRV/" } }
    /// ```
    ///
    /// Places in texts: `{secret:NAME}`; of the login's answer `{/json/pointer}`, `{header:NAME}`,
    /// `{cookie:NAME}`; `{base64:…}` around any of them; `{{` and `}}` for braces.
    Session(Session),
}

/// What a profile is checked against and made with.
pub(crate) struct Context<'a> {
    pub(crate) egress: &'a Egress,
    pub(crate) hosts: &'a [Origin],
    pub(crate) secrets: &'a Secrets,
}

/// Fails when the connector's secrets do not name it.
fn known(secrets: &Secrets, name: &str) -> Result<(), String> {
    if secrets.names(name) {
        return Ok(());
    }
    Err(format!("the profile wants the secret `{name}`, and the connector has none of that name"))
}

/// The name of a header that a profile may set.
fn header_name(text: &str) -> Result<HeaderName, String> {
    let name: HeaderName = text.parse().map_err(|_| format!("`{text}` is no name of a header"))?;
    if crate::client::ours(&name) {
        return Err(format!("the header `{name}` belongs to the connection"));
    }
    Ok(name)
}

/// Authenticates the requests of one connector.
pub(crate) enum Authenticator {
    /// Nothing is added.
    Nobody,
    /// A secret as it is.
    Fixed(Fixed),
    /// Access tokens.
    Tokens(Tokens),
    /// A session.
    Sessions(Sessions),
}

/// What one request is authenticated with.
pub(crate) enum Credential {
    None,
    Fixed { header: HeaderName, value: HeaderValue },
    Token(Arc<Token>),
    Session(Arc<State>),
}

/// A credential that a target refused, to get another one.
pub(crate) enum Refused {
    Token(Arc<Token>),
    Session(Arc<State>, Over),
}

impl Authenticator {
    /// Checks that a profile makes sense for the connector.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub(crate) fn new(profile: Option<&Profile>, context: &Context<'_>) -> Result<Self, String> {
        let fixed = |header: HeaderName, secret: &String, scheme: Scheme| {
            known(context.secrets, secret)?;
            Ok(Self::Fixed(Fixed {
                header,
                secret: secret.clone(),
                secrets: context.secrets.clone(),
                scheme,
            }))
        };
        match profile {
            None => Ok(Self::Nobody),
            Some(Profile::Bearer { secret }) => fixed(AUTHORIZATION, secret, Scheme::Bearer),
            Some(Profile::Header { header, secret }) => fixed(header_name(header)?, secret, Scheme::Bare),
            Some(Profile::Basic { user, secret }) => {
                fixed(AUTHORIZATION, secret, Scheme::Basic { user: user.clone() })
            }
            Some(Profile::OAuth2(config)) => Tokens::new(config, context).map(Self::Tokens),
            Some(Profile::Session(config)) => Sessions::new(config, context).map(Self::Sessions),
        }
    }

    /// The headers that are the host's to set.
    pub(crate) fn reserved(&self) -> Vec<HeaderName> {
        match self {
            Self::Nobody => Vec::new(),
            Self::Fixed(fixed) => vec![fixed.header.clone()],
            Self::Tokens(tokens) => vec![tokens.0.header.clone()],
            Self::Sessions(sessions) => sessions.reserved(),
        }
    }

    /// What a request to `origin` is authenticated with; something else than what was refused.
    pub(crate) async fn credential(
        &self,
        origin: &Origin,
        refused: Option<Refused>,
    ) -> Result<Credential, Error> {
        match self {
            Self::Nobody => Ok(Credential::None),
            Self::Fixed(fixed) => fixed.credential(),
            Self::Tokens(tokens) => {
                let refused = match refused {
                    Some(Refused::Token(token)) => Some(token),
                    _ => None,
                };
                tokens.get(refused).await.map(Credential::Token)
            }
            Self::Sessions(sessions) if sessions.origin() == origin => {
                let over = match refused {
                    Some(Refused::Session(state, over)) => Some((state, over)),
                    _ => None,
                };
                sessions.get(over).await.map(Credential::Session)
            }
            Self::Sessions(_) => Ok(Credential::None),
        }
    }

    /// Adds a credential to a request. Answers what is to be hidden beside [`Self::hidden`].
    pub(crate) fn apply(&self, credential: &Credential, request: &mut Parts) -> Result<Vec<Secret>, Error> {
        let headers = &mut request.headers;
        match (self, credential) {
            (_, Credential::Fixed { header, value }) => {
                headers.insert(header.clone(), value.clone());
            }
            (Self::Tokens(tokens), Credential::Token(token)) => {
                let mut value = tokens.value(token)?;
                value.set_sensitive(true);
                headers.insert(tokens.0.header.clone(), value);
            }
            (Self::Sessions(sessions), Credential::Session(state)) => {
                return Ok(sessions.apply(state, &request.method, request.uri.path(), headers));
            }
            _ => {}
        }
        Ok(Vec::new())
    }

    /// What an answer says to be refused, where another credential can be had.
    pub(crate) fn refused(&self, credential: &Credential, answer: &Response<Bytes>) -> Option<Refused> {
        match (self, credential) {
            (Self::Tokens(_), Credential::Token(token)) => {
                (answer.status() == StatusCode::UNAUTHORIZED).then(|| Refused::Token(token.clone()))
            }
            (Self::Sessions(sessions), Credential::Session(state)) => {
                sessions.over(answer).map(|over| Refused::Session(state.clone(), over))
            }
            _ => None,
        }
    }

    /// Takes out of an answer to a request for `path` what belongs to the session.
    pub(crate) fn learn(&self, credential: &Credential, path: &str, answer: &mut Response<Bytes>) {
        if let (Self::Sessions(sessions), Credential::Session(state)) = (self, credential) {
            sessions.learn(state, path, answer);
        }
    }

    /// What a target could reflect, beside the connector's secrets themselves.
    pub(crate) fn hidden(&self, credential: &Credential) -> Vec<Secret> {
        let mut hidden = match self {
            Self::Nobody => Vec::new(),
            Self::Fixed(fixed) => fixed.hidden(),
            Self::Tokens(tokens) => tokens.hidden(),
            Self::Sessions(sessions) => sessions.hidden(),
        };
        // Others may have replaced it twice since.
        match credential {
            Credential::None | Credential::Fixed { .. } => {}
            Credential::Token(token) => hidden.extend(token.hidden()),
            Credential::Session(state) => hidden.extend(state.hidden()),
        }
        hidden
    }
}
