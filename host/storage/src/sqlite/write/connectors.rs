//! What is known of connectors, and how far housekeeping has come.

use crossdock_engine::Result;
use crossdock_engine::database::Changed;

use super::keyed::Table;
use super::sales::{pair, text};
use super::writer::ChangeWriter;
use crate::sqlite::bulk::BulkStatement;
use crate::sqlite::rows::shown::pass_number;
use crate::sqlite::rows::waits::carries_json;
use crate::sqlite::statement::statements;

statements! {
    PAUSE(4) "writing pauses":
        "INSERT INTO pause (connector, code, message, since) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET code = excluded.code, message = excluded.message, since = excluded.since";
    NO_PAUSE(1) "deleting pauses": "DELETE FROM pause WHERE connector IN ({rows})";
    CURSOR(3) "writing cursors":
        "INSERT INTO cursor (connector, cursor, at) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET cursor = excluded.cursor, at = excluded.at";
    NO_CURSOR(1) "deleting cursors": "DELETE FROM cursor WHERE connector IN ({rows})";
    SERIAL(2) "writing serial numbers":
        "INSERT INTO serial (connector, last) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET last = excluded.last";
    NO_SERIAL(1) "deleting serial numbers": "DELETE FROM serial WHERE connector IN ({rows})";
    SEQUENCE(3) "writing sequences":
        "INSERT INTO sequence (connector, name, last) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET last = excluded.last";
    NO_SEQUENCE(2) "deleting sequences": "DELETE FROM sequence WHERE (connector, name) IN (VALUES {rows})";
    FILE(3) "writing the state of files":
        "UPDATE out_file SET written_at = column2, carries = column3 FROM (VALUES {rows}) WHERE id = column1";
    FILE_BODY(2) "writing the state of files":
        "UPDATE out_file_body SET written_at = column2 FROM (VALUES {rows}) WHERE file = column1";
    TOKEN(3) "writing tokens":
        "INSERT INTO token (name, hash, created_at) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, created_at = excluded.created_at";
    NO_TOKEN(1) "deleting tokens": "DELETE FROM token WHERE name IN ({rows})";
    RELEASE(2) "writing pending releases":
        "INSERT INTO pending_release (connector, key) SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO NOTHING";
    NO_RELEASE(2) "deleting pending releases":
        "DELETE FROM pending_release WHERE (connector, key) IN (VALUES {rows})";
    POSITION(3) "writing the progress of retention":
        "INSERT INTO retention_position (pass, at, number) \
         SELECT * FROM (VALUES {rows}) WHERE column1 IS NOT NULL \
         ON CONFLICT DO UPDATE SET at = excluded.at, number = excluded.number";
    NO_POSITION(1) "deleting the progress of retention":
        "DELETE FROM retention_position WHERE pass IN ({rows})";
}

impl ChangeWriter<'_> {
    pub(super) async fn connectors(&mut self, changed: &Changed) -> Result<()> {
        Table { put: &PAUSE, delete: &NO_PAUSE }
            .write(self.connection, &changed.pauses, text, |args, _, pause| {
                args.add(pause.code.clone()).add(pause.message.clone()).add(pause.since.0);
                Ok(())
            })
            .await?;
        Table { put: &CURSOR, delete: &NO_CURSOR }
            .write(self.connection, &changed.cursors, text, |args, _, cursor| {
                args.add(cursor.cursor.clone()).add(cursor.at.0);
                Ok(())
            })
            .await?;
        Table { put: &SERIAL, delete: &NO_SERIAL }
            .write(self.connection, &changed.serials, text, |args, _, last| {
                args.add(last.cast_signed());
                Ok(())
            })
            .await?;
        Table { put: &SEQUENCE, delete: &NO_SEQUENCE }
            .write(self.connection, &changed.sequences, pair, |args, _, last| {
                args.add(last.cast_signed());
                Ok(())
            })
            .await?;
        self.files(changed).await?;
        self.housekeeping(changed).await
    }

    /// The file itself is appended, and its name with it.
    async fn files(&mut self, changed: &Changed) -> Result<()> {
        let (mut rows, mut bodies) = (BulkStatement::new(&FILE), BulkStatement::new(&FILE_BODY));
        for (id, row) in &changed.files {
            let Some(row) = row else { continue };
            let carries = carries_json(&row.carries)?;
            let written_at = row.written_at.map(|at| at.0);
            rows.row(|args| {
                args.add(*id).add(written_at).add(carries);
            });
            if written_at.is_some() {
                bodies.row(|args| {
                    args.add(*id).add(written_at);
                });
            }
        }
        rows.write(self.connection).await?;
        bodies.write(self.connection).await?;
        Ok(())
    }

    async fn housekeeping(&mut self, changed: &Changed) -> Result<()> {
        Table { put: &TOKEN, delete: &NO_TOKEN }
            .write(self.connection, &changed.tokens, text, |args, _, (hash, at)| {
                args.add(hash.to_vec()).add(at.0);
                Ok(())
            })
            .await?;
        self.state.present.releases |= !changed.releases.is_empty();
        Table { put: &RELEASE, delete: &NO_RELEASE }
            .write(self.connection, &changed.releases, pair, |_, _, ()| Ok(()))
            .await?;
        Table { put: &POSITION, delete: &NO_POSITION }
            .write(
                self.connection,
                &changed.positions,
                |args, pass| {
                    args.add(pass_number(*pass));
                },
                |args, _, (at, number)| {
                    args.add(*at).add(*number);
                    Ok(())
                },
            )
            .await
    }
}
