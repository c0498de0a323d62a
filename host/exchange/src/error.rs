//! What can go wrong with a folder, said as what was being done to what.

/// The result of anything this room does.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something was not done to a folder.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system did not do it.
    #[error("{doing} {path}: {source}")]
    Io {
        /// What was being done (`reading`).
        doing: &'static str,
        /// To what.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The server did not do it, or the connection to it broke on the way.
    #[error("{doing} {path} over SFTP: {reason}")]
    Sftp {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: String,
        /// What the server or the connection said.
        reason: String,
    },
    /// There is no connection to the server.
    #[error("connecting to {server}: {reason}")]
    Connect {
        /// Host and port.
        server: String,
        /// What happened.
        reason: String,
    },
    /// The server is not the one that was pinned. Nothing was sent to it.
    #[error("{server} shows the host key {shown}, which is not the pinned one")]
    HostKey {
        /// Host and port.
        server: String,
        /// The fingerprint that it shows.
        shown: String,
    },
    /// The server does not let the user in.
    #[error("{server} does not accept {user} with the secret it was given")]
    NotLetIn {
        /// Host and port.
        server: String,
        /// Who.
        user: String,
    },
    /// There is something of that name already; it was left alone.
    #[error("there is a {path} already")]
    Exists {
        /// The file.
        path: String,
    },
    /// There is no such file, or not any more.
    #[error("there is no {path}")]
    Gone {
        /// The file.
        path: String,
    },
    /// The file is not what it was when it was listed: somebody writes to it, or has replaced it.
    #[error("{path} has changed meanwhile")]
    Changed {
        /// The file.
        path: String,
    },
    /// The file is larger than what is read.
    #[error("{path} is larger than {limit} bytes")]
    TooLarge {
        /// The file.
        path: String,
        /// How many bytes are read at most.
        limit: u64,
    },
    /// The name is none that a file is put under.
    #[error("`{name}` is no name for a file: {why}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A file of that name has been handed over before, and there was something else in it.
    #[error("another file was handed over as {path} before; nothing was written")]
    Taken {
        /// The file.
        path: String,
    },
}

impl Error {
    /// True when the folder could not be reached or used at all, so that the next file fares no better.
    #[must_use]
    pub fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Io { .. }
                | Self::Sftp { .. }
                | Self::Connect { .. }
                | Self::HostKey { .. }
                | Self::NotLetIn { .. }
        )
    }
}
