//! The identity of a record as an entity of Tryton, and its last change.

use crossdock_sdk::prelude::*;
use serde_json::Value;

use crate::erp::Erp;
use crate::timestamp::Timestamp;
use crate::value;

/// The field with a record's last change.
pub const LAST_MODIFIED: &str = "last_modified_at";

/// An entity of this Tryton database.
#[must_use]
pub fn entity(kind: EntityKind, id: String, erp: &Erp) -> Entity {
    Entity { system: "tryton".into(), tenant: erp.settings.database.clone(), kind, id }
}

/// A record's last change and its id.
#[must_use]
pub fn last_change(record: &Value) -> Option<(Timestamp, i64)> {
    Some((Timestamp::from_json(record.get(LAST_MODIFIED)?)?, value::id(record)))
}

/// An event whose version is the time of the change.
#[must_use]
pub fn event(at: Timestamp, entity: Entity, parent: Option<Entity>, fact: Fact) -> Event {
    let at = at.to_string();
    Event { entity, parent, version: Some(Version::at(at.clone())), occurred_at: at, fact }
}
