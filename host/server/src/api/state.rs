//! What the handlers share, and who calls them.

use std::sync::Arc;

use crossdock_flow::Handle;
use crossdock_flow::swap::Loader;

use super::token_cache::TokenCache;

/// What the handlers share.
#[derive(Clone)]
pub struct State {
    /// The running flow.
    pub handle: Handle,
    /// Tokens that were good a moment ago.
    pub tokens: Arc<TokenCache>,
    /// What makes another version of a plugin ready.
    pub loader: Arc<dyn Loader>,
}

/// Who asks, for the audit: the name of the token.
#[derive(Clone, Debug)]
pub struct Caller(pub String);
