//! A secret's text, which never prints, and the locations that secrets are read from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use zeroize::Zeroizing;

/// A larger file is not a secret, but another file named by mistake.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// A secret's text. It is wiped from memory with its last copy, and prints as `Secret(…)`.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// A secret of this text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Arc::new(Zeroizing::new(text)))
    }

    /// A secret of this text without a line break at its end. Absent when nothing is left.
    pub(crate) fn trimmed(text: &str) -> Option<Self> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        (!text.is_empty()).then(|| Self::new(text.to_owned()))
    }

    /// The text, for the code that has to send or compare it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Where a secret is read from: `env:NAME`, `file:PATH` or `stored:NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretLocation {
    /// An environment variable of the host, read once.
    Env(String),
    /// A file, read again when it changes.
    File(PathBuf),
    /// The host's secret store, read again when it changes. An empty value counts as absent.
    Stored(String),
}

/// Length and modification time of a file, by which a change is detected.
pub(crate) type FileVersion = (u64, SystemTime);

impl FromStr for SecretLocation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("stored", name)) if !name.is_empty() => Ok(Self::Stored(name.to_owned())),
            // The text is not repeated: it may be the secret itself.
            _ => {
                Err("a secret is given as `env:NAME`, `file:PATH` or `stored:NAME`, never in plain text"
                    .into())
            }
        }
    }
}

/// The secret in an environment variable.
pub(crate) fn read_env(name: &str) -> Result<Secret, String> {
    let text = std::env::var(name).map(Zeroizing::new);
    let text = text.map_err(|_| format!("the environment has no readable variable `{name}`"))?;
    Secret::trimmed(&text).ok_or_else(|| format!("the environment variable `{name}` is empty"))
}

/// The secret in a file, and the file's version.
pub(crate) fn read_file(path: &Path) -> Result<(Secret, FileVersion), String> {
    let shown = path.display();
    let version = file_version(path).ok_or_else(|| format!("{shown} does not exist"))?;
    if version.0 > MAX_FILE_BYTES {
        return Err(format!("{shown} is larger than {MAX_FILE_BYTES} bytes"));
    }
    let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|e| format!("{shown}: {e}"))?;
    let secret = Secret::trimmed(&text).ok_or_else(|| format!("{shown} is empty"))?;
    Ok((secret, version))
}

/// The version of a file. Absent when there is no file.
pub(crate) fn file_version(path: &Path) -> Option<FileVersion> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}
