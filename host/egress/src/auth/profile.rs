//! The configuration of how a connector's requests are authenticated.

use super::oauth2::OAuth2;
use super::session::Session;

/// How a connector's requests are authenticated: `auth = { profile = "…", … }`.
///
/// | profile | settings | what a request carries |
/// |---|---|---|
/// | `bearer` | `secret` | `Authorization: Bearer …` |
/// | `header` | `header`, `secret` | the secret in that header |
/// | `basic` | `user`, `secret` | `Authorization: Basic …` |
/// | `oauth2` | `grant`, `token-url`, `client-id`, … | an access token, in `Authorization: Bearer …` or `header` |
/// | `session` | `login` or `csrf`, … | cookies, headers made from the login's response, a CSRF token |
///
/// Secrets are given by name, never in plain text: each name is one of the connector's `secrets`. Credentials
/// are sent to the connector's hosts only, a session to the one host of its login. The guest can neither set
/// nor see the headers that a profile sets; tokens, cookies and secrets that a target reflects are masked in
/// responses and transcripts.
///
/// **Refused credentials.** When an access token is refused with 401, a session has expired, or a CSRF token
/// is `Required`, the host obtains a new one and sends the request once more, without charging the budget.
/// Requests are buffered, so each can be sent again, and such a response says that nothing was done. If the
/// new credential is refused too, the guest gets that response. If the endpoint refuses to give a new one, the
/// request fails with [`Error::Unauthorized`]; if the endpoint cannot be reached, with
/// [`Error::CredentialsUnavailable`]. After a refusal the endpoint is not asked again for five seconds.
///
/// **Concurrency.** Tokens and sessions are obtained once for all requests that wait for one, and are shared by
/// the connector's calls.
///
/// [`Error::Unauthorized`]: crate::Error::Unauthorized
/// [`Error::CredentialsUnavailable`]: crate::Error::CredentialsUnavailable
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "profile")]
pub enum Profile {
    /// `Authorization: Bearer …`
    ///
    /// ```toml
    /// auth = { profile = "bearer", secret = "token" }
    /// ```
    Bearer {
        /// The secret's name.
        secret: String,
    },
    /// A custom header with a secret.
    ///
    /// ```toml
    /// auth = { profile = "header", header = "X-Api-Key", secret = "token" }
    /// ```
    Header {
        /// The header's name.
        header: String,
        /// The secret's name.
        secret: String,
    },
    /// `Authorization: Basic …`
    ///
    /// ```toml
    /// auth = { profile = "basic", user = "crossdock", secret = "password" }
    /// ```
    Basic {
        /// The user.
        user: String,
        /// The name of the secret that is the password.
        secret: String,
    },
    /// An OAuth2 access token, obtained with client credentials or a refresh token.
    ///
    /// ```toml
    /// auth = { profile = "oauth2", grant = "client-credentials", token-url = "https://login.example/token", token-host = "login.example", client-id = "crossdock", secret = "client", scope = "orders" }
    /// ```
    ///
    /// The token is used until a minute (or a tenth of its lifetime) before it expires. The token endpoint is
    /// on one of the connector's `hosts` or on its `token-host`.
    ///
    /// A refresh token that the endpoint replaces with each use is kept in the host's secret store, together
    /// with the access token. The operator stores the first one there, or names a second location for it:
    ///
    /// ```toml
    /// secrets = { client = "env:CLIENT_SECRET", refresh = ["stored:shop/refresh", "file:/run/secrets/refresh"] }
    /// auth = { profile = "oauth2", grant = "refresh-token", token-url = "https://shop.example/token", client-id = "crossdock", secret = "client", client-auth = "post", refresh = "refresh", header = "X-Shopify-Access-Token" }
    /// ```
    ///
    /// Only one refresh runs at a time among all hosts that share the store: it is claimed there by
    /// compare-and-set before the endpoint is asked, and the new tokens are durable before they are used. One
    /// gap remains: a host that crashes after the endpoint responded and before the tokens are durable loses
    /// the new refresh token. If the endpoint no longer accepts the old one, the connector is unauthorized,
    /// the reason says so, and a person has to authorise it again.
    #[serde(rename = "oauth2")]
    OAuth2(OAuth2),
    /// A session: a login whose cookies and response authenticate later requests, a CSRF token, or both.
    ///
    /// ```toml
    /// # A login form that sets cookies.
    /// auth = { profile = "session", login = { url = "https://erp.example/login", form = { user = "crossdock", password = "{secret:password}" }, cookie = "SID", accepted = [302] }, expired = [401, 302] }
    /// # Tryton: JSON-RPC, and a header made from the response.
    /// auth = { profile = "session", login = { url = "https://erp.example/db/rpc/", json = { method = "common.db.login", params = ["crossdock", { password = "{secret:password}" }] } }, headers = { Authorization = "Session {base64:crossdock:{/result/0}:{/result/1}}" } }
    /// # SAP: basic authentication, and a CSRF token with its cookies.
    /// auth = { profile = "session", headers = { Authorization = "Basic {base64:CROSSDOCK:{secret:password}}" }, csrf = { url = "https://erp.example/sap/opu/odata/sap/API_SALES_ORDER_SRV/" } }
    /// ```
    ///
    /// Placeholders in texts: `{secret:NAME}`; from the login's response `{/json/pointer}`, `{header:NAME}`,
    /// `{cookie:NAME}`; `{base64:…}` around any of them; `{{` and `}}` for braces.
    Session(Session),
}
