//! A shop with scripted responses. Requests and responses are validated against Shopify's schema, where it is available.

use crossdock_sdk::prelude::*;
use crossdock_sdk::testing::{self, ExpectedRequest};
use serde_json::{Value, json};

use super::schema_validator;
use crate::Shopify;
use crate::admin::VERSION;
use crate::admin::operations::{ALL, Operation};

/// The path of GraphQL requests.
pub const PATH: &str = "/admin/api/2026-07/graphql.json";

/// A host with a connector to the shop `acme.myshopify.com`.
pub struct Shop {
    host: testing::Host,
    /// The data of each response, in the order of the requests; absent where there is none.
    responses: Vec<Option<Value>>,
}

/// The result of a call, and the requests that it sent.
pub struct CallResult<T> {
    pub result: T,
    /// The variables of the requests.
    pub variables: Vec<Value>,
    pub log: Vec<String>,
}

pub fn shop() -> Shop {
    Shop { host: testing::Host::new().setting("shop", "acme.myshopify.com"), responses: vec![] }
}

/// Expects a request of an operation, with at least these variables.
pub fn request_of(operation: &Operation, variables: Value) -> ExpectedRequest {
    testing::post(PATH).body_including(json!({ "operationName": operation.name, "variables": variables }))
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

    /// Expects an operation and responds with this data.
    pub fn responds(self, operation: &Operation, variables: Value, data: Value) -> Self {
        let body = json!({ "data": data });
        self.responds_with_body(operation, variables, body)
    }

    /// Expects an operation and responds with this body, which may include cost and errors.
    pub fn responds_with_body(mut self, operation: &Operation, variables: Value, body: Value) -> Self {
        self.responses.push(body.get("data").filter(|data| !data.is_null()).cloned());
        self.host = self.host.expect(request_of(operation, variables).respond(200, body));
        self
    }

    /// Expects a request with a response that the test defines.
    pub fn expects(mut self, expected: ExpectedRequest) -> Self {
        self.responses.push(None);
        self.host = self.host.expect(expected);
        self
    }

    /// Runs a call of the plugin, and validates the requests that it sent.
    pub fn runs<T>(self, call: impl FnOnce() -> T) -> CallResult<T> {
        let host = self.host.install();
        let result = call();
        let sent: Vec<Value> =
            host.requests().iter().filter(|sent| sent.path == PATH).map(testing::SentRequest::json).collect();
        let log = host.log().into_iter().map(|(_, message)| message).collect();
        for request in &sent {
            let operation = ALL.iter().find(|one| request["operationName"] == one.name).unwrap();
            assert_eq!(request["query"], operation.text);
        }
        let requests: Vec<Value> = sent
            .iter()
            .zip(&self.responses)
            .map(|(sent, data)| json!({ "query": sent["query"], "variables": sent["variables"], "data": data }))
            .collect();
        if !requests.is_empty()
            && let Some(violations) = schema_validator::violations(VERSION, &requests)
        {
            for (request, violations) in sent.iter().zip(violations) {
                assert!(violations.is_empty(), "{}: {violations:#?}", request["operationName"]);
            }
        }
        CallResult {
            result,
            variables: sent.into_iter().map(|sent| sent["variables"].clone()).collect(),
            log,
        }
    }

    pub fn delivers(self, work: Work) -> CallResult<Outcome> {
        self.runs(|| {
            let mut outcomes = Shopify::deliver(vec![work]);
            assert_eq!(outcomes.len(), 1);
            outcomes.remove(0)
        })
    }

    pub fn finds(self, work: Work) -> CallResult<Found> {
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

/// The attribute values written, as texts: `order/1001 order.tags=a, b`.
pub fn written(receipt: &Receipt) -> Vec<String> {
    let text = |one: &Written| {
        assert_eq!(
            (one.entity.system.as_str(), one.entity.tenant.as_str()),
            ("shopify", "acme.myshopify.com")
        );
        format!("{}/{} {}={}", one.entity.kind.name(), one.entity.id, one.attribute, one.value)
    };
    receipt.written.iter().map(text).collect()
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
