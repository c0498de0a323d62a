//! A blocking HTTP client that maps each response to an outcome.
//!
//! The host makes the connection: only to the connector's hosts, with the connector's credentials added, and within
//! a budget of requests and bytes per call. The connector's rate limit counts deliveries, not requests. The plugin
//! has to get right what a response, or a missing one, means for the work:
//!
//! | response | [`Error`] | outcome |
//! |---|---|---|
//! | 2xx | none | |
//! | 400, 422, other 4xx, 3xx | `Rejected`, with the target's own code, message and field | rejected |
//! | 401, 403, or the host does not allow the address | `Unauthorized` | unauthorized |
//! | 404, 410 | `NotFound` | rejected, unless the plugin handles it |
//! | 409 | `Conflict` | rejected, unless the plugin handles it |
//! | 429 | `Throttled`, with `Retry-After` in seconds or as a date | throttled |
//! | 503, no address, connection refused | `Unavailable`: the request had no effect | unavailable |
//! | the call's budget of requests or bytes is used up | `Unavailable`, code `over-budget`: the request had no effect | unavailable |
//! | other 5xx, connection lost, unreadable response: to a read | `Unavailable` | unavailable |
//! | the same to a write | `Unknown` | unknown: the host calls `find` |
//!
//! A request is a write unless its method is `GET`, `HEAD` or `OPTIONS`, or it is marked [`Request::read_only`].
//!
//! ```
//! # use crossdock_sdk::{http, testing};
//! # let _host = testing::Host::new()
//! #     .expect(testing::get("/orders").query("reference", "a b").respond(200, serde_json::json!({ "orders": [] })))
//! #     .expect(testing::put("/orders/SO%2F1").respond(503, serde_json::json!({})))
//! #     .install();
//! let erp = http::Client::new("https://erp.test/");
//! let found: serde_json::Value = erp.get("/orders").query("reference", "a b").call()?;
//! assert_eq!(found["orders"].as_array().unwrap().len(), 0);
//! // The segments of a path are escaped one by one.
//! let error = erp.put(["orders", "SO/1"]).json(&found).send()?.ok().unwrap_err();
//! assert!(matches!(error, http::Error::Unavailable(_)));
//! # Ok::<(), http::Error>(())
//! ```

mod client;
mod error;
mod request;
mod response;
mod retry_after;
pub(crate) mod transport;
pub(crate) mod url;
#[cfg(target_arch = "wasm32")]
mod wasi;

pub use client::{Client, Path};
pub use error::Error;
pub use request::{MAX_RESPONSE_BYTES, Request};
pub use response::Response;
pub use transport::Method;

#[cfg(test)]
mod tests;
