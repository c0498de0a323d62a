//! Operations on the operator's tables: mappings, stores, secrets, the master key.

use crossdock_engine::{
    Applied, Command, Error, MappingChange, MasterKey, PutMappings, PutStores, SecretText, StoreRecord,
    Stored, Unlisted,
};

use crate::handle::{Handle, OperationError};

impl Handle {
    /// Sets and removes mappings, all of them or none. Deliveries that wait for one of them continue.
    ///
    /// # Errors
    /// When one of them cannot be stored; see [`Handle::pause`].
    pub async fn put_mappings(
        &self,
        changes: Vec<MappingChange>,
        others: Unlisted,
        by: &str,
    ) -> Result<Stored, OperationError> {
        let (by, now) = (by.to_owned(), self.now());
        self.change_table(Command::PutMappings(PutMappings {
            changes,
            unlisted: others,
            imported: None,
            by,
            now,
        }))
        .await
    }

    /// Puts and removes stores, all of them or none. Deliveries that wait for one of them continue.
    ///
    /// # Errors
    /// When one of them cannot be stored, or is not there to be removed; see [`Handle::pause`].
    pub async fn put_stores(
        &self,
        stores: Vec<StoreRecord>,
        remove: Vec<String>,
        others: Unlisted,
        by: &str,
    ) -> Result<Stored, OperationError> {
        let (by, now) = (by.to_owned(), self.now());
        self.change_table(Command::PutStores(PutStores {
            stores,
            remove,
            unlisted: others,
            imported: None,
            by,
            now,
        }))
        .await
    }

    /// Puts a secret, if it is at the expected version: 0 when there has to be none, none when any version will
    /// do. Returns the version it is at then.
    ///
    /// # Errors
    /// When it is at another version; see [`Handle::pause`].
    pub async fn put_secret(
        &self,
        name: &str,
        value: SecretText,
        expected: Option<u64>,
        by: &str,
    ) -> Result<u64, OperationError> {
        let (name, by, now) = (name.to_owned(), by.to_owned(), self.now());
        match self.commands().submit(Command::PutSecret { name, value, expected, by, now }).await? {
            Applied::Version(version) => Ok(version),
            other => Err(mismatch(&other)),
        }
    }

    /// Removes a secret.
    ///
    /// # Errors
    /// When there is none; see [`Handle::pause`].
    pub async fn remove_secret(&self, name: &str, by: &str) -> Result<(), OperationError> {
        let (name, by, now) = (name.to_owned(), by.to_owned(), self.now());
        self.commands().submit(Command::RemoveSecret { name, by, now }).await?;
        Ok(())
    }

    /// Seals the database under another master key; from then on it opens with that one alone.
    ///
    /// # Errors
    /// See [`Handle::pause`].
    pub async fn rekey(&self, to: MasterKey, by: &str) -> Result<(), OperationError> {
        let command = Command::Rekey { to, by: by.to_owned(), now: self.now() };
        self.commands().submit(command).await.map(|_| ())
    }

    async fn change_table(&self, command: Command) -> Result<Stored, OperationError> {
        match self.commands().submit(command).await? {
            Applied::Stored(stored) => Ok(stored),
            other => Err(mismatch(&other)),
        }
    }
}

/// A store that answers a command with another command's answer breaks its contract.
fn mismatch(answer: &Applied) -> OperationError {
    Error::Transaction(format!("the answer does not belong to the command: {answer:?}")).into()
}
