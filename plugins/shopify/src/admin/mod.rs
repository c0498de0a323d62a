//! The Admin API of one shop: requests go out within its bucket of points, and answers come back as what they
//! mean for the work.

pub mod answer;
pub mod bucket;
pub mod id;
pub mod operations;

use std::cell::{Cell, RefCell};

use crossdock_sdk::http::{Error, Response};
use crossdock_sdk::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::settings::Settings;
use answer::Answer;
use bucket::{Bucket, Cost};
use operations::Operation;

/// The version that is spoken. What Shopify serves instead, once it no longer supports this one, it says in a
/// header; see [`Admin::served`].
pub const VERSION: &str = "2026-07";

/// The largest page of orders that is taken: what the host lets an answer be.
const LARGEST_PAGE: usize = 8 << 20;

/// The Admin API, for the time of one call.
pub struct Admin {
    /// The operator's words.
    pub settings: Settings,
    client: http::Client,
    bucket: Cell<Option<Bucket>>,
    served: RefCell<Option<String>>,
    deprecated: RefCell<Option<String>>,
}

impl Admin {
    /// The shop that the settings name.
    ///
    /// # Errors
    /// A setting is missing or wrong.
    pub fn new() -> Result<Self, Problem> {
        let settings = Settings::read()?;
        Ok(Self {
            client: http::Client::new(settings.url.clone()),
            settings,
            bucket: Cell::new(None),
            served: RefCell::default(),
            deprecated: RefCell::default(),
        })
    }

    /// Carries out an operation and reads its data.
    ///
    /// # Errors
    /// `Throttled` before anything is sent when the bucket would run dry; else what the answer means. The
    /// refusals of a mutation are in its data.
    pub fn run<T: DeserializeOwned>(&self, operation: &Operation, variables: Value) -> Result<T, Error> {
        self.afford(operation.cost)?;
        let body = json!({
            "operationName": operation.name, "query": operation.text, "variables": variables,
        });
        let request = self.client.post(format!("/admin/api/{VERSION}/graphql.json").as_str()).json(&body);
        let request = if operation.writes { request } else { request.reads() };
        let response = self.judge(request.send()?)?;
        let answer: Answer = response.json()?;
        if let Some(Cost { throttle_status: Some(bucket), .. }) = answer.cost() {
            self.bucket.set(Some(bucket));
        }
        answer.data(operation.name, operation.writes)
    }

    /// Asks the REST form of the API, below the version.
    ///
    /// # Errors
    /// What the answer means.
    pub fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Response, Error> {
        let request = self.client.get(format!("/admin/api/{VERSION}/{path}").as_str());
        let request = query.iter().fold(request, |request, (name, value)| request.query(name, value));
        self.judge(request.max_answer(LARGEST_PAGE).send()?)
    }

    /// Nothing, if a request of this cost can be made now.
    ///
    /// # Errors
    /// `Throttled`, for as long as it takes.
    pub fn afford(&self, cost: u32) -> Result<(), Error> {
        let Some(after_ms) = self.bucket.get().and_then(|bucket| bucket.wait(cost)) else { return Ok(()) };
        let message = "the shop's bucket of points is nearly empty".to_owned();
        Err(Error::Throttled(Throttle { after_ms: Some(after_ms), message }))
    }

    /// The version that was served, where it is not the one asked for.
    #[must_use]
    pub fn served(&self) -> Option<String> {
        self.served.borrow().clone()
    }

    /// Why something that was used is deprecated, where Shopify said so.
    #[must_use]
    pub fn deprecated(&self) -> Option<String> {
        self.deprecated.borrow().clone()
    }

    /// Whether an entity is of this shop.
    #[must_use]
    pub fn owns(&self, entity: &Entity) -> bool {
        entity.system == "shopify" && entity.tenant.eq_ignore_ascii_case(&self.settings.shop)
    }

    /// An entity of this shop.
    #[must_use]
    pub fn entity(&self, kind: EntityKind, id: impl Into<String>) -> Entity {
        Entity { system: "shopify".into(), tenant: self.settings.shop.clone(), kind, id: id.into() }
    }

    /// The answer if its status is one of success.
    fn judge(&self, response: Response) -> Result<Response, Error> {
        self.watch(&response);
        let problem = |code: &str| {
            let said = response.problem(code);
            Problem { code: code.to_owned(), ..said }
        };
        Err(match response.status() {
            // The body says more exactly when to come back than the header does.
            429 => match response.json::<Answer>().ok().and_then(|answer| answer.error("the request", false))
            {
                Some(Error::Throttled(Throttle { after_ms: Some(after_ms), message })) => {
                    Error::Throttled(Throttle { after_ms: Some(after_ms), message })
                }
                _ => return response.ok(),
            },
            // Not paid, locked, or not there: nothing will work until a person has looked.
            402 => Error::Unauthorized(problem("shop-frozen")),
            423 => Error::Unauthorized(problem("shop-locked")),
            404 if response.header("x-shopify-api-version").is_none() => {
                Error::Unauthorized(problem("shop-unknown"))
            }
            _ => return response.ok(),
        })
    }

    /// Notes what the headers say about the version, and warns of it once a call.
    fn watch(&self, response: &Response) {
        if let Some(version) = response.header("x-shopify-api-version").filter(|version| *version != VERSION)
            && self.served.replace(Some(version.to_owned())).is_none()
        {
            log::warn(format!("Shopify serves API version {version}; this plugin asked for {VERSION}"));
        }
        if let Some(reason) = response.header("x-shopify-api-deprecated-reason")
            && self.deprecated.replace(Some(reason.to_owned())).is_none()
        {
            log::warn(format!("Shopify calls something deprecated that this plugin uses: {reason}"));
        }
    }
}

/// `NOT_FOUND` becomes `not-found`: codes are lower-case words with hyphens.
fn slug(code: &str) -> String {
    let words = code.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}
