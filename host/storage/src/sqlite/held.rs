//! Deliveries that wait for what is on its way, as they are kept: a host that is killed meanwhile must not take
//! the echo of its own write for news.

use std::collections::BTreeSet;
use std::sync::Arc;

use crossdock_rules::told::{Attribute, Marks, Told, mark};
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

use super::batch::Batch;
use super::landscape::{Held, Landscape, Telling};
use super::sql::{Cells, execute, fetch};
use crate::{Error, Result};

/// A held delivery as JSON. Marks are hexadecimal; nothing in it is personal but under a key.
#[derive(Serialize, Deserialize)]
struct Kept {
    flights: BTreeSet<i64>,
    source: String,
    entity: String,
    event: i64,
    marks: String,
    values: Vec<(Attribute, String)>,
    foreign: Vec<Attribute>,
    whole: bool,
    before: Option<String>,
}

impl From<&Held> for Kept {
    fn from(held: &Held) -> Self {
        let Telling { event, marks, values, foreign, whole } = &held.what;
        Self {
            flights: held.flights.clone(),
            source: held.source.to_string(),
            entity: held.entity.to_string(),
            event: *event,
            marks: hex::encode(marks.to_bytes()),
            values: values.iter().map(|told| (told.attribute, told.value.clone())).collect(),
            foreign: foreign.clone(),
            whole: *whole,
            before: held.before.as_ref().map(|before| hex::encode(before.to_bytes())),
        }
    }
}

impl From<Kept> for Held {
    fn from(kept: Kept) -> Self {
        // What is not understood counts as not told, as with what is known of an entity.
        let marks = |text: &str| Marks::from_bytes(&hex::decode(text).unwrap_or_default());
        let told = |(attribute, value): (Attribute, String)| {
            let mark = mark(&value);
            Told { attribute, value, mark }
        };
        Self {
            flights: kept.flights,
            source: kept.source.into(),
            entity: kept.entity.into(),
            what: Telling {
                event: kept.event,
                marks: marks(&kept.marks),
                values: kept.values.into_iter().map(told).collect::<Arc<[Told]>>(),
                foreign: kept.foreign,
                whole: kept.whole,
            },
            before: kept.before.as_deref().map(marks),
        }
    }
}

/// Reads what waits, and for what of that which is on its way.
pub(super) async fn read(landscape: &mut Landscape, connection: &mut SqliteConnection) -> Result<()> {
    let text = "SELECT delivery, kept FROM held";
    for row in fetch(connection, "reading what waits for what is on its way", text, |_| {}).await? {
        let mut cells = Cells::of(&row);
        let (id, kept) = (cells.next()?, cells.next::<&str>()?);
        let kept: Kept = serde_json::from_str(kept).map_err(|error| unreadable(id, &error))?;
        landscape.wait_for_flights(id, kept.into());
    }
    Ok(())
}

fn unreadable(id: i64, error: &serde_json::Error) -> Error {
    Error::Unreadable { what: format!("what delivery {id} waits for"), why: error.to_string() }
}

impl Batch<'_> {
    /// Forgets that a delivery waits for what is on its way.
    pub(super) fn let_go(&mut self, id: i64) -> Option<Held> {
        let held = self.memory.landscape.held.remove(&id);
        if held.is_some() {
            self.dirty_held.insert(id);
        }
        held
    }

    /// Writes down what waits, and strikes out what does not any more.
    pub(super) async fn write_held(&mut self) -> Result<()> {
        for id in std::mem::take(&mut self.dirty_held) {
            let doing = "writing what waits for what is on its way";
            match self.memory.landscape.held.get(&id).map(Kept::from) {
                Some(kept) => {
                    let kept = serde_json::to_string(&kept).map_err(|error| unreadable(id, &error))?;
                    let text = "INSERT INTO held (delivery, kept) VALUES (?, ?) \
                                ON CONFLICT DO UPDATE SET kept = excluded.kept";
                    execute(self.connection, doing, text, |args| {
                        args.add(id).add(kept);
                    })
                    .await?;
                }
                None => {
                    execute(self.connection, doing, "DELETE FROM held WHERE delivery = ?", |args| {
                        args.add(id);
                    })
                    .await?;
                }
            }
        }
        Ok(())
    }
}
