//! Plugins as sandboxed WebAssembly components.
//!
//! A plugin can do only what it was granted: no network but the connector's HTTP client, no files, no
//! environment, a clock of milliseconds. Its memory, time, host calls, log and results are limited, and a
//! fresh instance serves each call, so that nothing leaks from one order to the next. Everything it reads goes
//! through [`crossdock_egress::recorder`], so that a call can be replayed exactly.
//!
//! This crate knows the contract and how to run it. It knows nothing of queues, retries or the database.
//!
//! ```no_run
//! # async fn example(client: crossdock_egress::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use crossdock_sandbox::{Call, Grants, Guest, Options, Sandbox};
//!
//! let sandbox = Sandbox::new(Options { allow_unsigned: true, ..Options::default() })?;
//! let plugin = sandbox.load_path("plugins/erp-rest.wasm".as_ref()).await?;
//! let settings = serde_json::json!({"url": "http://127.0.0.1:9000"});
//! let guest = Guest::new(&plugin, Grants::new("erp", settings, client))?;
//! let page = guest.poll(Call::default(), None, 100).await.result?;
//! # Ok(())
//! # }
//! ```

mod bindings;
mod compile_cache;
mod compiler;
mod engine;
mod error;
mod grants;
mod guest;
mod host_state;
mod http;
mod load_error;
pub mod manifest;
mod memory_limiter;
mod outbox;
mod output_tail;
mod personal;
mod plugin;
mod run;
mod sandbox;
mod scheduling;
mod settings;
pub mod signature;

pub use engine::StartError;
pub use error::Error;
pub use grants::{Grants, Limits};
pub use guest::{Call, Finding, Guest, Report};
pub use load_error::LoadError;
pub use manifest::Manifest;
pub use outbox::Outbox;
pub use plugin::Plugin;
pub use sandbox::{Options, Sandbox};
