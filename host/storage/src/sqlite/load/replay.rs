//! The deliveries that a replay means, a page at a time.

use std::sync::Arc;

use crossdock_engine::Result;
use crossdock_engine::database::{Answer, replay_filter};
use crossdock_engine::rows::ReplayCandidate;
use crossdock_engine::view::EventFilter;

use super::Loader;
use crate::sqlite::filter::replay::{EVENT_OF, ReplayPage};
use crate::sqlite::filter::{Query, Range};
use crate::sqlite::rows::delivery;
use crate::sqlite::statement::{Cells, assembled, fetch_first, rows};

impl Loader<'_> {
    pub(super) async fn replay(
        &mut self,
        filter: &Arc<str>,
        generation: Option<u32>,
        after: i64,
        limit: u32,
    ) -> Result<Answer> {
        let filter = EventFilter { filter: replay_filter(filter), ..EventFilter::default() };
        let first = fetch_first(
            self.connection,
            &EVENT_OF,
            |args| {
                args.add(after);
            },
            |cells| cells.next(),
        );
        let range = Range(first.await?.unwrap_or_default(), i64::MAX);
        let query = Query::new(self.connection, &filter, range, self.vault, limit).await?;
        let mut found = Vec::new();
        for arm in query.replay_arms(ReplayPage { after, generation })? {
            let text = assembled(arm.text);
            for row in rows(self.connection, "reading the deliveries of a replay", text, arm.args).await? {
                let mut cells = Cells::of(&row);
                let (has_content, repeated) = (cells.next()?, cells.next()?);
                let row = delivery::read(&mut cells)?;
                let candidate = ReplayCandidate { delivery: row.id, has_content, repeated };
                found.push((row, candidate));
            }
        }
        // Each arm is whole up to its limit, so the lowest numbers of all of them are.
        found.sort_by_key(|(row, _)| row.id);
        found.dedup_by_key(|(row, _)| row.id);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Answer::Replay(found))
    }
}
