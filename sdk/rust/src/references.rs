//! What entities are called in the connector's system, as the host has recorded it.
//!
//! A piece of work carries the references of its entity and of its parent; these calls are for everything
//! else, for example for a poll that finds an ERP's invoice and has to say which order it belongs to.

use crate::common::{Entity, Reference};

#[cfg(target_arch = "wasm32")]
use crate::bindings::base::crossdock::host::references as host;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::host::references as host;

/// What this connector's system calls the entity. Empty when the host knows of nothing.
#[must_use]
pub fn find(entity: &Entity) -> Vec<Reference> {
    host::find(entity)
}

/// The entity that this connector's system calls so. `None` when the host knows of none.
#[must_use]
pub fn resolve(kind: &str, id: &str) -> Option<Entity> {
    host::resolve(kind, id)
}
