//! Routes: which events go to which connectors.
//!
//! A rule is a CEL expression over `event`, a small summary that every event has, and `data`, the whole
//! fact in its JSON form, which is only built when a rule mentions it:
//!
//! ```text
//! event.kind        "order.placed"
//! event.system      "shopify"
//! event.tenant      "acme.myshopify.com"
//! event.entity      {"kind": "order", "id": "1001"}
//! event.channel     "web"      (orders; else "")
//! event.store       "31"       (orders and refunds; else "")
//! event.currency    "EUR"      (orders and refunds; else "")
//! event.test        true       (a test order)
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use cel::{Context, Program, Value};
use crossdock_model::event::{Event, Fact};
use crossdock_storage::Target;

/// One rule as the operator wrote it.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What the operator calls it.
    pub name: String,
    /// The condition; absent means every event.
    pub when: Option<String>,
    /// The connectors that are owed the event.
    pub to: Vec<String>,
    /// True when an order's later events stay with the connector its first one went to.
    pub pin: bool,
}

/// A rule that cannot be understood, or that failed on an event.
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
    /// The condition could not be evaluated, or did not say yes or no.
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

/// All rules of a host, ready to be asked.
pub struct Routes {
    compiled: Vec<Compiled>,
    /// True when some rule looks into the whole fact.
    reads_data: bool,
}

impl Routes {
    /// Reads the rules.
    ///
    /// # Errors
    /// When a condition is no CEL expression.
    pub fn compile(rules: Vec<Rule>) -> Result<Self, Error> {
        let mut reads_data = false;
        let mut compiled = Vec::with_capacity(rules.len());
        for rule in rules {
            let condition = match &rule.when {
                None => None,
                Some(text) => Some(Program::compile(text).map_err(|reason| Error::Condition {
                    route: rule.name.clone(),
                    reason: reason.to_string(),
                })?),
            };
            reads_data |= condition.as_ref().is_some_and(|p| p.references().has_variable("data"));
            compiled.push(Compiled { rule, condition });
        }
        Ok(Self { compiled, reads_data })
    }

    /// The connectors that are owed the event, each once, in the order of the rules.
    ///
    /// # Errors
    /// When a rule cannot decide: the event is then kept back rather than routed by half the rules.
    pub fn targets(&self, event: &Event) -> Result<Vec<Target>, Error> {
        let mut targets: Vec<Target> = Vec::new();
        let mut variables = None;
        for Compiled { rule, condition } in &self.compiled {
            let holds = match condition {
                None => true,
                Some(condition) => {
                    let (summary, data) = variables.get_or_insert_with(|| (summary(event), self.data(event)));
                    decide(condition, summary, data).map_err(|reason| Error::Undecided {
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
                    targets.push(Target { connector: connector.clone(), pin: rule.pin, system: None });
                }
            }
        }
        Ok(targets)
    }

    fn data(&self, event: &Event) -> Value {
        if !self.reads_data {
            return Value::Null;
        }
        serde_json::to_value(&event.fact)
            .ok()
            .and_then(|mut fact| fact.get_mut("value").map(serde_json::Value::take))
            .and_then(|data| cel::to_value(data).ok())
            .unwrap_or(Value::Null)
    }
}

fn decide(condition: &Program, summary: &Value, data: &Value) -> Result<bool, String> {
    let mut context = Context::default();
    context.add_variable_from_value("event", summary.clone());
    context.add_variable_from_value("data", data.clone());
    match condition.execute(&context) {
        Ok(Value::Bool(holds)) => Ok(holds),
        Ok(other) => Err(format!("it says {other:?}, not true or false")),
        Err(error) => Err(error.to_string()),
    }
}

fn summary(event: &Event) -> Value {
    let (channel, store, currency, test) = match &event.fact {
        Fact::RefundIssued(refund) => {
            ("", refund.store.as_deref().unwrap_or(""), refund.currency.as_str(), false)
        }
        fact => match fact.order() {
            Some(order) => (
                order.channel.as_str(),
                order.store.as_deref().unwrap_or(""),
                order.currency.as_str(),
                order.test,
            ),
            None => ("", "", "", false),
        },
    };
    let entity = HashMap::from([
        ("kind".to_owned(), text(event.entity.kind.name())),
        ("id".to_owned(), text(&event.entity.id)),
    ]);
    Value::from(HashMap::from([
        ("kind".to_owned(), text(event.fact.kind())),
        ("system".to_owned(), text(&event.entity.system)),
        ("tenant".to_owned(), text(&event.entity.tenant)),
        ("entity".to_owned(), Value::from(entity)),
        ("channel".to_owned(), text(channel)),
        ("store".to_owned(), text(store)),
        ("currency".to_owned(), text(currency)),
        ("test".to_owned(), Value::Bool(test)),
    ]))
}

fn text(text: &str) -> Value {
    Value::String(Arc::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_model::common::{Entity, EntityKind};
    use crossdock_model::inventory::Adjustment;
    use crossdock_model::inventory::AdjustmentReason;

    fn rule(when: Option<&str>, to: &[&str]) -> Rule {
        Rule {
            name: "r".into(),
            when: when.map(str::to_owned),
            to: to.iter().map(|to| (*to).to_owned()).collect(),
            pin: true,
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
        let targets = Routes::compile(rules).unwrap().targets(&event()).unwrap();
        targets.into_iter().map(|target| target.connector).collect()
    }

    #[test]
    fn a_rule_without_a_condition_takes_every_event() {
        assert_eq!(names(vec![rule(None, &["erp"])]), ["erp"]);
    }

    #[test]
    fn a_condition_sees_the_summary_and_the_whole_fact() {
        let holds =
            r#"event.kind == "inventory.adjusted" && event.entity.id == "9" && data.location == "31""#;
        assert_eq!(
            names(vec![rule(Some(holds), &["a"]), rule(Some(r#"event.kind.startsWith("order.")"#), &["b"])]),
            ["a"]
        );
    }

    #[test]
    fn a_connector_is_owed_an_event_once_however_many_rules_say_so() {
        assert_eq!(names(vec![rule(None, &["a", "b"]), rule(None, &["b", "c"])]), ["a", "b", "c"]);
    }

    #[test]
    fn a_condition_that_cannot_be_read_is_refused_at_the_start() {
        let said = Routes::compile(vec![rule(Some("event.kind =="), &["a"])]).err().unwrap().to_string();
        assert!(said.contains("route `r`: its condition cannot be read"), "{said}");
    }

    #[test]
    fn a_condition_that_cannot_decide_keeps_the_event_back() {
        for undecided in ["event.nothing == 1", "event.kind"] {
            let routes = Routes::compile(vec![rule(Some(undecided), &["a"])]).unwrap();
            assert!(routes.targets(&event()).is_err(), "{undecided}");
        }
    }
}
