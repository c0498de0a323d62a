//! The context of a transaction set or an acknowledgement: the interchange, its time and the configuration.

use crossdock_sdk::prelude::*;

use crate::mapping::InboundMapping;
use crate::settings::Settings;
use crate::time;
use crate::x12::{Group, Interchange};

/// The context that a transaction set or a TA1 is read in.
pub(crate) struct Context<'a> {
    pub settings: &'a Settings,
    pub mapping: &'a InboundMapping,
    /// ISA13, as it is in the file.
    pub interchange: &'a str,
    /// The time of the group; of the interchange, for a TA1.
    pub at: String,
    /// Increases with each set that the partner sends.
    pub sequence: u64,
}

impl<'a> Context<'a> {
    /// The context of the set at a position in its group.
    ///
    /// # Errors
    /// `invalid-date` or `invalid-time`, with the element.
    pub(crate) fn of_set(
        interchange: &'a Interchange<'_>,
        group: &Group<'_>,
        position: usize,
        (settings, mapping): (&'a Settings, &'a InboundMapping),
    ) -> Result<Self, Problem> {
        let control: u64 = group.header.value(6).parse().unwrap_or_default();
        Ok(Self {
            settings,
            mapping,
            interchange: interchange.control(),
            at: time::date_time(group.header, 4, 5, &settings.zone)?,
            sequence: sequence(control, position),
        })
    }

    /// The context of the TA1 at a position in its interchange.
    ///
    /// # Errors
    /// `invalid-date` or `invalid-time`, with the element.
    pub(crate) fn of_ta1(
        interchange: &'a Interchange<'_>,
        position: usize,
        (settings, mapping): (&'a Settings, &'a InboundMapping),
    ) -> Result<Self, Problem> {
        let control: u64 = interchange.control().parse().unwrap_or_default();
        Ok(Self {
            settings,
            mapping,
            interchange: interchange.control(),
            at: time::date_time(interchange.header, 9, 10, &settings.zone)?,
            sequence: sequence(control, position),
        })
    }

    /// An event of the partner's at the context's time.
    pub(crate) fn event(&self, kind: EntityKind, id: String, parent: Option<Entity>, fact: Fact) -> Event {
        let version = Version { at: self.at.clone(), sequence: Some(self.sequence) };
        Event {
            entity: self.settings.entity(kind, id),
            parent,
            version: Some(version),
            occurred_at: self.at.clone(),
            fact,
        }
    }
}

/// A sequence number by control number and position. GE01 has six digits, so a group has less than a million sets.
fn sequence(control: u64, position: usize) -> u64 {
    let position = u64::try_from(position).unwrap_or(u64::MAX).min(999_999);
    (control % 1_000_000_000_000).saturating_mul(1_000_000).saturating_add(position)
}
