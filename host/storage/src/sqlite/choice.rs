//! Which plugins were chosen by a swap.

use crossdock_model::time::Millis;

use super::Sqlite;
use super::batch::Batch;
use super::read::all;
use super::sql::{Cells, execute, fetch};
use crate::Result;
use crate::choice::Choice;
use crate::command::Applied;

impl Batch<'_> {
    /// An empty `current` stands for the plugin that the configuration names.
    pub(super) async fn choose(
        &mut self,
        connector: &str,
        plugin: Option<&str>,
        previous: Option<&str>,
        by: &str,
        now: Millis,
    ) -> Result<Applied> {
        let text = "INSERT INTO choice (connector, current, previous, at, by) VALUES (?, ?, ?, ?, ?) \
                    ON CONFLICT DO UPDATE SET previous = excluded.previous, current = excluded.current, \
                    at = excluded.at, by = excluded.by";
        execute(self.connection, "choosing a plugin", text, |args| {
            args.add(connector).add(plugin.unwrap_or_default()).add(previous).add(now.0).add(by);
        })
        .await?;
        self.audit(by, "plugin.choose", connector, plugin.unwrap_or("as configured"), now).await?;
        Ok(Applied::Done)
    }
}

impl Sqlite {
    pub(super) async fn choice_rows(&self) -> Result<Vec<Choice>> {
        let text = "SELECT connector, current, previous, at, by FROM choice ORDER BY connector";
        all!(self, "reading choices of plugins", text, [], |cells| Choice {
            connector: cells.next()?,
            current: Some(cells.next()?).filter(|current: &String| !current.is_empty()),
            previous: cells.next()?,
            at: Millis(cells.next()?),
            by: cells.next()?,
        })
    }
}
