//! What makes a connector ready with another plugin file: implemented by the host that knows files and sandboxes.

use async_trait::async_trait;

use crate::connector::Connector;

/// The prefix of a plugin's name that finds it by the digest of its file; the digest in hexadecimal digits follows.
pub const BY_DIGEST: &str = "sha256:";

/// Makes a connector ready with another plugin file, with the settings, secrets and limits it has.
#[async_trait]
pub trait Loader: Send + Sync + 'static {
    /// Loads, compiles and tries out `plugin` (a name, `name@version`, a file's path, or [`BY_DIGEST`] and a
    /// digest) as this connector. What was loaded once is found by its digest from then on.
    ///
    /// # Errors
    /// Why it cannot be loaded, for a person.
    async fn load(&self, connector: &str, plugin: &str) -> Result<Connector, String>;
}
