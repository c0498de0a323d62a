//! Authentication of what goes out. The host carries it out; the plugin never sees the secret.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::secret::{Secret, Secrets};

/// How a connector's requests are authenticated.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "profile")]
pub enum Profile {
    /// `Authorization: Bearer …`
    Bearer {
        /// The secret's name.
        secret: String,
    },
    /// A header of the target's own.
    Header {
        /// The header's name.
        header: String,
        /// The secret's name.
        secret: String,
    },
    /// `Authorization: Basic …`
    Basic {
        /// The user.
        user: String,
        /// The name of the secret that is the password.
        secret: String,
    },
}

impl Profile {
    /// The header that the profile sets, and the guest may not.
    pub(crate) fn header(&self) -> Result<HeaderName, String> {
        match self {
            Self::Bearer { .. } | Self::Basic { .. } => Ok(AUTHORIZATION),
            Self::Header { header, .. } => {
                header.parse().map_err(|_| format!("`{header}` is no name of a header"))
            }
        }
    }

    /// The name of the secret it needs.
    pub(crate) fn secret(&self) -> &str {
        match self {
            Self::Bearer { secret } | Self::Header { secret, .. } | Self::Basic { secret, .. } => secret,
        }
    }

    /// Authenticates a request.
    pub(crate) fn apply(&self, headers: &mut HeaderMap, secrets: &Secrets) -> Result<(), Error> {
        let name = self.secret();
        let missing =
            |reason: &str| Error::SecretMissing { secret: name.to_owned(), reason: reason.to_owned() };
        let secret = secrets.get(name).ok_or_else(|| missing("the connector has none of that name"))?;
        let header = self.header().map_err(|reason| missing(&reason))?;
        let mut value = HeaderValue::from_str(&self.value(&secret))
            .map_err(|_| missing("it has characters that a header cannot carry"))?;
        value.set_sensitive(true);
        headers.insert(header, value);
        Ok(())
    }

    /// What stands in the header.
    pub(crate) fn value(&self, secret: &Secret) -> Zeroizing<String> {
        let secret = secret.expose();
        Zeroizing::new(match self {
            Self::Bearer { .. } => format!("Bearer {secret}"),
            Self::Header { .. } => secret.to_owned(),
            Self::Basic { user, .. } => {
                let pair = Zeroizing::new(format!("{user}:{secret}"));
                format!("Basic {}", STANDARD.encode(pair.as_bytes()))
            }
        })
    }
}
