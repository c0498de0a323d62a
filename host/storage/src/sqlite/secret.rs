//! Secrets, and the change of the master key that they and all other keys rest under.

use crossdock_model::time::Millis;

use super::Sqlite;
use super::batch::Batch;
use super::piles;
use super::read::{all, first};
use super::sql::{Cells, Pile, Template, execute, fetch};
use crate::command::{Applied, Moved};
use crate::secret::{SecretRow, SecretText};
use crate::vault::{Bound, MasterKey};
use crate::{Error, Result};

/// How many keys are read, wrapped again and written at a time.
const AT_ONCE: usize = 1000;

/// A secret's row: its number, its version, and whether it has a value.
type Known = (i64, i64, bool);

impl Batch<'_> {
    pub(super) async fn put_secret(
        &mut self,
        name: &str,
        value: &SecretText,
        expected: Option<u64>,
        by: &str,
        now: Millis,
    ) -> Result<Applied> {
        if name.is_empty() {
            return Err(Error::Invalid { what: "secret", id: String::new(), why: "it needs a name".into() });
        }
        let known = self.known_secret(name).await?;
        let present = known.filter(|known| known.2).map_or(0, |known| known.1.cast_unsigned());
        if expected.is_some_and(|expected| expected != present) {
            return Err(Error::Changed { what: "secret", id: name.to_owned(), version: present });
        }
        let (id, version) = match known {
            Some((id, version, _)) => (id, version + 1),
            None => {
                let text = "SELECT coalesce(max(id), 0) + 1 FROM secret";
                let rows = fetch(self.connection, "reading the last secret", text, |_| {}).await?;
                (rows.first().map_or(Ok(1), |row| Cells::of(row).next())?, 1)
            }
        };
        let sealed = self.vault.seal(Bound::Secret(id, version), value.expose().as_bytes())?;
        let text = "INSERT INTO secret (id, name, version, sealed, at, by) VALUES (?, ?, ?, ?, ?, ?) \
                    ON CONFLICT (id) DO UPDATE SET version = excluded.version, sealed = excluded.sealed, \
                    at = excluded.at, by = excluded.by";
        execute(self.connection, "keeping a secret", text, |args| {
            args.add(id).add(name).add(version).add(sealed).add(now.0).add(by);
        })
        .await?;
        self.audit(by, "secret.put", name, &format!("version {version}"), now).await?;
        Ok(Applied::Version(version.cast_unsigned()))
    }

    pub(super) async fn remove_secret(&mut self, name: &str, by: &str, now: Millis) -> Result<Applied> {
        let Some((id, version, true)) = self.known_secret(name).await? else {
            return Err(Error::Unknown { what: "secret", id: name.to_owned() });
        };
        let text = "UPDATE secret SET sealed = NULL, at = ?2, by = ?3 WHERE id = ?1";
        execute(self.connection, "forgetting a secret", text, |args| {
            args.add(id).add(now.0).add(by);
        })
        .await?;
        self.erased = true;
        self.audit(by, "secret.remove", name, &format!("version {version}"), now).await?;
        Ok(Applied::Done)
    }

    async fn known_secret(&mut self, name: &str) -> Result<Option<Known>> {
        let text = "SELECT id, version, sealed IS NOT NULL FROM secret WHERE name = ?";
        let rows = fetch(self.connection, "looking for a secret", text, |args| {
            args.add(name);
        });
        match rows.await?.first() {
            None => Ok(None),
            Some(row) => {
                let mut cells = Cells::of(row);
                Ok(Some((cells.next()?, cells.next()?, cells.next()?)))
            }
        }
    }

    /// Wraps everything under another master key.
    pub(super) async fn rekey(&mut self, to: &MasterKey, by: &str, now: Millis) -> Result<Applied> {
        let vault = self.vault.succeeded_by(to);
        let mut count = 0;
        let text = "SELECT id, 0, wrapped FROM subject_key WHERE wrapped IS NOT NULL AND id > ? \
                    ORDER BY id LIMIT 1000";
        count += self.wrap_again(&vault, text, &piles::REWRAP_SUBJECT, |id, _| Bound::SubjectKey(id)).await?;
        let text = "SELECT day, 0, wrapped FROM day_key WHERE day > ? ORDER BY day LIMIT 1000";
        count += self.wrap_again(&vault, text, &piles::REWRAP_DAY, |day, _| Bound::DayKey(day)).await?;
        let text = "SELECT id, version, sealed FROM secret WHERE sealed IS NOT NULL AND id > ? \
                    ORDER BY id LIMIT 1000";
        count += self.wrap_again(&vault, text, &piles::REWRAP_SECRET, Bound::Secret).await?;
        let (proof, marks) = (vault.proof()?, vault.sealed_marks()?);
        let text = "UPDATE meta SET value = iif(name = 'proof', ?, ?) WHERE name IN ('proof', 'marks')";
        execute(self.connection, "changing the master key", text, |args| {
            args.add(proof).add(marks);
        })
        .await?;
        self.audit(by, "secrets.rekey", "master key", &format!("{count} keys and secrets"), now).await?;
        self.vault = vault;
        self.rekeyed = true;
        self.erased = true;
        Ok(Applied::Moved(Moved { count, ..Moved::default() }))
    }

    /// Wraps the keys of one table again. The question answers number, second number and sealed text of those
    /// behind a number.
    async fn wrap_again(
        &mut self,
        vault: &crate::vault::Vault,
        text: &'static str,
        write: &'static Template,
        bound: impl Fn(i64, i64) -> Bound,
    ) -> Result<u64> {
        let (mut after, mut count) = (i64::MIN, 0);
        loop {
            let rows = fetch(self.connection, "reading wrapped keys", text, |args| {
                args.add(after);
            });
            let rows = rows.await?;
            let mut pile = Pile::new(write);
            for row in &rows {
                let mut cells = Cells::of(row);
                let (id, second) = (cells.next()?, cells.next()?);
                let sealed = vault.again(bound(id, second), cells.next()?)?;
                pile.row(|args| {
                    args.add(id).add(sealed);
                });
                after = id;
                count += 1;
            }
            pile.write(self.connection, &mut self.memory.texts).await?;
            if rows.len() < AT_ONCE {
                return Ok(count);
            }
        }
    }
}

impl Sqlite {
    pub(super) async fn secret_text(&self, name: &str) -> Result<Option<(SecretText, u64)>> {
        let text = "SELECT id, version, sealed FROM secret WHERE name = ? AND sealed IS NOT NULL";
        first!(self, "reading a secret", text, [name], |cells| {
            let (id, version): (i64, i64) = (cells.next()?, cells.next()?);
            let plain = self.vault().open(Bound::Secret(id, version), cells.next()?)?;
            let text = std::str::from_utf8(&plain)
                .map_err(|error| Error::Unreadable { what: "a secret".into(), why: error.to_string() })?;
            (SecretText::new(text.to_owned()), version.cast_unsigned())
        })
    }

    pub(super) async fn secret_rows(&self) -> Result<Vec<SecretRow>> {
        let text = "SELECT name, version, at, by FROM secret WHERE sealed IS NOT NULL ORDER BY name";
        all!(self, "reading secrets", text, [], |cells| SecretRow {
            name: cells.next()?,
            version: cells.next::<i64>()?.cast_unsigned(),
            at: Millis(cells.next()?),
            by: cells.next()?,
        })
    }
}
