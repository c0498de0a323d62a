//! What an event does to its entity. Admission, idempotency keys and lanes depend on it.

use crossdock_model::event::{Fact, OrderOperation};
use strum::VariantArray;

use crate::name::UnknownName;

/// What an event does to its entity.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownName, parse_err_fn = unknown)]
pub enum Effect {
    /// Its first state: the order was placed.
    Create,
    /// Its current state: the latest wins.
    Change,
    /// Its current state, which is cancelled.
    Cancel,
    /// A fact that happens once and is its own entity: a refund, the closing of a day.
    Once,
    /// A difference to a state that other events report: an edit, a stock adjustment.
    Difference,
}

fn unknown(text: &str) -> UnknownName {
    UnknownName::new("effect of an event", text)
}

impl Effect {
    /// Every value.
    pub const ALL: &'static [Self] = Self::VARIANTS;

    /// The name it is stored and shown by.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The effect of an event with this fact.
    #[must_use]
    pub fn of(fact: &Fact) -> Self {
        match fact {
            Fact::Order(change) => match change.operation {
                _ if change.is_cancelled() => Self::Cancel,
                OrderOperation::Placed => Self::Create,
                _ => Self::Change,
            },
            Fact::RefundIssued(_) | Fact::DayClosed(_) => Self::Once,
            Fact::OrderEdited(_) | Fact::InventoryAdjusted(_) => Self::Difference,
            Fact::ShipmentUpdated(_)
            | Fact::InventoryCounted(_)
            | Fact::DocumentUpdated(_)
            | Fact::CustomerUpdated(_)
            | Fact::ProductUpdated(_)
            | Fact::PriceUpdated(_) => Self::Change,
        }
    }

    /// True for a state of the entity: a newer one replaces it.
    #[must_use]
    pub fn is_snapshot(self) -> bool {
        matches!(self, Self::Create | Self::Change | Self::Cancel)
    }

    /// True when admitting the event moves the newest state of its entity. Differences do not: they are not a state.
    #[must_use]
    pub fn advances(self) -> bool {
        self != Self::Difference
    }
}
