//! Routes: which events go to which connectors.
//!
//! A rule is a CEL expression over three variables: `event`, a small summary that every event has; `store`,
//! what the registry says about the event's store; and `data`, the whole fact in its JSON form (of an order
//! the snapshot). The last two are only made when a rule mentions them:
//!
//! ```text
//! event.kind        "order.placed"
//! event.system      "shopify"
//! event.tenant      "acme.myshopify.com"
//! event.entity      {"kind": "order", "id": "1001"}
//! event.origin      "shopify"  (the system of the root entity: the order's, for a shipment that an ERP reports)
//! event.channel     "web"      (orders; else "")
//! event.store       "31"       (what the source calls the store or location; else "")
//! event.currency    "EUR"      (orders, refunds, prices; else "")
//! event.test        true       (a test order)
//! store.id          "berlin-1" (and name, zone, country, region, legalEntity, warehouse, currency; else "")
//! ```

pub(crate) mod summary;

use cel::{Context, Program, Value};
use crossdock_engine::{StoreRecord, Target};
use crossdock_model::event::{Event, Fact};
use crossdock_model::time::Millis;
use crossdock_rules::pin;
use crossdock_rules::window::Window;

/// One rule as the operator wrote it.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// What the operator calls it.
    pub name: String,
    /// The condition; absent means every event.
    pub when: Option<String>,
    /// The connectors that the event is delivered to.
    pub to: Vec<String>,
    /// True when an order's later events go to the ERP that its first one went to. Without effect on events that
    /// belong to no order's books, and where the connector is no ERP.
    pub pin: bool,
    /// Which ERP owns orders that are older than Crossdock. Absent: they are pinned like any other.
    pub older: Option<OlderOrders>,
    /// True when the connector is given the sum of the levels that all systems report for one article and store.
    pub sum: bool,
    /// True when only `posted`, not `received`, releases the next delivery of an order.
    pub posted: bool,
    /// When the deliveries it routes become due. Absent: at once.
    pub window: Option<Window>,
}

/// Orders that were placed before Crossdock was set up, and their owning ERP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OlderOrders {
    /// Orders placed before this moment are meant: microseconds since 1970.
    pub before_micros: i64,
    /// The connector of the ERP that owns them.
    pub owner: String,
}

/// A rule that cannot be compiled, or that failed on an event.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The condition is no CEL expression.
    #[error("route `{route}`: its condition cannot be read: {reason}")]
    Condition {
        /// The rule's name.
        route: String,
        /// What the parser said.
        reason: String,
    },
    /// The condition could not be evaluated, or its value is not true or false.
    #[error("route `{route}` could not decide about {kind}: {reason}")]
    Undecided {
        /// The rule's name.
        route: String,
        /// The event's kind.
        kind: &'static str,
        /// What went wrong.
        reason: String,
    },
}

struct Compiled {
    rule: Rule,
    condition: Option<Program>,
}

/// All rules of a host, compiled.
pub struct Routes {
    compiled: Vec<Compiled>,
    /// True when some rule reads the whole fact.
    reads_data: bool,
    /// True when some rule reads the store's record, or adds up stock levels by store.
    reads_store: bool,
}

impl Routes {
    /// Compiles the rules.
    ///
    /// # Errors
    /// When a condition is no CEL expression.
    pub fn compile(rules: Vec<Rule>) -> Result<Self, Error> {
        let (mut reads_data, mut reads_store) = (false, false);
        let mut compiled = Vec::with_capacity(rules.len());
        for rule in rules {
            let condition = match &rule.when {
                None => None,
                Some(text) => Some(Program::compile(text).map_err(|reason| Error::Condition {
                    route: rule.name.clone(),
                    reason: reason.to_string(),
                })?),
            };
            let mentions = |name| condition.as_ref().is_some_and(|p| p.references().has_variable(name));
            reads_data |= mentions("data");
            reads_store |= rule.sum || mentions("store");
            compiled.push(Compiled { rule, condition });
        }
        Ok(Self { compiled, reads_data, reads_store })
    }

