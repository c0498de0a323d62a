//! Events with their contents.

use std::sync::Arc;

use crossdock_engine::rows::EventRow;
use crossdock_engine::{Error, Result};
use crossdock_model::common::Personal;
use crossdock_model::event::{Event, Fact};
use crossdock_model::time::Millis;
use crossdock_rules::version::Stamp;

use super::codes::decode;
use super::digest::Digest;
use crate::sqlite::statement::{Cells, unreadable};
use crate::vault::{Bound, Vault};

/// The columns that [`read`] reads. The tables: `event`, and joined to it `event_body`, `personal`, `subject` of the
/// event (as `whose`), and `subject` of the personal data.
macro_rules! event_columns {
    () => {
        "event.id, event.key, event.source, event.entity, event.root, event.stamp_at, event.stamp_believed, \
         event.stamp_sequence, event.stamp_progress, event.effect, event.digest, event.inbound, whose.name, \
         event.trace, event.recorded_at, event_body.body, personal.subject, personal.sealed, subject.sealed"
    };
}
pub(in crate::sqlite) use event_columns;

/// Reads an event. None where its content is not stored any more.
pub(in crate::sqlite) fn read(cells: &mut Cells<'_>, vault: &Vault) -> Result<Option<EventRow>> {
    let (id, key, source, entity) = (cells.next()?, cells.shared()?, cells.shared()?, cells.shared()?);
    let root = cells.shared_or_null()?.unwrap_or_else(|| Arc::clone(&entity));
    let stamp = Stamp {
        at: cells.next()?,
        believed: cells.next()?,
        sequence: cells.next::<Option<i64>>()?.map(i64::cast_unsigned),
        progress: cells.next()?,
    };
    let (effect, digest): (_, Digest) = (decode(cells.next()?)?, cells.next()?);
    let (inbound, subject) = (cells.next()?, cells.shared_or_null()?);
    let (trace, recorded_at) = (cells.shared()?, Millis(cells.next()?));
    let Some(body) = cells.next::<Option<&str>>()? else { return Ok(None) };
    let event: Event = serde_json::from_str(body).map_err(|error| damaged(id, &error))?;
    let personal = personal(cells, id, vault)?;
    Ok(Some(EventRow {
        id,
        key,
        event: Arc::new(event),
        personal,
        source,
        entity,
        subject: subject.unwrap_or_else(|| Arc::clone(&root)),
        root,
        stamp,
        effect,
        digest: digest.0.into(),
        inbound,
        trace,
        recorded_at,
    }))
}

/// Reads the personal data of an event from three cells: its subject, sealed, and the subject's sealed key. None when
/// there is none, or the person was erased.
pub(in crate::sqlite) fn personal(
    cells: &mut Cells<'_>,
    event: i64,
    vault: &Vault,
) -> Result<Option<Arc<Personal>>> {
    let subject: Option<i64> = cells.next()?;
    let (sealed, key): (Option<&[u8]>, Option<&[u8]>) = (cells.next()?, cells.next()?);
    let (Some(subject), Some(sealed), Some(key)) = (subject, sealed, key) else { return Ok(None) };
    let plain = vault.open_key(Bound::SubjectKey(subject), key)?.open(Bound::Personal(event), sealed)?;
    let personal: Personal = serde_json::from_slice(&plain).map_err(|error| damaged(event, &error))?;
    Ok(Some(Arc::new(personal)))
}

/// Amount and currency that are listed of an event: the total of an order, or of a document.
pub(in crate::sqlite) fn amount(event: &Event) -> Option<(&str, &str)> {
    let money = match &event.fact {
        Fact::Order(change) => &change.order.totals.total.shop,
        Fact::DocumentUpdated(document) => document.total.as_ref()?,
        _ => return None,
    };
    Some((&money.amount, &money.currency))
}

fn damaged(event: i64, error: &serde_json::Error) -> Error {
    unreadable(format!("event {event}"), error)
}
