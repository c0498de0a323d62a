//! A shop that answers what a test says. Whatever was sent and answered is held against Shopify's own schema, where
//! that is at hand.

use crossdock_sdk::prelude::*;
use crossdock_sdk::testing::{self, Exchange};
use serde_json::{Value, json};

use super::judge;
use crate::Shopify;
use crate::admin::VERSION;
use crate::admin::operations::{ALL, Operation};

/// Where requests go.
pub const PATH: &str = "/admin/api/2026-07/graphql.json";

/// A host with a connector to the shop `acme.myshopify.com`.
pub struct Shop {
    host: testing::Host,
    /// The data of each answer, in the order of the requests; absent where there is none.
    answers: Vec<Option<Value>>,
}

/// What a call came to, and what was asked for it.
pub struct Came<T> {
    pub of: T,
    /// The variables of the requests.
    pub variables: Vec<Value>,
    pub log: Vec<String>,
}

pub fn shop() -> Shop {
    Shop { host: testing::Host::new().setting("shop", "acme.myshopify.com"), answers: vec![] }
}

/// A request of an operation, with at least these variables.
pub fn asks(operation: &Operation, variables: Value) -> Exchange {
    testing::post(PATH).body_with(json!({ "operationName": operation.name, "variables": variables }))
}

impl Shop {
    pub fn with(mut self, change: impl FnOnce(testing::Host) -> testing::Host) -> Self {
        self.host = change(self.host);
        self
    }

    pub fn setting(self, name: &str, value: impl serde::Serialize) -> Self {
        self.with(|host| host.setting(name, value))
    }

    pub fn mapping(self, table: &str, value: &str, target: &str) -> Self {
        self.with(|host| host.mapping(table, value, target))
    }

    /// Expects an operation and answers with this data.
    pub fn answers(self, operation: &Operation, variables: Value, data: Value) -> Self {
        let body = json!({ "data": data });
        self.answers_whole(operation, variables, body)
    }

    /// The same with the whole body, costs and errors included.
    pub fn answers_whole(mut self, operation: &Operation, variables: Value, body: Value) -> Self {
        self.answers.push(body.get("data").filter(|data| !data.is_null()).cloned());
        self.host = self.host.expect(asks(operation, variables).answer(200, body));
        self
    }

    /// Expects an operation, and what becomes of it is up to the test.
    pub fn meets(mut self, exchange: Exchange) -> Self {
        self.answers.push(None);
        self.host = self.host.expect(exchange);
        self
    }

    /// Lets the plugin do something, and judges what it sent.
    pub fn runs<T>(self, call: impl FnOnce() -> T) -> Came<T> {
        let host = self.host.install();
        let of = call();
        let sent: Vec<Value> =
            host.requests().iter().filter(|sent| sent.path == PATH).map(testing::Sent::json).collect();
        let log = host.log().into_iter().map(|(_, message)| message).collect();
        for request in &sent {
            let known = ALL.iter().find(|one| request["operationName"] == one.name).unwrap();
            assert_eq!(request["query"], known.text);
        }
        let requests: Vec<Value> = sent
            .iter()
            .zip(&self.answers)
            .map(|(sent, data)| json!({ "query": sent["query"], "variables": sent["variables"], "data": data }))
            .collect();
        if !requests.is_empty()
            && let Some(judged) = judge::complaints(VERSION, &requests)
        {
            for (request, complaints) in sent.iter().zip(judged) {
                assert!(complaints.is_empty(), "{}: {complaints:#?}", request["operationName"]);
            }
        }
        Came { of, variables: sent.into_iter().map(|sent| sent["variables"].clone()).collect(), log }
    }

    pub fn delivers(self, work: Work) -> Came<Outcome> {
        self.runs(|| {
            let mut outcomes = Shopify::deliver(vec![work]);
            assert_eq!(outcomes.len(), 1);
            outcomes.remove(0)
        })
    }

    pub fn finds(self, work: Work) -> Came<Found> {
        self.runs(|| {
            let mut found = Shopify::find(vec![work]);
            assert_eq!(found.len(), 1);
            found.remove(0)
        })
    }
}

/// An entity of the ERP.
pub fn erp(kind: EntityKind, id: &str) -> Entity {
    Entity { system: "tryton".into(), tenant: "main".into(), kind, id: id.into() }
}

/// Order 1001 of the shop.
pub fn order() -> Entity {
    testing::entity(EntityKind::Order, "1001")
}

/// What was written, short: `order/1001 order.tags=a, b`.
pub fn written(receipt: &Receipt) -> Vec<String> {
    let short = |one: &Written| {
        assert_eq!(
            (one.entity.system.as_str(), one.entity.tenant.as_str()),
            ("shopify", "acme.myshopify.com")
        );
        format!("{}/{} {}={}", one.entity.kind.name(), one.entity.id, one.attribute, one.value)
    };
    receipt.written.iter().map(short).collect()
}

pub fn posted(outcome: Outcome) -> Receipt {
    match outcome {
        Outcome::Posted(receipt) => receipt,
        other => panic!("{other:?}"),
    }
}

pub fn rejected(outcome: Outcome) -> Problem {
    match outcome {
        Outcome::Rejected(problem) => problem,
        other => panic!("{other:?}"),
    }
}
