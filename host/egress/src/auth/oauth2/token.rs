//! An access token, and the refresh token that came with it.

use crossdock_model::time::Millis;

use crate::secret::Secret;

/// An access token.
pub(crate) struct AccessToken {
    pub(super) access: Secret,
    pub(super) refresh: Option<Secret>,
    /// The token is used until then. Absent when the endpoint did not say: until it is refused.
    pub(super) fresh_until: Option<Millis>,
}

impl AccessToken {
    pub(super) fn is_fresh(&self, now: Millis) -> bool {
        self.fresh_until.is_none_or(|until| now < until)
    }

    /// Both tokens, to be masked.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = Secret> + '_ {
        std::iter::once(&self.access).chain(&self.refresh).cloned()
    }
}
