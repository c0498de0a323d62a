//! The questions about what operators keep and plugins hand over; each room of them is a module of its own.

use async_trait::async_trait;

use super::Sqlite;
use crate::handed::{OutFileRow, Outgoing};
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
}
