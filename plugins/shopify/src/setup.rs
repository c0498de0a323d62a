//! Whether the shop tells what it should: one webhook subscription for each topic, to this address; and whether
//! the API version is still served.
//!
//! A subscription is ours when it has our name. Others of the same app are left alone, unless they point to the
//! very same address. Subscriptions that stand in the app's own configuration file are not to be seen here.

use std::collections::BTreeMap;

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::admin::answer::Done;
use crate::admin::operations::Operation;
use crate::admin::{Admin, VERSION, operations};

/// The name of subscriptions that are ours.
pub const NAME: &str = "crossdock";

/// The topics that are read, as GraphQL calls them.
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
struct Answer {
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
    page_info: crate::sink::PageInfo,
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
    fn is_ours(&self) -> bool {
        self.name.as_deref() == Some(NAME)
    }

    fn leads_to(&self, address: &str) -> bool {
        self.uri.trim_end_matches('/') == address.trim_end_matches('/')
    }

    fn is_whole(&self) -> bool {
        self.format == "JSON"
            && self.filter.as_deref().is_none_or(str::is_empty)
            && self.include_fields.is_empty()
    }
}

/// Compares the subscriptions with what they should be, and puts them right when told to.
///
/// # Errors
/// The shop could not be asked. What it refuses to put right is a finding.
pub fn check(address: &str, repair: bool) -> Result<Vec<Finding>, Failure> {
    let admin = Admin::new()?;
    let topics: Vec<String> = match config::find::<Vec<String>>("topics")? {
        Some(topics) => topics.iter().map(|topic| topic.to_ascii_uppercase().replace('/', "_")).collect(),
        None => TOPICS.iter().map(|topic| (*topic).to_owned()).collect(),
    };
    let (versions, subscriptions) = read(&admin)?;
    let mut check = Check { admin: &admin, address, repair, findings: Vec::new() };
    check.version(&versions);
    if address.starts_with("https://") {
        check.subscriptions(&topics, &subscriptions)?;
    } else {
        let message = format!("Shopify delivers to https addresses only, and this one is {address}");
        check.tell("address-not-https", message, false);
    }
    check.headers();
    Ok(check.findings)
}

fn read(admin: &Admin) -> Result<(Vec<Version>, Vec<Subscription>), Failure> {
    let (mut subscriptions, mut after): (Vec<Subscription>, Option<String>) = (Vec::new(), None);
    loop {
        let answer: Answer = admin.run(&operations::SUBSCRIPTIONS, json!({ "after": after }))?;
        subscriptions.extend(answer.webhook_subscriptions.nodes);
        after = answer.webhook_subscriptions.page_info.next();
        if after.is_none() {
            return Ok((answer.public_api_versions, subscriptions));
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
    fn tell(&mut self, code: &str, message: String, repaired: bool) {
        self.findings.push(Finding { code: code.into(), message, repaired });
    }

    /// Whether the version that this plugin speaks is supported.
    fn version(&mut self, versions: &[Version]) {
        if !versions.iter().any(|version| version.handle == VERSION && version.supported) {
            let message = format!(
                "Shopify does not support API version {VERSION} any more: it serves another one, and a newer \
                 version of this plugin is needed"
            );
            self.tell("api-version-unsupported", message, false);
        }
    }

    /// What the answers' headers said.
    fn headers(&mut self) {
        if let Some(version) = self.admin.served() {
            let message = format!("Shopify serves API version {version}; this plugin asked for {VERSION}");
            self.tell("api-version-served", message, false);
        }
        if let Some(reason) = self.admin.deprecated() {
            let message = format!("Shopify calls something deprecated that this plugin uses: {reason}");
            self.tell("api-deprecated", message, false);
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
        for one in by_topic.into_values().flatten().filter(|one| one.is_ours()) {
            let what = format!("{} is subscribed to and not read", one.topic);
            self.remove("subscription-unneeded", &what, one)?;
        }
        Ok(())
    }

    fn topic(&mut self, topic: &str, all: &[&Subscription]) -> Result<(), Failure> {
        let here = |one: &&&Subscription| one.leads_to(self.address);
        // Ours first: a second one to the same address is then the one too many.
        let keep =
            all.iter().filter(here).find(|one| one.is_ours()).or_else(|| all.iter().find(here)).copied();
        let moved = all.iter().copied().find(|one| one.is_ours() && !one.leads_to(self.address));
        let kept = match (keep, moved) {
            (Some(kept), _) => {
                if !kept.is_whole() {
                    let what = format!("the subscription to {topic} tells only a part");
                    self.redirect("subscription-partial", &what, kept)?;
                }
                Some(kept)
            }
            (None, Some(moved)) => {
                let what = format!("the subscription to {topic} leads to {}", moved.uri);
                self.redirect("subscription-elsewhere", &what, moved)?;
                Some(moved)
            }
            (None, None) => {
                let variables = json!({ "topic": topic, "subscription": self.wanted() });
                let what = format!("there is no subscription to {topic}");
                self.mend("subscription-missing", &what, &operations::SUBSCRIBE, variables)?;
                None
            }
        };
        let Some(kept) = kept else { return Ok(()) };
        if kept.api_version.handle.as_str() < VERSION {
            let message = format!(
                "{topic} is told by API version {}, and this plugin reads {VERSION}: the version is set in the app's \
                 configuration",
                kept.api_version.handle
            );
            self.tell("subscription-version", message, false);
        }
        for one in all.iter().filter(|one| one.id != kept.id && (one.is_ours() || one.leads_to(self.address)))
        {
            let what = format!("there is a second subscription to {topic}, to {}", one.uri);
            self.remove("subscription-twice", &what, one)?;
        }
        Ok(())
    }

    fn wanted(&self) -> Value {
        json!({ "uri": self.address, "format": "JSON", "name": NAME })
    }

    fn redirect(&mut self, code: &str, what: &str, one: &Subscription) -> Result<(), Failure> {
        let mut wanted = self.wanted();
        if let Some(wanted) = wanted.as_object_mut() {
            wanted.insert("filter".into(), json!(""));
            wanted.insert("includeFields".into(), json!([]));
        }
        self.mend(code, what, &operations::RESUBSCRIBE, json!({ "id": one.id, "subscription": wanted }))
    }

    fn remove(&mut self, code: &str, what: &str, one: &Subscription) -> Result<(), Failure> {
        self.mend(code, what, &operations::UNSUBSCRIBE, json!({ "id": one.id }))
    }

    /// Carries out what puts a finding right, if that is wanted, and tells it.
    fn mend(
        &mut self,
        code: &str,
        what: &str,
        operation: &Operation,
        variables: Value,
    ) -> Result<(), Failure> {
        if !self.repair {
            self.tell(code, what.to_owned(), false);
            return Ok(());
        }
        // A mutation answers under its own name, and there is one in each of these operations.
        let refusal = match self.admin.run::<BTreeMap<String, Option<Done>>>(operation, variables) {
            Ok(done) => done.values().flatten().find_map(|done| done.accepted().err()),
            Err(Error::Rejected(problem) | Error::Conflict(problem) | Error::NotFound(problem)) => {
                Some(problem)
            }
            Err(error) => return Err(error.into()),
        };
        match refusal {
            None => self.tell(code, format!("{what}; put right"), true),
            Some(problem) => {
                self.tell(
                    code,
                    format!("{what}; Shopify refused to put it right: {}", problem.message),
                    false,
                );
            }
        }
        Ok(())
    }
}
