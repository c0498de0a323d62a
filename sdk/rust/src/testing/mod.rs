//! A stand-in for the host, so that a plugin's own code is tested natively, without a sandbox.
//!
//! [`Host`] gives out settings and references and answers requests from a script; [`work`] and the builders
//! beside it make up what a plugin is handed. Everything belongs to the test's own thread, so tests may run
//! side by side.
//!
//! ```
//! use crossdock_sdk::{config, http, testing};
//! use serde_json::json;
//!
//! let host = testing::Host::new()
//!     .setting("url", "https://erp.test")
//!     .expect(testing::post("/orders").body(json!({ "reference": "1001" })).answer(201, json!({ "id": "SO-1" })))
//!     .expect(testing::get("/orders").query("reference", "1002").refuse_connection())
//!     .install();
//!
//! let erp = http::Client::from_setting("url").unwrap();
//! let made: serde_json::Value = erp.post("/orders").json(&json!({ "reference": "1001" })).call().unwrap();
//! assert_eq!(made["id"], "SO-1");
//! let error = erp.get("/orders").query("reference", "1002").send().unwrap_err();
//! assert!(error.nothing_was_done());
//! assert_eq!(host.requests().len(), 2);
//! // Dropping `host` checks that everything expected was asked for.
//! ```
// A test stops at the first thing that is not as expected, and that is what panics are for.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used)]

mod builders;
mod exchange;
pub(crate) mod host;

pub use builders::{entity, event, file, inbound, order, placed, refund, refunded, work};
pub use exchange::{Exchange, delete, get, patch, post, put};
pub use host::{Host, Installed, Sent};
