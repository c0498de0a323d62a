//! What an operator keeps: mappings, stores, secrets, the master key.

use crossdock_storage::{
    Applied, Command, Error, Kept, MappingChange, MasterKey, Others, PutMappings, PutStores, SecretText,
    StoreRecord,
};

use super::{Handle, OperationError};

impl Handle {
    /// Sets and removes mappings, all of them or none. What waits for one of them goes on.
    ///
    /// # Errors
    /// When one of them cannot be kept; see [`Handle::pause`].
    pub async fn put_mappings(
        &self,
        changes: Vec<MappingChange>,
        others: Others,
        by: &str,
    ) -> Result<Kept, OperationError> {
        let (by, now) = (by.to_owned(), self.shared.now());
        self.kept(Command::PutMappings(PutMappings { changes, others, imported: None, by, now })).await
    }

    /// Puts and removes stores, all of them or none. What waits for one of them goes on.
    ///
    /// # Errors
    /// When one of them cannot be kept, or is not there to be removed; see [`Handle::pause`].
    pub async fn put_stores(
        &self,
        stores: Vec<StoreRecord>,
        remove: Vec<String>,
        others: Others,
        by: &str,
    ) -> Result<Kept, OperationError> {
        let (by, now) = (by.to_owned(), self.shared.now());
        self.kept(Command::PutStores(PutStores { stores, remove, others, imported: None, by, now })).await
    }

    /// Puts a secret, if it is at the expected version: 0 when there has to be none, nothing when any will
    /// do. Answers the version it is at then.
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
        let (name, by, now) = (name.to_owned(), by.to_owned(), self.shared.now());
        match self.shared.writer.submit(Command::PutSecret { name, value, expected, by, now }).await? {
            Applied::Version(version) => Ok(version),
            other => Err(mismatch(&other)),
        }
    }

    /// Forgets a secret.
    ///
    /// # Errors
    /// When there is none; see [`Handle::pause`].
    pub async fn remove_secret(&self, name: &str, by: &str) -> Result<(), OperationError> {
        let (name, by, now) = (name.to_owned(), by.to_owned(), self.shared.now());
        self.shared.writer.submit(Command::RemoveSecret { name, by, now }).await?;
        Ok(())
    }

    /// Wraps every key and secret under another master key; from then on the database opens with it alone.
    /// Answers how many.
    ///
    /// # Errors
    /// See [`Handle::pause`].
    pub async fn rekey(&self, to: MasterKey, by: &str) -> Result<u64, OperationError> {
        let command = Command::Rekey { to, by: by.to_owned(), now: self.shared.now() };
        Ok(self.shared.writer.moved(command).await?.count)
    }

    async fn kept(&self, command: Command) -> Result<Kept, OperationError> {
        match self.shared.writer.submit(command).await? {
            Applied::Kept(kept) => Ok(kept),
            other => Err(mismatch(&other)),
        }
    }
}

/// A store that answers a command with another one's answer breaks its contract.
fn mismatch(answer: &Applied) -> OperationError {
    Error::Transaction(format!("the answer does not belong to the command: {answer:?}")).into()
}
