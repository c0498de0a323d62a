//! Checks the shop's configuration: one webhook subscription per topic to this address, and a supported API version.
//!
//! A subscription with the connector's name belongs to the connector. Others of the same app are not changed, unless
//! they have the same address. The API does not list subscriptions in the app's own configuration file.

use std::collections::BTreeMap;

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::admin::operations::Operation;
use crate::admin::page::PageInfo;
use crate::admin::response::MutationPayload;
use crate::admin::{Admin, VERSION, operations};

/// The name of the connector's subscriptions.
pub const SUBSCRIPTION_NAME: &str = "crossdock";

/// The supported topics, by their names in GraphQL.
pub const TOPICS: &[&str] = &[
    "ORDERS_CREATE",
    "ORDERS_UPDATED",
    "ORDERS_PAID",
    "ORDERS_CANCELLED",
    "ORDERS_EDITED",
    "REFUNDS_CREATE",
    "FULFILLMENTS_CREATE",
    "FULFILLMENTS_UPDATE",
    "INVENTORY_LEVELS_UPDATE",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    public_api_versions: Vec<Version>,
    webhook_subscriptions: Page,
}

#[derive(Deserialize)]
struct Version {
    handle: String,
    supported: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    nodes: Vec<Subscription>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    id: String,
    topic: String,
    uri: String,
    name: Option<String>,
    format: String,
    filter: Option<String>,
    include_fields: Vec<String>,
    api_version: Handle,
}

#[derive(Deserialize)]
struct Handle {
    handle: String,
}

impl Subscription {
    fn is_own(&self) -> bool {
        self.name.as_deref() == Some(SUBSCRIPTION_NAME)
    }

    fn has_address(&self, address: &str) -> bool {
        self.uri.trim_end_matches('/') == address.trim_end_matches('/')
    }

    fn is_complete(&self) -> bool {
        self.format == "JSON"
            && self.filter.as_deref().is_none_or(str::is_empty)
            && self.include_fields.is_empty()
    }
}

/// Compares the subscriptions with those required, and repairs deviations if `repair` is true.
///
/// # Errors
/// A request failed. A refused repair is a finding.
pub fn check(address: &str, repair: bool) -> Result<Vec<Finding>, Failure> {
    let admin = Admin::new()?;
    let topics: Vec<String> = match config::find::<Vec<String>>("topics")? {
        Some(topics) => topics.iter().map(|topic| topic.to_ascii_uppercase().replace('/', "_")).collect(),
        None => TOPICS.iter().map(|topic| (*topic).to_owned()).collect(),
    };
    let (versions, subscriptions) = read(&admin)?;
    let mut check = Check { admin: &admin, address, repair, findings: Vec::new() };
    check.api_version(&versions);
    if address.starts_with("https://") {
        check.subscriptions(&topics, &subscriptions)?;
    } else {
        let message = format!("Shopify delivers to https addresses only, and this address is {address}");
        check.add_finding("address-not-https", message, false);
    }
    check.response_headers();
    Ok(check.findings)
}

fn read(admin: &Admin) -> Result<(Vec<Version>, Vec<Subscription>), Failure> {
    let (mut subscriptions, mut after): (Vec<Subscription>, Option<String>) = (Vec::new(), None);
    loop {
        let data: Data = admin.run(&operations::SUBSCRIPTIONS, json!({ "after": after }))?;
        subscriptions.extend(data.webhook_subscriptions.nodes);
        after = data.webhook_subscriptions.page_info.next();
        if after.is_none() {
            return Ok((data.public_api_versions, subscriptions));
        }
    }
}

struct Check<'a> {
    admin: &'a Admin,
    address: &'a str,
    repair: bool,
    findings: Vec<Finding>,
}

