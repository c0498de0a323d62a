//! Plugins as sandboxed WebAssembly components.
//!
//! A plugin can do nothing it was not given: no network but the connector's way out, no files, no
//! environment, a clock of milliseconds; its memory, time, host calls, log and answers are bounded, and a
//! fresh instance serves each call, so that nothing leaks from one order to the next. What it is told
//! passes through [`crossdock_egress::recorder`], so that a call can be replayed exactly.
//!
//! This room knows the contract and how to run it. It knows nothing of queues, retries or the database.
//!
//! ```no_run
//! # async fn example(client: crossdock_egress::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use crossdock_sandbox::{Call, Grants, Options, Sandbox};
//!
//! let sandbox = Sandbox::new(Options { allow_unsigned: true, ..Options::default() })?;
//! let plugin = sandbox.load_path("plugins/erp-rest.wasm".as_ref()).await?;
//! let guest = plugin.guest(Grants::new("erp", serde_json::json!({"url": "http://127.0.0.1:9000"}), client))?;
//! let page = guest.poll(Call::default(), None, 100).await.result?;
//! # Ok(())
//! # }
//! ```

mod bindings;
mod cache;
mod capture;
mod engine;
mod error;
mod fair;
mod guest;
mod handed;
mod http;
mod limit;
mod load;
pub mod manifest;
mod personal;
mod plugin;
mod settings;
pub mod signature;
mod state;

pub use engine::{Options, Sandbox, Unusable};
pub use error::Error;
pub use guest::{Call, Finding, Grants, Guest, Limits, Report};
pub use handed::Handed;
pub use load::Error as LoadError;
pub use manifest::Manifest;
pub use plugin::Plugin;
