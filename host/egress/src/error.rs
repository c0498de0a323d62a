//! What can go wrong with a request, told so that "nothing was sent" and "nobody knows" never mix.

use std::time::Duration;

/// Whether the target may have seen the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sent {
    /// Not one byte of it has left, or the target said that it did nothing because it does not know who
    /// asks: it can be sent again without a second thought.
    Nothing,
    /// It left, as a whole or in part, and what became of it is not known.
    Unknown,
}

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "error")]
pub enum Error {
    /// The address is no absolute `http` or `https` URL, or carries a user name.
    #[error("`{url}` is no address a connector can ask")]
    Url {
        /// The address as far as it can be shown.
        url: String,
    },
    /// The connector's hosts do not include the target.
    #[error("{origin} is not among the connector's hosts")]
    HostRefused {
        /// Where the request wanted to go.
        origin: String,
    },
    /// The name leads to an address that may not be reached (private, loopback, metadata, …).
    #[error("{host} leads to {address}, which connectors may not reach")]
    AddressRefused {
        /// The name.
        host: String,
        /// The first address that was refused.
        address: String,
    },
    /// The request carries a header that is the host's to set.
    #[error("the header `{header}` is the host's to set")]
    HeaderRefused {
        /// The header's name.
        header: String,
    },
    /// The call has used up its requests or bytes.
    #[error("the call has used up its {what}")]
    BudgetSpent {
        /// What is used up.
        what: String,
    },
    /// The request's body is too large, or the guest did not finish it.
    #[error("the request's body was not accepted: {reason}")]
    Body {
        /// Why.
        reason: String,
    },
    /// The secret that authenticates the request cannot be had.
    #[error("the secret `{secret}` cannot be used: {reason}")]
    SecretMissing {
        /// Its name.
        secret: String,
        /// Why, without the secret.
        reason: String,
    },
    /// The host could not authenticate itself, so the request was not sent, or was answered that it is not
    /// authenticated and did nothing. A person must look.
    #[error("the connector could not authenticate: {reason}")]
    Unauthorized {
        /// Who refused and why, without any secret.
        reason: String,
    },
    /// What authenticates the request is had from a place that cannot be asked now, so the request was not
    /// sent, or was answered that it is not authenticated and did nothing. It can be sent again later.
    #[error("what authenticates the request cannot be had now: {reason}")]
    CredentialsUnavailable {
        /// What did not answer and why, without any secret.
        reason: String,
    },
    /// The name cannot be looked up.
    #[error("{host} was not found: {reason}")]
    Lookup {
        /// The name.
        host: String,
        /// The resolver's words.
        reason: String,
    },
    /// No connection came about: refused, unreachable, or not in time.
    #[error("no connection to {origin}: {reason}")]
    Connect {
        /// The target.
        origin: String,
        /// Why.
        reason: String,
        /// True when it was a matter of time.
        timed_out: bool,
    },
    /// The target could not prove who it is, or speaks no TLS that the host speaks.
    #[error("no trusted connection to {origin}: {reason}")]
    Tls {
        /// The target.
        origin: String,
        /// Why.
        reason: String,
    },
    /// The request left and the connection ended before a whole answer was there.
    #[error("the connection to {origin} was lost after sending: {reason}")]
    Lost {
        /// The target.
        origin: String,
        /// Why.
        reason: String,
    },
    /// The request left and the answer did not come in time.
    #[error("{origin} did not answer in time ({waited:?})")]
    TimedOut {
        /// The target.
        origin: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The answer is larger than a connector may receive.
    #[error("the answer of {origin} is larger than {limit} bytes")]
    TooLarge {
        /// The target.
        origin: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The answer is encoded in a way in which secrets in it could not be hidden.
    #[error("the answer of {origin} is encoded as {encoding}, though plain text was asked for")]
    Encoded {
        /// The target.
        origin: String,
        /// The encoding.
        encoding: String,
    },
    /// A replayed call asked for something else than the recorded one.
    #[error("the replay left the recorded way: {reason}")]
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

    /// True when the host kept the request back, or could not authenticate it, and a person must look at the
    /// connector.
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

    /// True when the host's policy said no: trying again changes nothing until the operator does.
    #[must_use]
    pub fn refused(&self) -> bool {
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
