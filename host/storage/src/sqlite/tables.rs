//! The questions about what operators keep and plugins hand over; each room of them is a module of its own.

use async_trait::async_trait;

use super::Sqlite;
use crate::choice::Choice;
use crate::handed::{OutFileRow, Outgoing};
use crate::mapping::{MappingChanged, MappingFilter, MappingRow, Missing};
use crate::registry::{StoreChanged, StoreRow};
use crate::secret::{SecretRow, SecretText};
use crate::view::Page;
use crate::{Result, Tables};

#[async_trait]
impl Tables for Sqlite {
    async fn outbox(&self, connector: &str, limit: u32) -> Result<Vec<Outgoing>> {
        self.outgoing(connector, limit).await
    }

    async fn out_files(&self, connector: Option<&str>, page: Page) -> Result<Vec<OutFileRow>> {
        self.files(connector, page).await
    }

    async fn sequence(&self, connector: &str, name: &str) -> Result<u64> {
        self.last_number(connector, name).await
    }

    async fn mapping(&self, connector: &str, table: &str, value: &str) -> Result<Option<String>> {
        self.mapped(connector, table, value).await
    }

    async fn mappings(&self, filter: &MappingFilter) -> Result<Vec<MappingRow>> {
        self.mapping_rows(filter).await
    }

    async fn mapping_history(
        &self,
        connector: Option<&str>,
        table: Option<&str>,
        page: Page,
    ) -> Result<Vec<MappingChanged>> {
        self.mapping_changes(connector, table, page).await
    }

    async fn unmapped(&self) -> Result<Vec<Missing>> {
        self.missing_values().await
    }

    async fn imported(&self, name: &str) -> Result<Option<String>> {
        self.imported_hash(name).await
    }

    async fn store_of_id(&self, id: &str) -> Result<Option<StoreRow>> {
        self.store_row(id).await
    }

    async fn store_of_code(&self, system: &str, code: &str) -> Result<Option<StoreRow>> {
        self.store_row_of(system, code).await
    }

    async fn stores(&self, after: Option<&str>, limit: u32) -> Result<Vec<StoreRow>> {
        self.store_rows(after, limit).await
    }

    async fn store_history(&self, id: &str) -> Result<Vec<StoreChanged>> {
        self.store_changes(id).await
    }

    async fn secret(&self, name: &str) -> Result<Option<(SecretText, u64)>> {
        self.secret_text(name).await
    }

    async fn secrets(&self) -> Result<Vec<SecretRow>> {
        self.secret_rows().await
    }

    async fn choices(&self) -> Result<Vec<Choice>> {
        self.choice_rows().await
    }
}
