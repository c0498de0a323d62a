//! The arms of a listing of events.

use crossdock_engine::view::EventFilter;
use crossdock_engine::{Filter, Result};

use super::{Arm, By, OF_REFERENCE, Query, stored};
use crate::sqlite::rows::codes::Code as _;
use crate::sqlite::terms;

const BY_NUMBER: &str = " ORDER BY event.id DESC LIMIT ?";

impl Query<'_> {
    /// The arms of a listing of events, newest first: each answers numbers of events.
    pub(in crate::sqlite) fn event_arms(&self) -> Result<Vec<Arm>> {
        let EventFilter { filter, id, term, customer } = self.filter;
        let listed = |from: &str| Arm::new(format!("SELECT event.id FROM {from} WHERE TRUE"));
        let mut arms = Vec::new();
        if filter.event.is_some() {
            arms.push(listed("event NOT INDEXED"));
        } else if let Some(delivery) = filter.delivery {
            let mut arm = listed("event NOT INDEXED");
            arm.and("event.id = (SELECT event FROM delivery WHERE delivery.id = ?)").value(delivery);
            arms.push(arm);
        } else if filter.root.is_some() {
            arms.push(listed("event INDEXED BY event_of_root"));
        } else if let Some(entity) = &filter.entity {
            let mut arm = listed("event INDEXED BY event_of_root");
            arm.and("coalesce(event.root, event.entity) = ?").value(entity.clone());
            arms.push(arm);
            let mut arm = listed("event INDEXED BY event_of_entity");
            arm.and("event.root IS NOT NULL");
            arms.push(arm);
        } else if let Some(customer) = customer {
            return Ok(vec![self.by_customer(customer)?]);
        } else if let Some(id) = id {
            return self.by_term(id, By::Id);
        } else if let Some(term) = term {
            return self.by_term(term, By::Term);
        } else if filter.connector.is_some() || filter.state.is_some() {
            return self.by_delivery();
        } else if filter.kind.is_some() {
            arms.push(listed("event INDEXED BY event_of_kind"));
        } else {
            arms.push(listed("event NOT INDEXED"));
        }
        for arm in &mut arms {
            self.finish(arm, By::Other)?;
        }
        Ok(arms)
    }

    /// By a person.
    fn by_customer(&self, customer: &str) -> Result<Arm> {
        let mut arm = Arm::new(
            "SELECT event.id FROM customer_term CROSS JOIN event NOT INDEXED ON event.id = customer_term.rowid \
             WHERE customer_term MATCH ? AND customer_term.rowid >= ? AND customer_term.rowid < ?",
        );
        arm.value(self.customer_term(customer)).value(self.range.0).value(self.range.1);
        self.listed(&mut arm, By::Customer)?;
        arm.end(" ORDER BY customer_term.rowid DESC LIMIT ?").value(self.limit);
        Ok(arm)
    }

    /// By a search term; a reference's id or number is looked up among the references.
    fn by_term(&self, wanted: &str, by: By) -> Result<Vec<Arm>> {
        let mut arm = Arm::new(
            "SELECT event.id FROM event_term CROSS JOIN event NOT INDEXED ON event.id = event_term.rowid \
             WHERE event_term MATCH ? AND event_term.rowid >= ? AND event_term.rowid < ?",
        );
        arm.value(terms::query_of(&stored(wanted))).value(self.range.0).value(self.range.1);
        self.listed(&mut arm, by)?;
        arm.end(" ORDER BY event_term.rowid DESC LIMIT ?").value(self.limit);
        let mut arms = vec![arm];
        if by == By::Term {
            let mut arm = Arm::new(format!("SELECT event.id FROM {} WHERE TRUE", found(OF_REFERENCE)));
            arm.value(stored(wanted));
            self.finish(&mut arm, by)?;
            arms.push(arm);
        }
        Ok(arms)
    }

    /// By connector and state, an arm for each: their deliveries lie in the order of their events.
    fn by_delivery(&self) -> Result<Vec<Arm>> {
        let mut arms = Vec::new();
        for (connector, state) in self.by_state()? {
            let mut arm = Arm::new(
                "SELECT delivery.event FROM delivery INDEXED BY delivery_of_state \
                 CROSS JOIN event NOT INDEXED ON event.id = delivery.event \
                 WHERE delivery.connector = ? AND delivery.state = ? \
                 AND delivery.event >= ? AND delivery.event < ?",
            );
            arm.value(connector.to_owned()).value(state.code());
            arm.value(self.range.0).value(self.range.1);
            self.on_event(&mut arm, By::Other);
            arm.end(" GROUP BY delivery.event ORDER BY delivery.event DESC LIMIT ?").value(self.limit);
            arms.push(arm);
        }
        Ok(arms)
    }

    fn finish(&self, arm: &mut Arm, by: By) -> Result<()> {
        arm.and("event.id >= ? AND event.id < ?").value(self.range.0).value(self.range.1);
        self.listed(arm, by)?;
        arm.end(BY_NUMBER).value(self.limit);
        Ok(())
    }

    /// Everything that the filter demands of an event.
    fn listed(&self, arm: &mut Arm, by: By) -> Result<()> {
        self.on_event(arm, by);
        let Filter { delivery, connector, state, .. } = &self.filter.filter;
        if delivery.is_some() || connector.is_some() || state.is_some() {
            arm.and("EXISTS (SELECT 1 FROM delivery WHERE delivery.event = event.id");
            self.on_delivery(arm)?;
            arm.end(")");
        }
        Ok(())
    }
}

/// The events that a subquery finds.
fn found(subquery: &str) -> String {
    format!("({subquery}) AS found CROSS JOIN event NOT INDEXED ON event.id = found.number")
}
