//! Requests.

use crossdock_engine::Result;
use crossdock_engine::view::{Inbound, Page, PendingCount, Quarantined};
use crossdock_model::connector::Problem;
use crossdock_model::time::Millis;

use super::{Reader, below};
use crate::sqlite::rows::delivery::problem;
use crate::sqlite::rows::request;
use crate::sqlite::statement::{Args, Cells, statements};

statements! {
    INBOUND "reading a request":
        "SELECT inbound.id, connector, received_at, trace, attempts, inbound_body.day, inbound_body.sealed, \
         day_key.sealed FROM inbound \
         LEFT JOIN inbound_body ON inbound_body.inbound = inbound.id \
         LEFT JOIN day_key ON day_key.day = inbound_body.day WHERE inbound.id = ?";
    /// Steps from one connector to the next, however many requests each has.
    NEXT_DUE "looking for the requests that are due next":
        "WITH RECURSIVE known (c) AS (SELECT min(connector) FROM inbound WHERE state = 0 \
         UNION ALL SELECT (SELECT min(connector) FROM inbound WHERE state = 0 AND connector > known.c) \
         FROM known WHERE known.c IS NOT NULL) \
         SELECT c, (SELECT min(due_at) FROM inbound WHERE state = 0 AND connector = c) \
         FROM known WHERE c IS NOT NULL";
    PENDING "counting pending requests":
        "WITH RECURSIVE known (c) AS (SELECT min(connector) FROM inbound WHERE state = 0 \
         UNION ALL SELECT (SELECT min(connector) FROM inbound WHERE state = 0 AND connector > known.c) \
         FROM known WHERE known.c IS NOT NULL) \
         SELECT c, (SELECT count(*) FROM inbound WHERE state = 0 AND connector = c AND attempts = 0), \
         (SELECT count(*) FROM inbound WHERE state = 0 AND connector = c AND attempts > 0) \
         FROM known WHERE c IS NOT NULL";
    QUARANTINED "reading the quarantine":
        "SELECT id, connector, received_at, problem_code, problem_message, problem_field, trace FROM inbound \
         WHERE state = 2 AND id < ? ORDER BY id DESC LIMIT ?";
    QUARANTINED_OF "reading the quarantine":
        "SELECT id, connector, received_at, problem_code, problem_message, problem_field, trace FROM inbound \
         WHERE state = 2 AND connector = ? AND id < ? ORDER BY id DESC LIMIT ?";
}

impl Reader<'_> {
    pub(super) async fn inbound(&mut self, id: i64) -> Result<Option<Inbound>> {
        let vault = self.vault;
        let fill = |args: &mut Args| {
            args.add(id);
        };
        self.first(&INBOUND, fill, |cells| request::inbound(cells, vault)).await
    }

    pub(super) async fn next_inbound_due(&mut self) -> Result<Vec<(String, Millis)>> {
        self.all(&NEXT_DUE, |_| {}, |cells| Ok((cells.next()?, Millis(cells.next()?)))).await
    }

    pub(super) async fn pending_inbounds(&mut self) -> Result<Vec<PendingCount>> {
        let count = |cells: &mut Cells<'_>| {
            Ok(PendingCount {
                connector: cells.next()?,
                fresh: cells.next::<i64>()?.cast_unsigned(),
                postponed: cells.next::<i64>()?.cast_unsigned(),
            })
        };
        self.all(&PENDING, |_| {}, count).await
    }

    pub(super) async fn quarantined(
        &mut self,
        connector: Option<&str>,
        page: Page,
    ) -> Result<Vec<Quarantined>> {
        let statement = if connector.is_some() { &QUARANTINED_OF } else { &QUARANTINED };
        let fill = |args: &mut Args| {
            if let Some(connector) = connector {
                args.add(connector.to_owned());
            }
            args.add(below(page)).add(page.limit);
        };
        self.all(statement, fill, quarantined).await
    }
}

fn quarantined(cells: &mut Cells<'_>) -> Result<Quarantined> {
    let none = || Problem { code: String::new(), message: String::new(), field: None };
    Ok(Quarantined {
        id: cells.next()?,
        connector: cells.next()?,
        received_at: Millis(cells.next()?),
        problem: problem(cells)?.unwrap_or_else(none),
        trace: cells.next()?,
    })
}
