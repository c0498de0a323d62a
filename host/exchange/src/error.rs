//! Errors of a folder: which operation failed on which file.

/// The result of an operation on a folder.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation on a folder failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system reported an error.
    #[error("{operation} {path}: {source}")]
    Io {
        /// The operation (`reading`).
        operation: &'static str,
        /// The file or directory.
        path: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The server reported an error, or the connection broke.
    #[error("{operation} {path} over SFTP: {reason}")]
    Sftp {
        /// The operation.
        operation: &'static str,
        /// The file or directory.
        path: String,
        /// The server's message, or what happened to the connection.
        reason: String,
    },
    /// No connection to the server was established.
    #[error("connecting to {server}: {reason}")]
    Connect {
        /// Host and port.
        server: String,
        /// Why.
        reason: String,
    },
    /// The server's host key is not the pinned one. Nothing was sent to it.
    #[error("{server} has the host key {fingerprint}, which is not the pinned one")]
    HostKey {
        /// Host and port.
        server: String,
        /// The fingerprint of its key.
        fingerprint: String,
    },
    /// The server accepts none of the user's secrets.
    #[error("logging in to {server} as {user}: the server accepts none of the secrets")]
    Login {
        /// Host and port.
        server: String,
        /// The user.
        user: String,
    },
    /// A file of this name exists already, and was not touched.
    #[error("{path} exists already")]
    Exists {
        /// The file.
        path: String,
    },
    /// The file does not exist, or no longer.
    #[error("{path} does not exist")]
    NotFound {
        /// The file.
        path: String,
    },
    /// The file has changed since it was listed: the partner is writing to it, or has replaced it.
    #[error("{path} has changed since it was listed")]
    Changed {
        /// The file.
        path: String,
    },
    /// The file is larger than the limit.
    #[error("{path} is larger than {limit} bytes")]
    TooLarge {
        /// The file.
        path: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// Files cannot be written under this name.
    #[error("`{name}` is not a valid file name: {reason}")]
    InvalidName {
        /// The name.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// A file with other contents was written under this name before.
    #[error("{path} was written before with other contents; nothing was written now")]
    NameReused {
        /// The file.
        path: String,
    },
}

impl Error {
    /// True when the folder cannot be reached or used at all, so that the next file would fail as well.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Io { .. }
                | Self::Sftp { .. }
                | Self::Connect { .. }
                | Self::HostKey { .. }
                | Self::Login { .. }
        )
    }
}
