//! What is known of connectors: pauses, cursors, numbers, outbox files, tokens, and how far housekeeping has come.

use crossdock_engine::Result;
use crossdock_engine::database::{Answer, ReadSet, Rows};
use crossdock_engine::rows::FileRow;
use crossdock_engine::view::Cursor;
use crossdock_model::time::Millis;

use super::Loader;
use super::sales::{by_pair, by_text, pair};
use crate::sqlite::bulk::find;
use crate::sqlite::rows::shown::{pass_number, pause};
use crate::sqlite::rows::waits::carries;
use crate::sqlite::statement::{Cells, fetch_all, statements, unreadable};

statements! {
    PAUSES(1) "reading pauses": "SELECT connector, code, message, since FROM pause WHERE connector IN ({rows})";
    CURSORS(1) "reading cursors": "SELECT connector, cursor, at FROM cursor WHERE connector IN ({rows})";
    SERIALS(1) "reading serial numbers": "SELECT connector, last FROM serial WHERE connector IN ({rows})";
    SEQUENCES(2) "reading sequences":
        "WITH wanted (c, n) AS (VALUES {rows}) SELECT connector, name, last \
         FROM wanted CROSS JOIN sequence ON connector = c AND name = n";
    FILE_NAMES(2) "looking for file names":
        "WITH wanted (c, n) AS (VALUES {rows}) SELECT connector, name, id \
         FROM wanted CROSS JOIN out_file ON connector = c AND name = n";
    FILES(1) "reading files": "SELECT id, written_at, carries FROM out_file WHERE id IN ({rows})";
    TOKENS(1) "reading tokens": "SELECT name, hash, created_at FROM token WHERE name IN ({rows})";
    RELEASES(2) "reading pending releases":
        "WITH wanted (c, k) AS (VALUES {rows}) SELECT connector, key \
         FROM wanted CROSS JOIN pending_release ON connector = c AND key = k";
    /// The first keys in the order of the table, however many there are.
    PENDING_RELEASES "reading pending releases":
        "SELECT connector, key FROM pending_release ORDER BY connector, key LIMIT ?";
    POSITIONS(1) "reading the progress of retention":
        "SELECT pass, at, number FROM retention_position WHERE pass IN ({rows})";
}

impl Loader<'_> {
    pub(super) async fn connectors(&mut self, wanted: &ReadSet, rows: &mut Rows) -> Result<()> {
        for row in by_text(&PAUSES, &wanted.pauses).read(self.connection).await? {
            let mut cells = Cells::of(&row);
            rows.pauses.push((cells.shared()?, pause(&mut cells)?));
        }
        for row in by_text(&CURSORS, &wanted.cursors).read(self.connection).await? {
            let mut cells = Cells::of(&row);
            let cursor = (cells.shared()?, Cursor { cursor: cells.next()?, at: Millis(cells.next()?) });
            rows.cursors.push(cursor);
        }
        for row in by_text(&SERIALS, &wanted.serials).read(self.connection).await? {
            let mut cells = Cells::of(&row);
            rows.serials.push((cells.shared()?, cells.next::<i64>()?.cast_unsigned()));
        }
        for row in by_pair(&SEQUENCES, &wanted.sequences).read(self.connection).await? {
            let mut cells = Cells::of(&row);
            rows.sequences.push((pair(&mut cells)?, cells.next::<i64>()?.cast_unsigned()));
        }
        for row in by_pair(&FILE_NAMES, &wanted.file_names).read(self.connection).await? {
            let mut cells = Cells::of(&row);
            rows.file_names.push((pair(&mut cells)?, cells.next()?));
        }
        for row in find(self.connection, &FILES, wanted.files.iter().copied()).await? {
            let mut cells = Cells::of(&row);
            let (id, written_at) = (cells.next()?, cells.next::<Option<i64>>()?.map(Millis));
            rows.files.push((id, FileRow { written_at, carries: carries(cells.next()?)? }));
        }
        self.housekeeping(wanted, rows).await
    }

    async fn housekeeping(&mut self, wanted: &ReadSet, rows: &mut Rows) -> Result<()> {
        for row in by_text(&TOKENS, &wanted.tokens).read(self.connection).await? {
            let mut cells = Cells::of(&row);
            let (name, hash): (_, &[u8]) = (cells.shared()?, cells.next()?);
            let hash =
                hash.try_into().map_err(|_| unreadable("the hash of a token", "its length is wrong"))?;
            rows.tokens.push((name, (hash, Millis(cells.next()?))));
        }
        if self.present.releases {
            for row in by_pair(&RELEASES, &wanted.releases).read(self.connection).await? {
                rows.releases.push((pair(&mut Cells::of(&row))?, ()));
            }
        }
        let passes = wanted.positions.iter().map(|pass| pass_number(*pass));
        for row in find(self.connection, &POSITIONS, passes).await? {
            let mut cells = Cells::of(&row);
            let number: i64 = cells.next()?;
            let pass = wanted.positions.iter().find(|pass| pass_number(**pass) == number);
            rows.positions.extend(pass.map(|pass| (*pass, (0, 0))));
            if let Some((_, position)) = rows.positions.last_mut() {
                *position = (cells.next()?, cells.next()?);
            }
        }
        Ok(())
    }

    pub(super) async fn pending_releases(&mut self, limit: u32) -> Result<Answer> {
        if !self.present.releases {
            return Ok(Answer::Pairs(Vec::new()));
        }
        let pairs = fetch_all(
            self.connection,
            &PENDING_RELEASES,
            |args| {
                args.add(limit);
            },
            pair,
        );
        Ok(Answer::Pairs(pairs.await?))
    }
}
