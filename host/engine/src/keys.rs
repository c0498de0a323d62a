//! What rows are found by: names of several parts, each with its own meaning.

use std::fmt;
use std::sync::Arc;

/// A lane: the deliveries of one connector that go one after the other. `lane` is the identity of the lane's
/// root (an order), or the name of a sum of stock levels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneKey {
    /// The connector.
    pub connector: Arc<str>,
    /// The lane within it.
    pub lane: Arc<str>,
}

/// An entity as one connector knows it: as the target of deliveries, or as the source of reports.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityKey {
    /// The connector.
    pub connector: Arc<str>,
    /// The identity text of the entity (`shopify/acme/order/1001`).
    pub entity: Arc<str>,
}

impl LaneKey {
    /// The key of a connector and a lane.
    #[must_use]
    pub fn new(connector: impl Into<Arc<str>>, lane: impl Into<Arc<str>>) -> Self {
        Self { connector: connector.into(), lane: lane.into() }
    }
}

impl EntityKey {
    /// The key of a connector and an identity.
    #[must_use]
    pub fn new(connector: impl Into<Arc<str>>, entity: impl Into<Arc<str>>) -> Self {
        Self { connector: connector.into(), entity: entity.into() }
    }
}

/// A value of a mapping table of one connector.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MappingKey {
    /// The connector, or [`crate::EVERY_CONNECTOR`].
    pub connector: Arc<str>,
    /// The table (`tax`).
    pub table: Arc<str>,
    /// The value.
    pub value: Arc<str>,
}

impl fmt::Display for MappingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.connector, self.table, self.value)
    }
}

/// The first 16 bytes of a SHA-256: what identifies a duplicate inbound, small enough to be stored for ever.
pub type DedupeKey = [u8; 16];
