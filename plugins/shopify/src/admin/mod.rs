//! The Admin API of one shop: sends requests within its rate limit, and maps responses to errors.

pub mod bucket;
pub mod id;
pub mod operations;
pub mod page;
pub mod response;

use std::cell::{Cell, RefCell};

use crossdock_sdk::http::{Error, Response};
use crossdock_sdk::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::settings::Settings;
use bucket::{Bucket, Cost};
use operations::Operation;
use response::GraphqlResponse;

/// The API version that is requested. Once Shopify no longer supports it, a response header names the version served
/// instead; see [`Admin::served_version`].
pub const VERSION: &str = "2026-07";

/// The largest page of orders: the host's limit of a response.
const MAX_PAGE_BYTES: usize = 8 << 20;

/// The Admin API, for one call of the plugin.
pub struct Admin {
    /// The connector's settings.
    pub settings: Settings,
    client: http::Client,
    bucket: Cell<Option<Bucket>>,
    served_version: RefCell<Option<String>>,
    deprecation: RefCell<Option<String>>,
}

impl Admin {
    /// The Admin API of the shop in the settings.
    ///
    /// # Errors
    /// A setting is missing or invalid.
    pub fn new() -> Result<Self, Problem> {
        let settings = Settings::read()?;
        Ok(Self {
            client: http::Client::new(settings.url.clone()),
            settings,
            bucket: Cell::new(None),
            served_version: RefCell::default(),
            deprecation: RefCell::default(),
        })
    }

    /// Runs an operation and reads its data.
    ///
    /// # Errors
    /// `Throttled` without sending when the bucket has too few points; else the error of the response. The user errors
    /// of a mutation are in its data.
    pub fn run<T: DeserializeOwned>(&self, operation: &Operation, variables: Value) -> Result<T, Error> {
        self.check_points(operation.cost)?;
        let body = json!({
            "operationName": operation.name, "query": operation.text, "variables": variables,
        });
        let request = self.client.post(format!("/admin/api/{VERSION}/graphql.json").as_str()).json(&body);
        let request = if operation.is_mutation { request } else { request.read_only() };
        let response = self.check_status(request.send()?)?;
        let body: GraphqlResponse = response.json()?;
        if let Some(Cost { throttle_status: Some(bucket), .. }) = body.cost() {
            self.bucket.set(Some(bucket));
        }
        body.data(operation.name, operation.is_mutation)
    }

    /// Reads a resource of the REST API, by its path below the version.
    ///
    /// # Errors
    /// The error of the response.
    pub fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Response, Error> {
        let request = self.client.get(format!("/admin/api/{VERSION}/{path}").as_str());
        let request = query.iter().fold(request, |request, (name, value)| request.query(name, value));
        self.check_status(request.max_response_bytes(MAX_PAGE_BYTES).send()?)
    }

    /// Checks that the bucket has the points for a request.
    ///
    /// # Errors
    /// `Throttled`, with the time until it has.
    fn check_points(&self, cost: u32) -> Result<(), Error> {
        let Some(after_ms) = self.bucket.get().and_then(|bucket| bucket.wait_for_request(cost)) else {
            return Ok(());
        };
        let message = "the shop's bucket of points is nearly empty".to_owned();
        Err(Error::Throttled(Throttle { after_ms: Some(after_ms), message }))
    }

    /// The API version that was served, where it is not [`VERSION`].
    #[must_use]
    pub fn served_version(&self) -> Option<String> {
        self.served_version.borrow().clone()
    }

    /// The reason of a deprecation that a response reported.
    #[must_use]
    pub fn deprecation(&self) -> Option<String> {
        self.deprecation.borrow().clone()
    }

    /// Whether an entity belongs to this shop.
    #[must_use]
    pub fn owns(&self, entity: &Entity) -> bool {
        entity.system == "shopify" && entity.tenant.eq_ignore_ascii_case(&self.settings.shop)
    }

    /// An entity of this shop.
    #[must_use]
    pub fn entity(&self, kind: EntityKind, id: impl Into<String>) -> Entity {
        Entity { system: "shopify".into(), tenant: self.settings.shop.clone(), kind, id: id.into() }
    }

    /// The response if its status is 2xx.
    fn check_status(&self, response: Response) -> Result<Response, Error> {
        self.record_headers(&response);
        let problem = |code: &str| Problem { code: code.to_owned(), ..response.problem(code) };
        Err(match response.status() {
            // The body has a more precise time to retry than the header.
            429 => match response
                .json::<GraphqlResponse>()
                .ok()
                .and_then(|body| body.error("the request", false))
            {
                Some(Error::Throttled(Throttle { after_ms: Some(after_ms), message })) => {
                    Error::Throttled(Throttle { after_ms: Some(after_ms), message })
                }
                _ => return response.ok(),
            },
            // The shop is unpaid, locked, or does not exist: an operator must act.
            402 => Error::Unauthorized(problem("shop-frozen")),
            423 => Error::Unauthorized(problem("shop-locked")),
            404 if response.header("x-shopify-api-version").is_none() => {
                Error::Unauthorized(problem("shop-unknown"))
            }
            _ => return response.ok(),
        })
    }

    /// Records the headers about the API version, and logs a warning once per call.
    fn record_headers(&self, response: &Response) {
        if let Some(version) = response.header("x-shopify-api-version").filter(|version| *version != VERSION)
            && self.served_version.replace(Some(version.to_owned())).is_none()
        {
            log::warn(format!("Shopify serves API version {version}; this plugin requested {VERSION}"));
        }
        if let Some(reason) = response.header("x-shopify-api-deprecated-reason")
            && self.deprecation.replace(Some(reason.to_owned())).is_none()
        {
            log::warn(format!("Shopify reports that this plugin uses a deprecated feature: {reason}"));
        }
    }
}
