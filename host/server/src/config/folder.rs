//! `[connector.folder]`: where a connector exchanges files with a partner.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use crossdock_exchange::{Address, Layout};
use serde::Deserialize;

use super::one_or_two::OneOrTwo;
use super::units::Span;

/// `[connector.folder]`: a directory of this machine, or one on an SFTP server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Folder {
    /// A directory of this machine.
    pub path: Option<PathBuf>,
    /// A directory on an SFTP server: `sftp://user@host:22/dir`, or `/~/dir` in the user's home.
    pub url: Option<String>,
    /// The name of the connector's secret for the SFTP login: a password, or a private key (ed25519 or ECDSA,
    /// without a passphrase).
    pub secret: Option<String>,
    /// The fingerprint of the server's key, as `ssh-keygen -l` shows it: `SHA256:…`. A list
    /// of two while the key is being replaced.
    pub host_key: Option<OneOrTwo>,
    /// The interval between two scans for new files.
    pub every: Span,
    /// How long a file must not have changed before it is read.
    pub settle: Span,
    /// The largest file that is read, and the maximum size of the files that one call of the plugin may write.
    pub limit: ByteSize,
    /// The name of the directory that the partner writes to.
    pub r#in: String,
    /// The name of the directory that the partner fetches files from.
    pub out: String,
    /// The name of the directory under which `in` and `out` are archived.
    pub archive: String,
}

impl Default for Folder {
    fn default() -> Self {
        let Layout { incoming, outgoing, archive } = Layout::default();
        Self {
            path: None,
            url: None,
            secret: None,
            host_key: None,
            every: Span(Duration::from_secs(5)),
            settle: Span(Duration::from_secs(2)),
            limit: ByteSize::mib(16),
            r#in: incoming,
            out: outgoing,
            archive,
        }
    }
}

/// Where a folder is.
#[derive(Clone, Debug)]
pub enum At<'a> {
    /// On this machine.
    Path(&'a Path),
    /// On an SFTP server.
    Sftp {
        /// The server, the user and the directory.
        address: Address,
        /// The secret's name.
        secret: &'a str,
        /// The fingerprints of the server's keys.
        host_keys: &'a [String],
    },
}

impl Folder {
    /// The names of the directories.
    pub fn layout(&self) -> Layout {
        let (incoming, outgoing) = (self.r#in.clone(), self.out.clone());
        Layout { incoming, outgoing, archive: self.archive.clone() }
    }

    /// Where it is.
    ///
    /// # Errors
    /// A sentence, when neither or both of `path` and `url` are given, or a value is missing.
    pub fn at(&self) -> Result<At<'_>, String> {
        match (&self.path, &self.url) {
            (Some(path), None) if self.secret.is_none() && self.host_key.is_none() => Ok(At::Path(path)),
            (Some(_), None) => Err("a directory of this machine needs neither secret nor host-key".into()),
            (None, Some(url)) => {
                let address = url.parse()?;
                let secret = self.secret.as_deref().ok_or("name the `secret` that logs in")?;
                let host_keys = self.host_key.as_ref().map(OneOrTwo::newest_first).unwrap_or_default();
                if host_keys.is_empty() || !host_keys.iter().all(|key| is_fingerprint(key)) {
                    return Err(
                        "pin the server's `host-key` by its fingerprint, `SHA256:…`: `ssh-keyscan HOST | ssh-keygen -lf -`"
                            .into(),
                    );
                }
                Ok(At::Sftp { address, secret, host_keys })
            }
            _ => Err("it has a `path` or a `url`".into()),
        }
    }

    /// The first contradiction, as a sentence. `secrets` are the names of the connector's secrets.
    pub(super) fn check<'a>(&self, mut secrets: impl Iterator<Item = &'a String>) -> Result<(), String> {
        if let At::Sftp { secret, .. } = self.at()?
            && !secrets.any(|name| name == secret)
        {
            return Err(format!("its secret `{secret}` is none of the connector's"));
        }
        if self.every.0.is_zero() {
            return Err("`every` 0 would never rest".into());
        }
        let below = |name: &str| {
            !name.is_empty()
                && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
                && !name.contains('\\')
        };
        let names = [&self.r#in, &self.out, &self.archive];
        if let Some(name) = names.into_iter().find(|name| !below(name)) {
            return Err(format!("`{name}` is no directory in it"));
        }
        if self.r#in == self.out || self.r#in == self.archive || self.out == self.archive {
            return Err("`in`, `out` and `archive` are three directories".into());
        }
        Ok(())
    }

    /// What two connectors must not share.
    pub(super) fn place(&self) -> (Option<&Path>, Option<&str>, &str, &str) {
        (self.path.as_deref(), self.url.as_deref(), &self.r#in, &self.out)
    }
}

fn is_fingerprint(text: &str) -> bool {
    text.strip_prefix("SHA256:").is_some_and(|rest| {
        rest.len() == 43 && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "SHA256:onashHT7IOJr0XP7riLsMjiQrSjVoMfEfL9XPdCgS9Y";

    fn checked(text: &str) -> Result<(), String> {
        let folder: Folder = toml::from_str(text).map_err(|error| error.to_string())?;
        folder.check([String::from("sftp")].iter())
    }

    #[test]
    fn a_folder_is_here_or_behind_sftp() {
        checked("path = 'x'").unwrap();
        let sftp = format!("url = 'sftp://edi@h/x'\nsecret = 'sftp'\nhost-key = '{KEY}'");
        checked(&sftp).unwrap();
        checked(&sftp.replace(&format!("'{KEY}'"), &format!("['{KEY}', '{KEY}']"))).unwrap();
        checked("path = 'x'\nin = 'from-us'\nout = 'to-us'\nevery = '1m'\nlimit = '1GiB'").unwrap();
    }

    #[test]
    fn what_is_missing_or_too_much_is_said() {
        let sftp = format!("url = 'sftp://edi@h/x'\nsecret = 'sftp'\nhost-key = '{KEY}'");
        let wrong = [
            (String::new(), "a `path` or a `url`"),
            ("path = 'x'\nurl = 'sftp://a@b/c'".into(), "a `path` or a `url`"),
            ("path = 'x'\nsecret = 'sftp'".into(), "needs neither"),
            (sftp.replace("secret = 'sftp'\n", ""), "name the `secret`"),
            (sftp.replace("'sftp'", "'other'"), "none of the connector's"),
            (sftp.replace("SHA256:", "MD5:"), "pin the server's `host-key`"),
            (sftp.replace("edi@", "edi:pw@"), "must not contain a password"),
            (sftp.replace("edi@h", "h"), "USER@HOST"),
            ("path = 'x'\nin = '../up'".into(), "`../up` is no directory"),
            ("path = 'x'\nin = 'out'".into(), "three directories"),
            ("path = 'x'\nevery = '0s'".into(), "never rest"),
            ("path = 'x'\nhots-key = 'y'".into(), "unknown field"),
        ];
        for (text, sentence) in wrong {
            let said = checked(&text).unwrap_err();
            assert!(said.contains(sentence), "{text}: {said}");
        }
    }
}
