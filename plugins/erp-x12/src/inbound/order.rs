//! The order that a document of the partner's speaks of, and which of its lines.

use crossdock_sdk::prelude::*;

use crate::outbound::{PURCHASE_ORDER, is_cancelled};

/// An order that the partner was told of.
pub(crate) struct Known {
    /// The order, in the system it comes from.
    pub entity: Entity,
    /// True when the partner was told last that it is cancelled.
    pub cancelled: bool,
    lines: Vec<LineReference>,
}

impl Known {
    /// The order of this number. None when the partner was never told of it.
    pub(crate) fn find(po: &str) -> Option<Self> {
        let entity = references::resolve(PURCHASE_ORDER, po)?;
        let references = references::find(&entity);
        let cancelled = is_cancelled(&references);
        let of = |one: &Reference| one.kind == PURCHASE_ORDER && one.id == po;
        let lines = references.into_iter().find(of).map(|one| one.lines).unwrap_or_default();
        Some(Self { entity, cancelled, lines })
    }

    /// The order line that has this number in the partner's order. None for lines that the partner added, and
    /// for shipping that was ordered as an article.
    pub(crate) fn line(&self, number: &str) -> Option<String> {
        let plain = |number: &str| number.trim_start_matches('0').to_owned();
        let wanted = plain(number);
        let line = self.lines.iter().find(|line| plain(&line.id) == wanted)?;
        (!line.line.starts_with("shipping:")).then(|| line.line.clone())
    }
}

/// A warning for what is told of an order that nobody here knows.
pub(crate) fn stranger(what: &str, po: &str, number: usize) {
    log::warn(format!(
        "the {what} at segment {number} speaks of the order {po}, which the partner was not sent"
    ));
}
