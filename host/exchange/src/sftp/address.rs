//! The address of a folder behind SFTP, in the operator's notation.

use std::str::FromStr;

use http::Uri;
use percent_encoding::percent_decode_str;

/// `sftp://user@host[:port]/directory`. The directory is an absolute path of the server; `/~/directory` is
/// relative to the user's home. A password is not allowed in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The server's host name or IP address.
    pub host: String,
    /// The port; 22 when none is given.
    pub port: u16,
    /// The user to log in as.
    pub user: String,
    /// The directory: absolute with a leading slash, else relative to the user's home. Empty for the home
    /// itself.
    pub directory: String,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The text is not repeated: it may contain a password.
        let invalid = || "a folder behind SFTP is given as `sftp://USER@HOST:PORT/DIRECTORY`".to_owned();
        let uri: Uri = text.parse().map_err(|_| invalid())?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("sftp")).ok_or_else(invalid)?;
        let (user, server) = authority.as_str().rsplit_once('@').ok_or_else(invalid)?;
        if user.contains(':') {
            return Err("an address must not contain a password; name a secret".into());
        }
        let plain = |text: &str| {
            let text = percent_decode_str(text).decode_utf8().map_err(|_| invalid())?;
            if text.is_empty() { Err(invalid()) } else { Ok(text.into_owned()) }
        };
        let path = uri.path().trim_end_matches('/');
        let directory = match path.strip_prefix("/~") {
            Some(home) if home.is_empty() || home.starts_with('/') => home.trim_start_matches('/'),
            _ if path.is_empty() => "/",
            _ => path,
        };
        let directory = if directory.is_empty() { String::new() } else { plain(directory)? };
        let host = plain(authority.host().trim_start_matches('[').trim_end_matches(']'))?;
        let port = match server.strip_prefix(authority.host()).and_then(|port| port.strip_prefix(':')) {
            Some(port) => port.parse().map_err(|_| invalid())?,
            None => 22,
        };
        Ok(Self { host, port, user: plain(user)?, directory })
    }
}

impl Address {
    /// Host and port, for messages.
    pub(crate) fn server(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The server's path for a path in the folder.
    pub(crate) fn path(&self, path: &str) -> String {
        match self.directory.as_str() {
            "" => path.to_owned(),
            "/" => format!("/{path}"),
            directory => format!("{directory}/{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, u16, String, String), String> {
        text.parse().map(|a: Address| (a.host.clone(), a.port, a.user.clone(), a.path("in")))
    }

    #[test]
    fn an_address_has_user_host_port_and_directory() {
        let expected =
            |host: &str, port, user: &str, path: &str| Ok((host.into(), port, user.into(), path.into()));
        assert_eq!(
            read("sftp://edi@erp.example:2222/data/x/"),
            expected("erp.example", 2222, "edi", "/data/x/in")
        );
        assert_eq!(read("sftp://edi@erp.example/~/x"), expected("erp.example", 22, "edi", "x/in"));
        assert_eq!(read("sftp://edi@erp.example/~"), expected("erp.example", 22, "edi", "in"));
        assert_eq!(read("sftp://edi@erp.example"), expected("erp.example", 22, "edi", "/in"));
        assert_eq!(read("sftp://a%40b@[::1]/a%20b"), expected("::1", 22, "a@b", "/a b/in"));
    }

    #[test]
    fn an_invalid_address_is_not_repeated_in_the_error() {
        for text in ["/data", "ftp://a@b/c", "sftp://host/c", "sftp://@h/c", "sftp://a@h:99999/c"] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(error.contains("USER@HOST") && !error.contains("/c"), "{text}: {error}");
        }
        let error = "sftp://a:hunter2@h/c".parse::<Address>().unwrap_err();
        assert!(error.contains("name a secret") && !error.contains("hunter2"), "{error}");
    }
}
