//! A connection to an SFTP server: host key, login, session.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client::{self, AuthResult, KeyboardInteractiveAuthResponse};
use russh::keys::{HashAlg, PrivateKeyWithHashAlg, PublicKeyOrCertificate, decode_secret_key};
use russh::{Disconnect, MethodKind};
use russh_sftp::client::{Config, SftpSession};

use super::address::Address;
use crate::error::{Error, Result};

/// From connecting to the end of the login.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(20);

const REQUEST_TIMEOUT_SECS: u64 = 30;

const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// How many rounds of questions a server may ask at a keyboard-interactive login.
const MAX_LOGIN_ROUNDS: usize = 5;

/// Returns the current secrets of the user, newest first: a password, or a private key in PEM without a
/// passphrase. Called for every connection.
pub type LoginSecrets = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// An open connection. It is closed when it is dropped.
pub(super) struct Connection {
    ssh: client::Handle<HostKeyCheck>,
    pub sftp: SftpSession,
}

impl Connection {
    pub async fn open(address: &Address, host_keys: &[String], secrets: &LoginSecrets) -> Result<Self> {
        let opening = tokio::time::timeout(LOGIN_TIMEOUT, open(address, host_keys, secrets)).await;
        opening.unwrap_or_else(|_| Err(failed(address, "it does not respond")))
    }

    pub fn is_closed(&self) -> bool {
        self.ssh.is_closed()
    }

    pub async fn close(&self) {
        // If this fails the connection is closed already.
        let _ = self.ssh.disconnect(Disconnect::ByApplication, "", "").await;
    }
}

async fn open(address: &Address, host_keys: &[String], secrets: &LoginSecrets) -> Result<Connection> {
    let config = client::Config {
        keepalive_interval: Some(KEEPALIVE_INTERVAL),
        nodelay: true,
        ..client::Config::default()
    };
    let refused = Arc::default();
    let check = HostKeyCheck { pinned: host_keys.to_vec(), refused: Arc::clone(&refused) };
    let connected = client::connect(Arc::new(config), (address.host.as_str(), address.port), check).await;
    let mut ssh = connected.map_err(|error| {
        match (error, refused.lock().unwrap_or_else(PoisonError::into_inner).take()) {
            (russh::Error::UnknownKey, Some(fingerprint)) => {
                Error::HostKey { server: address.server(), fingerprint }
            }
            (error, _) => failed(address, error),
        }
    })?;
    let mut logged_in = false;
    for secret in secrets() {
        logged_in = log_in(&mut ssh, address, &secret).await?;
        if logged_in {
            break;
        }
    }
    if !logged_in {
        return Err(Error::Login { server: address.server(), user: address.user.clone() });
    }
    let channel = ssh.channel_open_session().await.map_err(|error| failed(address, error))?;
    channel.request_subsystem(true, "sftp").await.map_err(|error| failed(address, error))?;
    let config = Config { request_timeout_secs: REQUEST_TIMEOUT_SECS, ..Config::default() };
    let sftp = SftpSession::new_with_config(channel.into_stream(), config).await;
    Ok(Connection { ssh, sftp: sftp.map_err(|error| failed(address, error))? })
}

/// Logs in with a secret: a private key, or else a password. False when the server does not accept it.
async fn log_in(ssh: &mut client::Handle<HostKeyCheck>, address: &Address, secret: &str) -> Result<bool> {
    let failed = |error| failed(address, error);
    let user = address.user.as_str();
    if secret.trim_start().starts_with("-----BEGIN ") {
        // The library's error is not repeated: it could quote the key.
        let key = decode_secret_key(secret, None)
            .map_err(|_| self::failed(address, "the secret is not a usable private key"))?;
        let key = PrivateKeyWithHashAlg::new(Arc::new(key), None);
        return Ok(ssh.authenticate_publickey(user, key).await.map_err(failed)?.success());
    }
    match ssh.authenticate_password(user, secret).await.map_err(failed)? {
        AuthResult::Success => Ok(true),
        AuthResult::Failure { remaining_methods, .. }
            if remaining_methods.contains(&MethodKind::KeyboardInteractive) =>
        {
            keyboard_interactive(ssh, user, secret).await.map_err(failed)
        }
        AuthResult::Failure { .. } => Ok(false),
    }
}

/// Sends the password as the answer to every question: many servers accept it only this way.
async fn keyboard_interactive(
    ssh: &mut client::Handle<HostKeyCheck>,
    user: &str,
    secret: &str,
) -> Result<bool, russh::Error> {
    let mut response = ssh.authenticate_keyboard_interactive_start(user, None).await?;
    for _ in 0..MAX_LOGIN_ROUNDS {
        match response {
            KeyboardInteractiveAuthResponse::Success => return Ok(true),
            KeyboardInteractiveAuthResponse::Failure { .. } => return Ok(false),
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                let answers = prompts.iter().map(|_| secret.to_owned()).collect();
                response = ssh.authenticate_keyboard_interactive_respond(answers).await?;
            }
        }
    }
    Ok(matches!(response, KeyboardInteractiveAuthResponse::Success))
}

fn failed(address: &Address, reason: impl ToString) -> Error {
    Error::Connect { server: address.server(), reason: reason.to_string() }
}

/// Accepts only a server with a pinned host key.
struct HostKeyCheck {
    /// Fingerprints of the pinned keys.
    pinned: Vec<String>,
    /// The fingerprint of the key that was refused.
    refused: Arc<Mutex<Option<String>>>,
}

impl client::Handler for HostKeyCheck {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let fingerprint = match key {
            PublicKeyOrCertificate::PublicKey { key, .. } => key.fingerprint(HashAlg::Sha256).to_string(),
            // The certified key itself; the authority that signed it is not considered.
            PublicKeyOrCertificate::Certificate(certificate) => {
                certificate.public_key().fingerprint(HashAlg::Sha256).to_string()
            }
        };
        if self.pinned.contains(&fingerprint) {
            return Ok(true);
        }
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(fingerprint);
        Ok(false)
    }
}
