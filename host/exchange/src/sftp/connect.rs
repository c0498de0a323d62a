//! Getting to a server and being let in.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client::{self, AuthResult, KeyboardInteractiveAuthResponse as Asked};
use russh::keys::{HashAlg, PrivateKeyWithHashAlg, PublicKeyOrCertificate, decode_secret_key};
use russh::{Disconnect, MethodKind};
use russh_sftp::client::{Config, SftpSession};

use super::{Address, Secrets};
use crate::{Error, Result};

/// How long it may take to be connected and let in.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long one request may take, in seconds.
const ANSWER: u64 = 30;

/// How often a silent server is asked whether it is still there.
const ALIVE: Duration = Duration::from_secs(15);

/// How many questions a server may ask of somebody who logs in.
const QUESTIONS: usize = 5;

/// An open connection. It ends when it is dropped.
pub(super) struct Session {
    ssh: client::Handle<Pinned>,
    pub sftp: SftpSession,
}

impl Session {
    pub async fn open(address: &Address, host_keys: &[String], secrets: &Secrets) -> Result<Self> {
        let opening = tokio::time::timeout(PATIENCE, open(address, host_keys, secrets)).await;
        opening.unwrap_or_else(|_| Err(failed(address, "it does not answer")))
    }

    pub fn is_closed(&self) -> bool {
        self.ssh.is_closed()
    }

    pub async fn close(&self) {
        // It is gone one way or the other.
        let _ = self.ssh.disconnect(Disconnect::ByApplication, "", "").await;
    }
}

async fn open(address: &Address, host_keys: &[String], secrets: &Secrets) -> Result<Session> {
    let config =
        client::Config { keepalive_interval: Some(ALIVE), nodelay: true, ..client::Config::default() };
    let shown = Arc::default();
    let pinned = Pinned { host_keys: host_keys.to_vec(), shown: Arc::clone(&shown) };
    let connected = client::connect(Arc::new(config), (address.host.as_str(), address.port), pinned).await;
    let mut ssh = connected.map_err(|error| {
        match (error, shown.lock().unwrap_or_else(PoisonError::into_inner).take()) {
            (russh::Error::UnknownKey, Some(shown)) => Error::HostKey { server: address.server(), shown },
            (error, _) => failed(address, error),
        }
    })?;
    let mut let_in = false;
    for secret in secrets() {
        let_in = log_in(&mut ssh, address, &secret).await?;
        if let_in {
            break;
        }
    }
    if !let_in {
        return Err(Error::NotLetIn { server: address.server(), user: address.user.clone() });
    }
    let channel = ssh.channel_open_session().await.map_err(|error| failed(address, error))?;
    channel.request_subsystem(true, "sftp").await.map_err(|error| failed(address, error))?;
    let config = Config { request_timeout_secs: ANSWER, ..Config::default() };
    let sftp = SftpSession::new_with_config(channel.into_stream(), config).await;
    Ok(Session { ssh, sftp: sftp.map_err(|error| failed(address, error))? })
}

/// Shows a secret: a private key as such, everything else as a password.
async fn log_in(ssh: &mut client::Handle<Pinned>, address: &Address, secret: &str) -> Result<bool> {
    let failed = |error| failed(address, error);
    let user = address.user.as_str();
    if secret.trim_start().starts_with("-----BEGIN ") {
        // What is wrong with a key is not said in its own words: they could hold some of it.
        let key = decode_secret_key(secret, None)
            .map_err(|_| self::failed(address, "the secret is no private key that can be used"))?;
        let key = PrivateKeyWithHashAlg::new(Arc::new(key), None);
        return Ok(ssh.authenticate_publickey(user, key).await.map_err(failed)?.success());
    }
    match ssh.authenticate_password(user, secret).await.map_err(failed)? {
        AuthResult::Success => Ok(true),
        AuthResult::Failure { remaining_methods, .. }
            if remaining_methods.contains(&MethodKind::KeyboardInteractive) =>
        {
            answer_questions(ssh, user, secret).await.map_err(failed)
        }
        AuthResult::Failure { .. } => Ok(false),
    }
}

/// Many servers take a password only as the answer to a question.
async fn answer_questions(
    ssh: &mut client::Handle<Pinned>,
    user: &str,
    secret: &str,
) -> Result<bool, russh::Error> {
    let mut asked = ssh.authenticate_keyboard_interactive_start(user, None).await?;
    for _ in 0..QUESTIONS {
        match asked {
            Asked::Success => return Ok(true),
            Asked::Failure { .. } => return Ok(false),
            Asked::InfoRequest { prompts, .. } => {
                let answers = prompts.iter().map(|_| secret.to_owned()).collect();
                asked = ssh.authenticate_keyboard_interactive_respond(answers).await?;
            }
        }
    }
    Ok(matches!(asked, Asked::Success))
}

fn failed(address: &Address, reason: impl ToString) -> Error {
    Error::Connect { server: address.server(), reason: reason.to_string() }
}

/// Lets only a server go on whose key was pinned.
struct Pinned {
    host_keys: Vec<String>,
    /// What a server showed that was not let go on.
    shown: Arc<Mutex<Option<String>>>,
}

impl client::Handler for Pinned {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let fingerprint = match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => key.fingerprint(HashAlg::Sha256).to_string(),
            // The key it was signed for; who signed it says nothing here.
            PublicKeyOrCertificate::Certificate(certificate) => {
                certificate.public_key().fingerprint(HashAlg::Sha256).to_string()
            }
        };
        if self.host_keys.contains(&fingerprint) {
            return Ok(true);
        }
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(fingerprint);
        Ok(false)
    }
}
