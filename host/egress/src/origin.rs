//! Origins: scheme, host and port of a request, and of an entry in a connector's allow-list.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;

/// The scheme of an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Unencrypted: only where the operator wrote `http://`.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn standard_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The scheme.
    pub scheme: Scheme,
    /// A name in lower case, or an address without brackets in its canonical form.
    pub host: String,
    /// The port; the scheme's standard port where none is written.
    pub port: u16,
}

impl Origin {
    /// The origin of a request's URL. Absent when the URL is not absolute, carries a user name, or is ambiguous.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let scheme = match uri.scheme_str()? {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return None,
        };
        let authority = uri.authority()?;
        // `https://good.example@evil.example/` is easily misread, by people and by programs.
        if authority.as_str().contains('@') {
            return None;
        }
        let host = canonical(authority.host())?;
        // An unreadable port must not become the standard port.
        let port = match authority.as_str().strip_prefix(authority.host())? {
            "" => scheme.standard_port(),
            port => port.strip_prefix(':')?.parse().ok()?,
        };
        Some(Self { scheme, host, port })
    }
}

/// The canonical spelling of a host: lower case, no trailing dot, addresses without brackets.
fn canonical(host: &str) -> Option<String> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Some(address.to_canonical().to_string());
    }
    let name = bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

/// As the operator writes it: `https://host[:port]`, `http://host[:port]`, or a bare host for https.
impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid =
            || format!("`{text}` is not a host; write `host`, `https://host[:port]` or `http://host[:port]`");
        let full = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let uri: Uri = full.parse().map_err(|_| invalid())?;
        // A path would look like a narrower permission than it is.
        if uri.path() != "/" || uri.query().is_some() || full.ends_with("//") {
            return Err(invalid());
        }
        Self::of(&uri).ok_or_else(invalid)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{}://{open}{}{close}", self.scheme.name(), self.host)?;
        if self.port == self.scheme.standard_port() { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Option<String> {
        Origin::of(&url.parse().ok()?).map(|origin| origin.to_string())
    }

    #[test]
    fn an_origin_has_one_spelling() {
        assert_eq!(of("https://Shop.Example/a?b").unwrap(), "https://shop.example");
        assert_eq!(of("https://shop.example.:443/").unwrap(), "https://shop.example");
        assert_eq!(of("http://shop.example:443/").unwrap(), "http://shop.example:443");
        assert_eq!(of("http://[::ffff:127.0.0.1]:80/").unwrap(), "http://127.0.0.1");
        assert_eq!(of("http://[::1]:9000/").unwrap(), "http://[::1]:9000");
    }

    #[test]
    fn ambiguous_urls_have_no_origin() {
        for url in [
            "https://good@evil.example/",
            "ftp://a/",
            "/path",
            "https://a:x/",
            "https://a:99999/",
            "https://a%2eb/",
        ] {
            assert_eq!(of(url), None, "{url}");
        }
    }

    #[test]
    fn a_bare_host_is_an_https_origin() {
        assert_eq!("shop.example".parse::<Origin>().unwrap().to_string(), "https://shop.example");
        assert_eq!("shop.example:8443".parse::<Origin>().unwrap().to_string(), "https://shop.example:8443");
        assert_eq!("http://127.0.0.1:9000/".parse::<Origin>().unwrap().to_string(), "http://127.0.0.1:9000");
        for invalid in ["https://shop.example/admin", "https://*.example", "", "ftp://a", "https://a?b"] {
            assert!(invalid.parse::<Origin>().is_err(), "{invalid}");
        }
    }
}
