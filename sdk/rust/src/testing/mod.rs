//! A test host, so that a plugin's code is tested natively, without a sandbox.
//!
//! [`Host`] serves settings and references and responds to requests from a script; [`work`] and the other sample
//! functions build a plugin's input. Everything belongs to the test's own thread, so tests may run in parallel.
//!
//! ```
//! use crossdock_sdk::{config, http, testing};
//! use serde_json::json;
//!
//! let host = testing::Host::new()
//!     .setting("url", "https://erp.test")
//!     .expect(testing::post("/orders").body(json!({ "reference": "1001" })).respond(201, json!({ "id": "SO-1" })))
//!     .expect(testing::get("/orders").query("reference", "1002").refuse_connection())
//!     .install();
//!
//! let erp = http::Client::from_setting("url").unwrap();
//! let created: serde_json::Value = erp.post("/orders").json(&json!({ "reference": "1001" })).call().unwrap();
//! assert_eq!(created["id"], "SO-1");
//! let error = erp.get("/orders").query("reference", "1002").send().unwrap_err();
//! assert!(error.had_no_effect());
//! assert_eq!(host.requests().len(), 2);
//! // Dropping `host` checks that every expected request was sent.
//! ```
// A test host reports a failed expectation by panicking.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used)]

mod expected_request;
mod host;
pub(crate) mod imports;
mod samples;
mod sent_request;

pub use expected_request::{ExpectedRequest, delete, get, patch, post, put};
pub use host::{Host, InstalledHost};
pub use samples::{entity, event, file, inbound, order, placed, refund, refunded, work};
pub use sent_request::SentRequest;
