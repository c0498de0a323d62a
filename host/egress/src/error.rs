//! Why a request has no response. Each error says whether the target may have seen the request.

use std::time::Duration;

/// Whether the target may have seen the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sent {
    /// No byte of it left, or the target answered that it did nothing because it does not know the caller:
    /// it is safe to send again.
    Nothing,
    /// It left, as a whole or in part, and its effect is not known.
    Unknown,
}

/// Why a request has no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "error")]
pub enum Error {
    /// The URL is not an absolute `http` or `https` URL, or carries a user name.
    #[error("`{url}` is not an absolute http or https URL without a user name")]
    Url {
        /// The URL without credentials and query.
        url: String,
    },
    /// The connector's hosts do not include the target.
    #[error("{origin} is not among the connector's hosts")]
    HostRefused {
        /// The request's origin.
        origin: String,
    },
    /// The name resolves to an address that connectors may not reach (private, loopback, metadata, …).
    #[error("{host} resolves to {address}, which connectors may not reach")]
    AddressRefused {
        /// The name.
        host: String,
        /// The first address that was refused.
        address: String,
    },
    /// The request carries a header that only the host may set.
    #[error("the header `{header}` may only be set by the host")]
    HeaderRefused {
        /// The header's name.
        header: String,
    },
    /// The call has used up its requests or bytes.
    #[error("the call has used up its {what}")]
    BudgetSpent {
        /// `requests` or `bytes`.
        what: String,
    },
    /// The request's body is too large, or the guest did not finish it.
    #[error("the request's body was not accepted: {reason}")]
    Body {
        /// Why.
        reason: String,
    },
    /// The secret that authenticates the request is not available.
    #[error("the secret `{secret}` cannot be used: {reason}")]
    SecretMissing {
        /// Its name.
        secret: String,
        /// Why, without the secret.
        reason: String,
    },
    /// The host's credentials were refused: the request was not sent, or was answered as unauthenticated and
    /// had no effect. An operator must act.
    #[error("the connector could not authenticate: {reason}")]
    Unauthorized {
        /// Who refused and why, without any secret.
        reason: String,
    },
    /// No credentials are available at the moment: the request was not sent, or was answered as
    /// unauthenticated and had no effect. It can be retried.
    #[error("no credentials available at the moment: {reason}")]
    CredentialsUnavailable {
        /// What failed and why, without any secret.
        reason: String,
    },
    /// The name cannot be resolved.
    #[error("resolving {host}: {reason}")]
    Lookup {
        /// The name.
        host: String,
        /// The resolver's message.
        reason: String,
    },
    /// No connection was established: refused, unreachable, or not in time.
    #[error("no connection to {origin}: {reason}")]
    Connect {
        /// The target.
        origin: String,
        /// Why.
        reason: String,
        /// True when the time limit ended the attempt.
        timed_out: bool,
    },
    /// The target's certificate was not trusted, or the TLS handshake failed.
    #[error("no trusted connection to {origin}: {reason}")]
    Tls {
        /// The target.
        origin: String,
        /// Why.
        reason: String,
    },
    /// The request left and the connection ended before the whole response arrived.
    #[error("the connection to {origin} was lost after sending: {reason}")]
    Lost {
        /// The target.
        origin: String,
        /// Why.
        reason: String,
    },
    /// The request left and the response did not arrive in time.
    #[error("{origin} did not respond in time ({waited:?})")]
    TimedOut {
        /// The target.
        origin: String,
        /// Time since the request began.
        waited: Duration,
    },
    /// The response is larger than a connector may receive.
    #[error("the response of {origin} is larger than {limit} bytes")]
    TooLarge {
        /// The target.
        origin: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The response has a content encoding in which secrets could not be masked.
    #[error("the response of {origin} is encoded as {encoding}, although only identity was accepted")]
    Encoded {
        /// The target.
        origin: String,
        /// The content encoding.
        encoding: String,
    },
    /// A replayed call asked for something else than the recorded one.
    #[error("the replay diverged from the recording: {reason}")]
    Diverged {
        /// What differs.
        reason: String,
    },
}

impl Error {
    /// Whether the target may have seen the request.
    #[must_use]
    pub fn sent(&self) -> Sent {
        match self {
            Self::Url { .. }
            | Self::HostRefused { .. }
            | Self::AddressRefused { .. }
            | Self::HeaderRefused { .. }
            | Self::BudgetSpent { .. }
            | Self::Body { .. }
            | Self::SecretMissing { .. }
            | Self::Unauthorized { .. }
            | Self::CredentialsUnavailable { .. }
            | Self::Lookup { .. }
            | Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Diverged { .. } => Sent::Nothing,
            Self::Lost { .. } | Self::TimedOut { .. } | Self::TooLarge { .. } | Self::Encoded { .. } => {
                Sent::Unknown
            }
        }
    }

    /// True when only an operator can help: the host's policy refused the request, or its credentials were
    /// refused.
    #[must_use]
    pub fn denied(&self) -> bool {
        matches!(
            self,
            Self::HostRefused { .. }
                | Self::AddressRefused { .. }
                | Self::HeaderRefused { .. }
                | Self::SecretMissing { .. }
                | Self::Unauthorized { .. }
        )
    }

    /// True when the request was refused before its body was read.
    pub(crate) fn refused_before_body(&self) -> bool {
        matches!(
            self,
            Self::Url { .. }
                | Self::HostRefused { .. }
                | Self::AddressRefused { .. }
                | Self::HeaderRefused { .. }
                | Self::BudgetSpent { .. }
                | Self::Body { .. }
        )
    }
}