    /// The source's code of the store whose record the rules read. Absent when they read none.
    #[must_use]
    pub fn store_code<'a>(&self, event: &'a Event) -> Option<&'a str> {
        summary::store_code(event).filter(|_| self.reads_store)
    }

    /// The connectors that the event is delivered to, each once, in the order of the rules; `store` is the record of
    /// the store with the code [`Routes::store_code`]. Where two rules name a connector, the first one applies.
    ///
    /// # Errors
    /// When a rule cannot decide: the event is then refused rather than routed by half the rules.
    pub fn targets(
        &self,
        event: &Event,
        store: Option<&StoreRecord>,
        now: Millis,
    ) -> Result<Vec<Target>, Error> {
        let mut targets: Vec<Target> = Vec::new();
        let mut variables = None;
        for Compiled { rule, condition } in &self.compiled {
            let holds = match condition {
                None => true,
                Some(condition) => {
                    let variables = variables.get_or_insert_with(|| self.variables(event, store));
                    decide(condition, variables).map_err(|reason| Error::Undecided {
                        route: rule.name.clone(),
                        kind: event.fact.kind(),
                        reason,
                    })?
                }
            };
            if !holds {
                continue;
            }
            for connector in &rule.to {
                if !targets.iter().any(|target| target.connector == *connector) {
                    targets.push(target(rule, connector, event, store, now));
                }
            }
        }
        Ok(targets)
    }

    fn variables(&self, event: &Event, store: Option<&StoreRecord>) -> [(&'static str, Value); 3] {
        let data = if self.reads_data { summary::data(event) } else { Value::Null };
        let store = if self.reads_store { summary::store(store) } else { Value::Null };
        [("event", summary::event(event)), ("store", store), ("data", data)]
    }
}

fn target(rule: &Rule, connector: &str, event: &Event, store: Option<&StoreRecord>, now: Millis) -> Target {
    let older = rule.older.as_ref().filter(|older| pin::is_older(event, older.before_micros));
    let level = matches!(event.fact, Fact::InventoryCounted(_));
    Target {
        connector: connector.to_owned(),
        pin: rule.pin && pin::belongs_to_books(&event.fact),
        posted: rule.posted,
        older_orders: older.map(|older| older.owner.clone()),
        sum: store.filter(|_| rule.sum && level).map(|store| store.id.clone()),
        due_at: rule.window.as_ref().map(|window| window.next_open(now)),
        ..Target::default()
    }
}

