//! Which plugins were chosen by a swap.

use crossdock_model::time::Millis;

use super::Sqlite;
use super::batch::Batch;
use super::read::all;
use super::sql::{Cells, execute, fetch};
use crate::choice::Choice;
use crate::command::Applied;
use crate::{Error, Result};

impl Batch<'_> {
    pub(super) async fn choose(
        &mut self,
        connector: &str,
        plugin: &str,
        by: &str,
        now: Millis,
    ) -> Result<Applied> {
        let text = "INSERT INTO choice (connector, current, at, by) VALUES (?, ?, ?, ?) \
                    ON CONFLICT DO UPDATE SET previous = current, current = excluded.current, \
                    at = excluded.at, by = excluded.by WHERE current <> excluded.current";
        let done = execute(self.connection, "choosing a plugin", text, |args| {
            args.add(connector).add(plugin).add(now.0).add(by);
        });
        if done.await? > 0 {
            self.audit(by, "plugin.choose", connector, plugin, now).await?;
        }
        Ok(Applied::Done)
    }

    pub(super) async fn unchoose(&mut self, connector: &str, by: &str, now: Millis) -> Result<Applied> {
        let text = "DELETE FROM choice WHERE connector = ?";
        let gone = execute(self.connection, "dropping a choice of plugin", text, |args| {
            args.add(connector);
        });
        if gone.await? == 0 {
            return Err(Error::Unknown { what: "choice of plugin for", id: connector.to_owned() });
        }
        self.audit(by, "plugin.unchoose", connector, "", now).await?;
        Ok(Applied::Done)
    }
}

impl Sqlite {
    pub(super) async fn choice_rows(&self) -> Result<Vec<Choice>> {
        let text = "SELECT connector, current, previous, at, by FROM choice ORDER BY connector";
        all!(self, "reading choices of plugins", text, [], |cells| Choice {
            connector: cells.next()?,
            current: cells.next()?,
            previous: cells.next()?,
            at: Millis(cells.next()?),
            by: cells.next()?,
        })
    }
}
