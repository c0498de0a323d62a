//! What a profile's configuration is checked against.

use http::header::HeaderName;

use crate::headers::is_connection_header;
use crate::origin::Origin;
use crate::pool::Egress;
use crate::secrets::Secrets;

/// The connector that a profile belongs to.
pub(crate) struct Context<'a> {
    pub(crate) egress: &'a Egress,
    pub(crate) hosts: &'a [Origin],
    pub(crate) secrets: &'a Secrets,
}

impl Context<'_> {
    /// Fails when the connector has no secret of the name.
    pub(super) fn require_secret(&self, name: &str) -> Result<(), String> {
        if self.secrets.declares(name) {
            return Ok(());
        }
        Err(format!("the profile uses the secret `{name}`, and the connector has none of that name"))
    }
}

/// The name of a header that a profile may set.
pub(super) fn header_name(text: &str) -> Result<HeaderName, String> {
    let name: HeaderName = text.parse().map_err(|_| format!("`{text}` is not a valid header name"))?;
    if is_connection_header(&name) {
        return Err(format!("the header `{name}` belongs to the connection"));
    }
    Ok(name)
}