fn decide(condition: &Program, variables: &[(&'static str, Value)]) -> Result<bool, String> {
    let mut context = Context::default();
    for (name, value) in variables {
        context.add_variable_from_value(*name, value.clone());
    }
    match condition.execute(&context) {
        Ok(Value::Bool(holds)) => Ok(holds),
        Ok(other) => Err(format!("its value is {other:?}, not true or false")),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_model::common::{Entity, EntityKind};
    use crossdock_model::inventory::Adjustment;
    use crossdock_model::inventory::AdjustmentReason;
    use serde_json::json;

    fn rule(when: Option<&str>, to: &[&str]) -> Rule {
        Rule {
            name: "r".into(),
            when: when.map(str::to_owned),
            to: to.iter().map(|to| (*to).to_owned()).collect(),
            pin: true,
            ..Rule::default()
        }
    }

    fn event() -> Event {
        Event {
            entity: Entity {
                system: "pos".into(),
                tenant: "t".into(),
                kind: EntityKind::Stock,
                id: "9".into(),
            },
            parent: None,
            version: None,
            occurred_at: "2026-11-23T10:00:00Z".into(),
            fact: Fact::InventoryAdjusted(Adjustment {
                sku: "SKU-1".into(),
                location: "31".into(),
                delta: "-2".into(),
                reason: AdjustmentReason::Sale,
                cause: None,
                at: "2026-11-23T10:00:00Z".into(),
                note: None,
            }),
        }
    }

    fn names(rules: Vec<Rule>) -> Vec<String> {
        let targets = Routes::compile(rules).unwrap().targets(&event(), None, Millis(0)).unwrap();
        targets.into_iter().map(|target| target.connector).collect()
    }

    #[test]
    fn a_rule_without_a_condition_matches_every_event() {
        assert_eq!(names(vec![rule(None, &["erp"])]), ["erp"]);
    }

    #[test]
    fn a_condition_reads_the_summary_and_the_whole_fact() {
        let holds =
            r#"event.kind == "inventory.adjusted" && event.entity.id == "9" && data.location == "31""#;
        assert_eq!(
            names(vec![rule(Some(holds), &["a"]), rule(Some(r#"event.kind.startsWith("order.")"#), &["b"])]),
            ["a"]
        );
    }

    #[test]
    fn a_condition_reads_the_registrys_record_of_the_store() {
        let berlin =
            StoreRecord { id: "berlin-1".into(), region: Some("north".into()), ..StoreRecord::default() };
        let routes = Routes::compile(vec![rule(Some(r#"store.region == "north""#), &["erp"])]).unwrap();
        assert_eq!(routes.store_code(&event()), Some("31"));
        assert_eq!(routes.targets(&event(), Some(&berlin), Millis(0)).unwrap().len(), 1);
        assert_eq!(routes.targets(&event(), None, Millis(0)).unwrap().len(), 0);
        let plain = Routes::compile(vec![rule(Some("event.test"), &["erp"])]).unwrap();
        assert_eq!(plain.store_code(&event()), None);
    }

    #[test]
    fn a_connector_gets_an_event_once_however_many_rules_name_it() {
        assert_eq!(names(vec![rule(None, &["a", "b"]), rule(None, &["b", "c"])]), ["a", "b", "c"]);
    }

    #[test]
    fn only_events_of_an_orders_books_are_pinned_and_a_route_can_wait_for_posted() {
        let routes = Routes::compile(vec![Rule { posted: true, ..rule(None, &["erp"]) }]).unwrap();
        let target = |event: &Event| routes.targets(event, None, Millis(0)).unwrap().remove(0);
        let stock = target(&event());
        assert!(!stock.pin && stock.posted);
        let fact =
            json!({ "kind": "refund.issued", "value": { "at": "2026-11-23T10:00:00Z", "currency": "EUR" } });
        let refund = Event { fact: serde_json::from_value(fact).unwrap(), ..event() };
        assert!(target(&refund).pin);
    }

    #[test]
    fn a_condition_that_does_not_compile_is_refused_at_the_start() {
        let error = Routes::compile(vec![rule(Some("event.kind =="), &["a"])]).err().unwrap().to_string();
        assert!(error.contains("route `r`: its condition cannot be read"), "{error}");
    }

    #[test]
    fn a_condition_that_cannot_decide_refuses_the_event() {
        for undecided in ["event.nothing == 1", "event.kind"] {
            let routes = Routes::compile(vec![rule(Some(undecided), &["a"])]).unwrap();
            assert!(routes.targets(&event(), None, Millis(0)).is_err(), "{undecided}");
        }
    }

    #[test]
    fn deliveries_of_a_rule_with_a_window_are_due_when_it_opens() {
        let night = Rule { window: "0 3 * * * UTC for 1h".parse().ok(), ..rule(None, &["erp"]) };
        let routes = Routes::compile(vec![night, rule(None, &["erp", "shop"])]).unwrap();
        let hours = |hours: i64| Millis(hours * 3_600_000);
        let due = |now| -> Vec<_> {
            let targets = routes.targets(&event(), None, now).unwrap();
            targets.into_iter().map(|target| (target.connector, target.due_at)).collect()
        };
        assert_eq!(due(hours(2)), [("erp".to_owned(), Some(hours(3))), ("shop".to_owned(), None)]);
        assert_eq!(due(Millis(hours(3).0 + 5))[0].1, Some(Millis(hours(3).0 + 5)));
        assert_eq!(due(hours(4))[0].1, Some(hours(27)));
    }
}
