//! The references that the host has recorded: what entities are called in the connector's system.
//!
//! A piece of work carries the references of its entity and of its parent; these calls serve everything else, for
//! example a poll that reads an ERP's invoice and needs the order it belongs to.

use crate::common::{Entity, Reference};

#[cfg(target_arch = "wasm32")]
use crate::bindings::base::crossdock::host::references as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::imports::references as host;

/// The references of an entity in this connector's system. Empty when the host has recorded none.
#[must_use]
pub fn find(entity: &Entity) -> Vec<Reference> {
    host::find(entity)
}

/// The entity with this reference in this connector's system. `None` when the host has recorded none.
#[must_use]
pub fn resolve(kind: &str, id: &str) -> Option<Entity> {
    host::resolve(kind, id)
}
