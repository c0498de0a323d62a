//! Reads of a unit of work: by set, a bulk statement for each kind of row that is asked for, and none for the others.

mod connectors;
mod entities;
mod intake;
mod queue;
mod replay;
mod retention;
mod sales;
mod tables;

use crossdock_engine::Result;
use crossdock_engine::database::{ReadSet, Rows};
use sqlx::SqliteConnection;

use super::state::Present;
use crate::vault::Vault;

/// What loads read with.
pub(super) struct Loader<'t> {
    pub(super) connection: &'t mut SqliteConnection,
    pub(super) vault: &'t Vault,
    pub(super) present: Present,
}

impl Loader<'_> {
    /// Reads everything that is wanted but numbers.
    pub(super) async fn load(&mut self, wanted: &ReadSet) -> Result<Rows> {
        let mut rows = Rows::default();
        self.intake(wanted, &mut rows).await?;
        self.queue(wanted, &mut rows).await?;
        self.entities(wanted, &mut rows).await?;
        self.sales(wanted, &mut rows).await?;
        self.connectors(wanted, &mut rows).await?;
        self.tables(wanted, &mut rows).await?;
        for question in &wanted.questions {
            if let Some(answer) = self.answer(question).await? {
                rows.answers.push((question.clone(), answer));
            }
        }
        Ok(rows)
    }
}

#[cfg(test)]
pub(super) fn statements() -> Vec<&'static [&'static super::statement::Statement]> {
    vec![
        connectors::STATEMENTS,
        entities::STATEMENTS,
        intake::STATEMENTS,
        queue::STATEMENTS,
        retention::STATEMENTS,
        sales::STATEMENTS,
        tables::STATEMENTS,
    ]
}