impl Check<'_> {
    fn add_finding(&mut self, code: &str, message: String, repaired: bool) {
        self.findings.push(Finding { code: code.into(), message, repaired });
    }

    /// Checks that the plugin's API version is supported.
    fn api_version(&mut self, versions: &[Version]) {
        if !versions.iter().any(|version| version.handle == VERSION && version.supported) {
            let message = format!(
                "Shopify no longer supports API version {VERSION} and serves another one: a newer version of this \
                 plugin is needed"
            );
            self.add_finding("api-version-unsupported", message, false);
        }
    }

    /// Reports the headers of the responses.
    fn response_headers(&mut self) {
        if let Some(version) = self.admin.served_version() {
            let message = format!("Shopify serves API version {version}; this plugin requested {VERSION}");
            self.add_finding("api-version-served", message, false);
        }
        if let Some(reason) = self.admin.deprecation() {
            let message = format!("Shopify reports that this plugin uses a deprecated feature: {reason}");
            self.add_finding("api-deprecated", message, false);
        }
    }

    fn subscriptions(&mut self, topics: &[String], all: &[Subscription]) -> Result<(), Failure> {
        let mut by_topic: BTreeMap<&str, Vec<&Subscription>> = BTreeMap::new();
        for one in all {
            by_topic.entry(one.topic.as_str()).or_default().push(one);
        }
        for topic in topics {
            let of_topic = by_topic.remove(topic.as_str()).unwrap_or_default();
            self.topic(topic, &of_topic)?;
        }
        for one in by_topic.into_values().flatten().filter(|one| one.is_own()) {
            let deviation = format!("{} is subscribed to but not used", one.topic);
            self.delete("subscription-unneeded", &deviation, one)?;
        }
        Ok(())
    }

    fn topic(&mut self, topic: &str, all: &[&Subscription]) -> Result<(), Failure> {
        let is_here = |one: &&&Subscription| one.has_address(self.address);
        // The connector's own first: another one to the same address is then the duplicate.
        let here =
            all.iter().filter(is_here).find(|one| one.is_own()).or_else(|| all.iter().find(is_here)).copied();
        let elsewhere = all.iter().copied().find(|one| one.is_own() && !one.has_address(self.address));
        let valid = match (here, elsewhere) {
            (Some(here), _) => {
                if !here.is_complete() {
                    let deviation = format!("the subscription to {topic} delivers only a part of the data");
                    self.update("subscription-partial", &deviation, here)?;
                }
                here
            }
            (None, Some(elsewhere)) => {
                let deviation = format!("the subscription to {topic} delivers to {}", elsewhere.uri);
                self.update("subscription-elsewhere", &deviation, elsewhere)?;
                elsewhere
            }
            (None, None) => {
                let variables = json!({ "topic": topic, "subscription": self.subscription() });
                let deviation = format!("there is no subscription to {topic}");
                let operation = &operations::CREATE_SUBSCRIPTION;
                return self.resolve("subscription-missing", &deviation, operation, variables);
            }
        };
        if valid.api_version.handle.as_str() < VERSION {
            let message = format!(
                "{topic} is delivered with API version {}, and this plugin reads {VERSION}: change the version in the \
                 app's configuration",
                valid.api_version.handle
            );
            self.add_finding("subscription-version", message, false);
        }
        for one in
            all.iter().filter(|one| one.id != valid.id && (one.is_own() || one.has_address(self.address)))
        {
            let deviation = format!("there is a second subscription to {topic}, to {}", one.uri);
            self.delete("subscription-twice", &deviation, one)?;
        }
        Ok(())
    }

    /// The required subscription.
    fn subscription(&self) -> Value {
        json!({ "uri": self.address, "format": "JSON", "name": SUBSCRIPTION_NAME })
    }

    fn update(&mut self, code: &str, deviation: &str, one: &Subscription) -> Result<(), Failure> {
        let mut subscription = self.subscription();
        if let Some(object) = subscription.as_object_mut() {
            object.insert("filter".into(), json!(""));
            object.insert("includeFields".into(), json!([]));
        }
        let variables = json!({ "id": one.id, "subscription": subscription });
        self.resolve(code, deviation, &operations::UPDATE_SUBSCRIPTION, variables)
    }

    fn delete(&mut self, code: &str, deviation: &str, one: &Subscription) -> Result<(), Failure> {
        self.resolve(code, deviation, &operations::DELETE_SUBSCRIPTION, json!({ "id": one.id }))
    }

    /// Adds a finding, after repairing it if that is requested.
    fn resolve(
        &mut self,
        code: &str,
        deviation: &str,
        operation: &Operation,
        variables: Value,
    ) -> Result<(), Failure> {
        if !self.repair {
            self.add_finding(code, deviation.to_owned(), false);
            return Ok(());
        }
        // The payload has the mutation's name, and each of these operations contains one mutation.
        type Payloads = BTreeMap<String, Option<MutationPayload>>;
        let refusal = match self.admin.run::<Payloads>(operation, variables) {
            Ok(payloads) => payloads.values().flatten().find_map(|payload| payload.check().err()),
            Err(Error::Rejected(problem) | Error::Conflict(problem) | Error::NotFound(problem)) => {
                Some(problem)
            }
            Err(error) => return Err(error.into()),
        };
        match refusal {
            None => self.add_finding(code, format!("{deviation}; repaired"), true),
            Some(problem) => {
                let message = format!("{deviation}; Shopify refused the repair: {}", problem.message);
                self.add_finding(code, message, false);
            }
        }
        Ok(())
    }
}
