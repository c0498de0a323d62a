//! Compares the exceptions that the host reports with those that it must report: of orders that were planted from
//! outside, and of orders that the ledgers of shop and ERPs leave to a person. What the host reports does not change
//! what is expected.

use std::collections::{BTreeMap, BTreeSet};

use crate::host::Counts;

/// The exceptions that a run must and may have, by the order that they are about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExpectedExceptions {
    /// Orders that were planted to be refused: one exception each.
    pub planted: BTreeSet<String>,
    /// Orders that are left to a person: one exception at least. With the event that led to it.
    pub required: BTreeMap<String, String>,
    /// Orders that may have exceptions and need not.
    pub allowed: BTreeSet<String>,
}

impl ExpectedExceptions {
    /// Exceptions that the host reports and should not, or does not report and should; a sentence each. `subject`
    /// gives the order that an entity belongs to, if there is one.
    pub fn disagreements(&self, counts: &Counts, subject: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let mut reported: BTreeMap<String, usize> = BTreeMap::new();
        let mut all = vec![];
        for exception in &counts.open_exceptions {
            let order = subject(&exception.entity);
            match order.filter(|order| self.knows(order)) {
                Some(order) => *reported.entry(order).or_default() += 1,
                None => all.push(format!("an exception that nobody planted: {exception}")),
            }
        }
        let number = |order: &str| reported.get(order).copied().unwrap_or_default();
        for order in &self.planted {
            match number(order) {
                1 => {}
                0 => all.push(format!("no exception of {order}, which was planted")),
                many => all.push(format!("{many} exceptions of {order}, which was planted once")),
            }
        }
        for (order, what) in self.required.iter().filter(|(order, _)| number(order) == 0) {
            all.push(format!("no exception of {order}: {what}"));
        }
        let listed = counts.open_exceptions.len();
        if usize::try_from(counts.exceptions) != Ok(listed) {
            all.push(format!("the host counts {} exceptions and lists {listed}", counts.exceptions));
        }
        all
    }

    fn knows(&self, order: &str) -> bool {
        self.planted.contains(order) || self.required.contains_key(order) || self.allowed.contains(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::OpenException;

    fn expected() -> ExpectedExceptions {
        ExpectedExceptions {
            planted: BTreeSet::from(["order/1".to_owned()]),
            required: BTreeMap::from([("order/2".to_owned(), "its goods left".to_owned())]),
            allowed: BTreeSet::from(["order/3".to_owned()]),
        }
    }

    fn disagreements(entities: &[&str]) -> Vec<String> {
        let exception = |entity: &&str| OpenException { entity: (*entity).to_owned(), ..Default::default() };
        let open_exceptions: Vec<_> = entities.iter().map(exception).collect();
        let counts =
            Counts { exceptions: open_exceptions.len() as u64, open_exceptions, ..Counts::default() };
        expected().disagreements(&counts, |entity| Some(entity.replace("shipment", "order")))
    }

    #[test]
    fn planted_and_undecided_orders_must_be_reported_and_no_others() {
        assert!(disagreements(&["order/1", "shipment/2"]).is_empty());
        assert!(disagreements(&["order/1", "order/2", "shipment/2", "order/3"]).is_empty());
        let says = |entities: &[&str], words: &str| {
            let all = disagreements(entities);
            assert!(all.len() == 1 && all[0].contains(words), "{entities:?}: {all:?}");
        };
        says(&["order/1"], "no exception of order/2: its goods left");
        says(&["order/2"], "no exception of order/1, which was planted");
        says(&["order/1", "order/1", "order/2"], "2 exceptions of order/1");
        says(&["order/1", "order/2", "order/4"], "nobody planted: order/4");
    }

    #[test]
    fn an_exception_that_is_counted_and_not_listed_is_a_disagreement() {
        let counts = Counts { exceptions: 1, ..Counts::default() };
        let all = ExpectedExceptions::default().disagreements(&counts, |_| None);
        assert!(all.len() == 1 && all[0].contains("counts 1 exceptions and lists 0"), "{all:?}");
    }
}
