//! One value of a secret at one location, read again when it has changed there.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::secret::{FileVersion, Secret, SecretLocation, file_version, read_env, read_file};

/// How often files and the secret store are checked for changes.
pub(super) const RELOAD_INTERVAL: Duration = Duration::from_secs(2);

/// One value of a secret.
pub(super) struct Value {
    pub(super) location: SecretLocation,
    pub(super) state: Mutex<State>,
}

/// The current value, and what its reloading needs.
pub(super) struct State {
    /// Absent only for the store: values at other locations existed when the host started.
    pub(super) secret: Option<Secret>,
    pub(super) version: Option<Version>,
    /// When the file was last checked for a change.
    pub(super) checked: Instant,
    /// True while reloading fails, so that it is logged once and not at each interval.
    pub(super) failing: bool,
}

/// What a change of a value is detected by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    File(FileVersion),
    Store(u64),
}

impl Value {
    /// Reads the value at a location. One in the store is read later, by [`Secrets::open`](super::Secrets::open).
    pub(super) fn read(location: &str, has_store: bool) -> Result<Self, String> {
        let location: SecretLocation = location.parse()?;
        let (secret, version) = match &location {
            SecretLocation::Stored(_) if !has_store => {
                return Err("this secret cannot be in the store".to_owned());
            }
            SecretLocation::Stored(_) => (None, None),
            SecretLocation::Env(name) => (Some(read_env(name)?), None),
            SecretLocation::File(path) => {
                let (secret, version) = read_file(path)?;
                (Some(secret), Some(Version::File(version)))
            }
        };
        let state = State { secret, version, checked: Instant::now(), failing: false };
        Ok(Self { location, state: Mutex::new(state) })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The current value; a changed file is read again.
    pub(super) fn secret(&self) -> Option<Secret> {
        let mut state = self.state();
        if let SecretLocation::File(path) = &self.location
            && state.checked.elapsed() >= RELOAD_INTERVAL
        {
            state.checked = Instant::now();
            if file_version(path).map(Version::File) != state.version {
                match read_file(path) {
                    Ok((secret, version)) => {
                        state.secret = Some(secret);
                        state.version = Some(Version::File(version));
                        state.failing = false;
                    }
                    // The previous value stays in use while the file is being replaced.
                    Err(reason) => {
                        if !std::mem::replace(&mut state.failing, true) {
                            tracing::warn!(path = %path.display(), reason, "reloading a secret failed");
                        }
                    }
                }
            }
        }
        state.secret.clone()
    }
}
