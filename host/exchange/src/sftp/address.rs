//! Where a folder behind SFTP is, as an operator writes it.

use std::str::FromStr;

use http::Uri;
use percent_encoding::percent_decode_str;

/// `sftp://user@host[:port]/directory`. The directory is the server's own path; `/~/directory` is one in the
/// user's home. There is no place for a password in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The server's name or address.
    pub host: String,
    /// Its port; 22 when none is written.
    pub port: u16,
    /// Who logs in.
    pub user: String,
    /// The directory: with a slash in front from the server's root, without one from the user's home. Empty
    /// for the home itself.
    pub directory: String,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // What was written is not repeated: somebody may have written a password into it.
        let wrong = || "a folder behind SFTP is written `sftp://USER@HOST:PORT/DIRECTORY`".to_owned();
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("sftp")).ok_or_else(wrong)?;
        let (user, server) = authority.as_str().rsplit_once('@').ok_or_else(wrong)?;
        if user.contains(':') {
            return Err("a password does not belong into an address; name a secret".into());
        }
        let plain = |text: &str| {
            let text = percent_decode_str(text).decode_utf8().map_err(|_| wrong())?;
            if text.is_empty() { Err(wrong()) } else { Ok(text.into_owned()) }
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
            Some(port) => port.parse().map_err(|_| wrong())?,
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

    /// The server's path of a path in the folder.
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
    fn an_address_says_who_and_where() {
        let is = |host: &str, port, user: &str, path: &str| Ok((host.into(), port, user.into(), path.into()));
        assert_eq!(read("sftp://edi@erp.example:2222/data/x/"), is("erp.example", 2222, "edi", "/data/x/in"));
        assert_eq!(read("sftp://edi@erp.example/~/x"), is("erp.example", 22, "edi", "x/in"));
        assert_eq!(read("sftp://edi@erp.example/~"), is("erp.example", 22, "edi", "in"));
        assert_eq!(read("sftp://edi@erp.example"), is("erp.example", 22, "edi", "/in"));
        assert_eq!(read("sftp://a%40b@[::1]/a%20b"), is("::1", 22, "a@b", "/a b/in"));
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for text in ["/data", "ftp://a@b/c", "sftp://host/c", "sftp://@h/c", "sftp://a@h:99999/c"] {
            let said = text.parse::<Address>().unwrap_err();
            assert!(said.contains("USER@HOST") && !said.contains("/c"), "{text}: {said}");
        }
        let said = "sftp://a:hunter2@h/c".parse::<Address>().unwrap_err();
        assert!(said.contains("name a secret") && !said.contains("hunter2"), "{said}");
    }
}
