//! A secret as it is: `bearer`, `header` and `basic`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header::{HeaderName, HeaderValue};
use zeroize::Zeroizing;

use super::Credential;
use crate::error::Error;
use crate::secret::{Secret, Secrets};

/// A header with a secret in it.
pub(crate) struct Fixed {
    pub(super) header: HeaderName,
    pub(super) secret: String,
    pub(super) secrets: Secrets,
    /// The scheme before the secret.
    pub(super) scheme: Scheme,
}

pub(super) enum Scheme {
    Bearer,
    Bare,
    Basic { user: String },
}

impl Fixed {
    pub(super) fn credential(&self) -> Result<Credential, Error> {
        let missing =
            |reason: &str| Error::SecretMissing { secret: self.secret.clone(), reason: reason.to_owned() };
        let secret = self.secrets.get(&self.secret).ok_or_else(|| missing("it is not in the store yet"))?;
        let text = match &self.scheme {
            Scheme::Bearer => Zeroizing::new(format!("Bearer {}", secret.expose())),
            Scheme::Bare => Zeroizing::new(secret.expose().to_owned()),
            Scheme::Basic { user } => Zeroizing::new(format!("Basic {}", pair(user, &secret).expose())),
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| missing("it has characters that a header cannot carry"))?;
        value.set_sensitive(true);
        Ok(Credential::Fixed { header: self.header.clone(), value })
    }

    pub(super) fn hidden(&self) -> Vec<Secret> {
        match &self.scheme {
            Scheme::Basic { user } => {
                self.secrets.live(&self.secret).iter().map(|secret| pair(user, secret)).collect()
            }
            Scheme::Bearer | Scheme::Bare => Vec::new(),
        }
    }
}

/// User and password as `Basic` writes them.
fn pair(user: &str, secret: &Secret) -> Secret {
    let pair = Zeroizing::new(format!("{user}:{}", secret.expose()));
    Secret::new(STANDARD.encode(pair.as_bytes()))
}
