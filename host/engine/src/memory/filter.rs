//! Whether events and deliveries fit a filter.

use crossdock_rules::lane::DeliveryState;

use crate::command::Filter;
use crate::delivery::Delivery;
use crate::error::{Error, Result};
use crate::rows::EventRow;
use crate::search;
use crate::view::EventFilter;

use super::state::State;

/// A filter whose names were read.
pub(super) struct Conditions<'f> {
    filter: &'f Filter,
    state: Option<DeliveryState>,
}

impl<'f> Conditions<'f> {
    /// # Errors
    /// When there is no state of the name.
    pub fn of(filter: &'f Filter) -> Result<Self> {
        let unknown = |name: &String| Error::Unknown { what: "state", id: name.clone() };
        let state = filter.state.as_ref().map(|name| name.parse().map_err(|_| unknown(name))).transpose()?;
        Ok(Self { filter, state })
    }

    /// True when an event fits the conditions on events.
    pub fn event(&self, row: &EventRow) -> bool {
        let Filter { event, kind, root, entity, from, until, .. } = self.filter;
        event.is_none_or(|event| event == row.id)
            && kind.as_ref().is_none_or(|kind| kind == row.event.fact.kind())
            && root.as_ref().is_none_or(|root| **root == *row.root)
            && entity.as_ref().is_none_or(|entity| **entity == *row.entity)
            && from.is_none_or(|from| row.recorded_at >= from)
            && until.is_none_or(|until| row.recorded_at < until)
    }

    /// True when a delivery fits the conditions on deliveries.
    pub fn delivery(&self, row: &Delivery) -> bool {
        let Filter { delivery, connector, .. } = self.filter;
        delivery.is_none_or(|delivery| delivery == row.id)
            && connector.as_ref().is_none_or(|connector| **connector == *row.connector)
            && self.state.is_none_or(|state| state == row.state)
    }

    /// True when the event fits, and one of its deliveries where there are conditions on deliveries.
    fn event_with_delivery(&self, state: &State, row: &EventRow) -> bool {
        let Filter { delivery, connector, .. } = self.filter;
        let needs_delivery = delivery.is_some() || connector.is_some() || self.state.is_some();
        self.event(row)
            && (!needs_delivery || state.deliveries.of_event(row.id).any(|row| self.delivery(row)))
    }
}

/// The conditions of a listing of events, with its search terms normalised. Terms that are nothing find nothing.
pub(super) struct Search<'f> {
    conditions: Conditions<'f>,
    id: Option<&'f str>,
    term: Option<Option<String>>,
    customer: Option<Option<String>>,
}

impl<'f> Search<'f> {
    /// # Errors
    /// When there is no state of the name.
    pub fn of(filter: &'f EventFilter) -> Result<Self> {
        Ok(Self {
            conditions: Conditions::of(&filter.filter)?,
            id: filter.id.as_deref(),
            term: filter.term.as_deref().map(search::term),
            customer: filter.customer.as_deref().map(search::customer_term),
        })
    }

    pub fn fits(&self, state: &State, row: &EventRow) -> bool {
        self.conditions.event_with_delivery(state, row)
            && self.id.is_none_or(|id| search::has_id(&row.entity, id) || search::has_id(&row.root, id))
            && self.term.as_ref().is_none_or(|term| {
                let terms = || search::terms(&row.entity, &row.root, &row.event.fact);
                term.as_ref().is_some_and(|term| terms().contains(term) || referred(state, row, term))
            })
            && self.customer.as_ref().is_none_or(|term| {
                let terms = row.personal.as_ref().map(|personal| search::customer_terms(personal));
                term.as_ref().zip(terms).is_some_and(|(term, terms)| terms.contains(term))
            })
    }
}

/// True when the event's entity has a reference of this term in any system.
fn referred(state: &State, row: &EventRow, term: &str) -> bool {
    let references = state.tables.references.iter().filter(|(key, _)| key.entity == row.entity);
    references.flat_map(|(_, all)| all.iter()).any(|it| search::reference_terms(it).contains(term))
}
