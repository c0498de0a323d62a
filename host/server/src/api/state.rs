//! The state that the handlers share, and the caller of a request.

use std::sync::Arc;

use crossdock_flow::Handle;
use crossdock_flow::swap::Loader;

use super::token_cache::TokenCache;

/// The state that the handlers share.
#[derive(Clone)]
pub struct State {
    /// The running flow.
    pub handle: Handle,
    /// Tokens that were valid a moment ago.
    pub tokens: Arc<TokenCache>,
    /// Loads another version of a plugin for a swap.
    pub loader: Arc<dyn Loader>,
}

/// The caller, for the audit log: the name of the token.
#[derive(Clone, Debug)]
pub struct Caller(pub String);
