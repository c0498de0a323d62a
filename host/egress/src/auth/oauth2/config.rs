//! The configuration of the profile `oauth2`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// How access tokens are obtained from a token endpoint. See [`Profile::OAuth2`](crate::Profile::OAuth2).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OAuth2 {
    /// The grant type.
    pub grant: Grant,
    /// The URL of the token endpoint.
    pub token_url: String,
    /// The token endpoint's host, when it is not one of the connector's hosts: only the host itself may send
    /// requests there, not the plugin.
    #[serde(default)]
    pub token_host: Option<String>,
    /// The client's id.
    pub client_id: String,
    /// The name of the client secret. Absent for a public client with a refresh token.
    #[serde(default)]
    pub secret: Option<String>,
    /// How the client authenticates.
    #[serde(default)]
    pub client_auth: ClientAuth,
    /// The name of the secret that is the refresh token. Its first location is `stored:NAME`, because the
    /// endpoint replaces it with each use; a second location may hold the initial token.
    #[serde(default)]
    pub refresh: Option<String>,
    /// The scope to request, as the endpoint writes it (`orders.read stock.write`).
    #[serde(default)]
    pub scope: Option<String>,
    /// The audience to request, for endpoints that need one.
    #[serde(default)]
    pub audience: Option<String>,
    /// Further parameters for the endpoint (`resource = "…"`). Not for secrets.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// The header that carries the bare token, for targets that do not use `Authorization: Bearer …`.
    #[serde(default)]
    pub header: Option<String>,
}

/// The grant type of a token request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grant {
    /// The client's own id and secret.
    ClientCredentials,
    /// A refresh token, which the endpoint may replace with each use.
    RefreshToken,
}

/// How the client authenticates to the token endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuth {
    /// In the `Authorization` header.
    #[default]
    Basic,
    /// In the posted form.
    Post,
}
