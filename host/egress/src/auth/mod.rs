//! Authentication of outgoing requests, by the host: the plugin never sees a secret.
//!
//! A [`Profile`] is the operator's configuration. The connector's [`Authenticator`] is made from it and gives
//! each request its credential: a static secret, an access token, or a session.

mod authenticator;
mod context;
mod cookies;
mod credential_cache;
mod oauth2;
mod profile;
mod session;
mod static_secret;
mod template;
mod token_client;

pub(crate) use authenticator::Authenticator;
pub(crate) use context::Context;
pub use oauth2::{ClientAuth, Grant, OAuth2};
pub use profile::Profile;
pub use session::{Csrf, Login, Session};
