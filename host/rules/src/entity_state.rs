//! What the host has admitted for a connector about one entity: the input of admission and of the day rule.

use crate::attributes::Fingerprints;
use crate::version::{Moment, Stamp};

/// What was admitted for a connector about one entity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityState {
    /// Stamp and digest of the newest state admitted (not one that was stale or of the same sale; for
    /// effects for which `Effect::advances` holds). Absent when nothing was admitted yet.
    pub newest: Option<(Stamp, String)>,
    /// True when the connector's system has the entity, as far as the host knows: a delivery of it was posted, found,
    /// received or stale there, or a person discarded one that may be there.
    pub exists: bool,
    /// True when the entity was cancelled before it was ever sent. Enqueueing any event of it clears this.
    pub annulled: bool,
    /// Fingerprints of the attribute values that the newest state reported. Absent when nothing was admitted yet,
    /// or the newest state reported no attributes.
    pub reported: Option<Fingerprints>,
    /// When the newest state that was enqueued is dated: an event that ended at once as an echo or a conflict is
    /// admitted and not enqueued.
    pub enqueued: Option<Moment>,
}

impl EntityState {
    /// When the newest state that was enqueued is dated; the newest admitted where that is not recorded. None
    /// when nothing was admitted.
    #[must_use]
    pub fn enqueued_at(&self) -> Option<Moment> {
        self.enqueued.or_else(|| self.newest.as_ref().map(|(stamp, _)| stamp.moment()))
    }
}
