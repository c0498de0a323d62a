//! The order that a document of the partner refers to, and its lines.

use crossdock_sdk::prelude::*;

use crate::outbound::is_cancelled;
use crate::reference_kind::PURCHASE_ORDER;

/// An order that was sent to the partner.
pub(crate) struct SentOrder {
    /// The order, in its source system.
    pub entity: Entity,
    /// Whether the last message to the partner cancelled it.
    pub is_cancelled: bool,
    lines: Vec<LineReference>,
}

impl SentOrder {
    /// The order with this number. None when no such order was sent.
    pub(crate) fn find(po: &str) -> Option<Self> {
        let entity = references::resolve(PURCHASE_ORDER, po)?;
        let references = references::find(&entity);
        let is_cancelled = is_cancelled(&references);
        let is_order = |it: &Reference| it.kind == PURCHASE_ORDER && it.id == po;
        let lines = references.into_iter().find(is_order).map(|it| it.lines).unwrap_or_default();
        Some(Self { entity, is_cancelled, lines })
    }

    /// The id of the order line with this number in the partner's order. None for lines that the partner added, and for
    /// shipping that was ordered as an article.
    pub(crate) fn line(&self, number: &str) -> Option<String> {
        let normalize = |number: &str| number.trim_start_matches('0').to_owned();
        let number = normalize(number);
        let line = self.lines.iter().find(|line| normalize(&line.id) == number)?;
        (!line.line.starts_with("shipping:")).then(|| line.line.clone())
    }
}

/// Warns of a document that refers to an order that was not sent.
pub(crate) fn warn_unknown_order(set: &str, po: &str, segment: usize) {
    log::warn(format!("the {set} at segment {segment} refers to the order {po}, which was not sent"));
}
