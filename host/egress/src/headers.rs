//! Headers and URLs of requests: which headers belong to the connection, and how a URL is shown.

use http::Uri;
use http::header::{self, HeaderName};

/// Headers that only the host's HTTP client may set.
const CONNECTION_HEADERS: [HeaderName; 10] = [
    header::HOST,
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::EXPECT,
    header::PROXY_AUTHORIZATION,
    header::PROXY_AUTHENTICATE,
    header::FORWARDED,
];

/// True for headers that belong to the connection.
pub(crate) fn is_connection_header(name: &HeaderName) -> bool {
    CONNECTION_HEADERS.contains(name)
        || matches!(name.as_str(), "keep-alive" | "proxy-connection" | "http2-settings")
}

/// A URL for messages: without user name and query, which may hold a password or personal data.
pub(crate) fn display_url(uri: &Uri) -> String {
    let scheme = uri.scheme_str().map(|scheme| format!("{scheme}://")).unwrap_or_default();
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}{host}{}", uri.path())
}
