//! Secrets: written by compare-and-set; versions are never used again.

use std::sync::Arc;

use crossdock_model::time::Millis;

use crate::applied::Applied;
use crate::changes::Append;
use crate::error::Error;
use crate::master_key::MasterKey;
use crate::rows::SecretVersion;
use crate::secret::SecretText;
use crate::state::{Decision, State};

impl State<'_> {
    pub(super) fn put_secret(
        &mut self,
        name: &str,
        value: &SecretText,
        expected: Option<u64>,
        by: &str,
        now: Millis,
    ) -> Decision<Applied> {
        if name.is_empty() {
            let reason = "it needs a name".to_owned();
            return Err(Error::Invalid { what: "secret", id: String::new(), reason }.into());
        }
        let key: Arc<str> = name.into();
        let known = self.secrets(&key)?.copied();
        let present = known.filter(|known| known.present).map_or(0, |known| known.version);
        if expected.is_some_and(|expected| expected != present) {
            return Err(Error::Changed { what: "secret", id: name.to_owned(), version: present }.into());
        }
        let version = known.map_or(0, |known| known.version).saturating_add(1);
        self.set_secret(Arc::clone(&key), Some(SecretVersion { version, present: true }));
        let (value, by_name) = (Some(value.clone()), by.into());
        self.append(Append::Secret { name: key, version, value, at: now, by: by_name });
        self.audit(by, "secret.put", name, &format!("version {version}"), now);
        Ok(Applied::Version(version))
    }

    pub(super) fn remove_secret(&mut self, name: &str, by: &str, now: Millis) -> Decision<Applied> {
        let key: Arc<str> = name.into();
        let Some(SecretVersion { version, present: true }) = self.secrets(&key)?.copied() else {
            return Err(Error::Unknown { what: "secret", id: name.to_owned() }.into());
        };
        self.set_secret(Arc::clone(&key), Some(SecretVersion { version, present: false }));
        self.append(Append::Secret { name: key, version, value: None, at: now, by: by.into() });
        self.audit(by, "secret.remove", name, &format!("version {version}"), now);
        Ok(Applied::Done)
    }

    pub(super) fn rekey(&mut self, to: &MasterKey, by: &str, now: Millis) -> Decision<Applied> {
        self.append(Append::Rekey(to.clone()));
        self.audit(by, "secrets.rekey", "master key", "", now);
        Ok(Applied::Done)
    }
}
