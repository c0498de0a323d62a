//! A static secret in a header: the profiles `bearer`, `header` and `basic`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::secret::Secret;
use crate::secrets::Secrets;

/// A header with a secret in it.
pub(crate) struct StaticSecret {
    pub(super) header: HeaderName,
    /// The secret's name.
    pub(super) secret: String,
    pub(super) secrets: Secrets,
    pub(super) format: HeaderFormat,
}

/// How the secret is written in the header.
pub(super) enum HeaderFormat {
    Bearer,
    Plain,
    Basic { user: String },
}

impl StaticSecret {
    /// The header's value, with the newest value of the secret.
    pub(super) fn value(&self) -> Result<HeaderValue, Error> {
        let missing =
            |reason: &str| Error::SecretMissing { secret: self.secret.clone(), reason: reason.to_owned() };
        let secret = self.secrets.get(&self.secret).ok_or_else(|| missing("it is not in the store yet"))?;
        let text = match &self.format {
            HeaderFormat::Bearer => Zeroizing::new(format!("Bearer {}", secret.expose())),
            HeaderFormat::Plain => Zeroizing::new(secret.expose().to_owned()),
            HeaderFormat::Basic { user } => {
                Zeroizing::new(format!("Basic {}", basic(user, &secret).expose()))
            }
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| missing("it has characters that a header cannot carry"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// What has to be masked in addition to the connector's secrets.
    pub(super) fn secrets_to_mask(&self) -> Vec<Secret> {
        match &self.format {
            HeaderFormat::Basic { user } => {
                self.secrets.values(&self.secret).iter().map(|secret| basic(user, secret)).collect()
            }
            HeaderFormat::Bearer | HeaderFormat::Plain => Vec::new(),
        }
    }
}

/// User and password in the form of `Basic` authentication.
fn basic(user: &str, password: &Secret) -> Secret {
    let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
    Secret::new(STANDARD.encode(pair.as_bytes()))
}
