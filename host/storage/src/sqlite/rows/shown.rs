//! Small rows that units of work and listings read alike.

use crossdock_engine::Result;
use crossdock_engine::StoreRow;
use crossdock_engine::database::Pass;
use crossdock_engine::view::Pause;
use crossdock_model::common::{LineReference, Reference};
use crossdock_model::time::Millis;

use crate::sqlite::statement::{Cells, unreadable};

/// Reads a reference: kind, id, number, lines.
pub(in crate::sqlite) fn reference(cells: &mut Cells<'_>) -> Result<Reference> {
    let (kind, id, number) = (cells.next()?, cells.next()?, cells.next()?);
    let lines: Vec<LineReference> = match cells.next::<Option<&str>>()? {
        None => Vec::new(),
        Some(text) => {
            serde_json::from_str(text).map_err(|error| unreadable("the lines of a reference", error))?
        }
    };
    Ok(Reference { kind, id, number, lines })
}

/// Reads a pause: code, message, since.
pub(in crate::sqlite) fn pause(cells: &mut Cells<'_>) -> Result<Pause> {
    Ok(Pause { code: cells.next()?, message: cells.next()?, since: Millis(cells.next()?) })
}

/// Reads a store: record, version, at, by.
pub(in crate::sqlite) fn store(cells: &mut Cells<'_>) -> Result<StoreRow> {
    Ok(StoreRow {
        record: cells.json("the record of a store")?,
        version: cells.next::<i64>()?.cast_unsigned(),
        at: Millis(cells.next()?),
        by: cells.next()?,
    })
}

/// The number that a pass is stored under.
pub(in crate::sqlite) fn pass_number(pass: Pass) -> i64 {
    match pass {
        Pass::Settled => 0,
        Pass::Events => 1,
    }
}
