//! Everything that leaves the host: connection pool, allow-list, authentication, recorder.
//!
//! A connector's requests pass through its [`Client`], which decides where they may go, adds what
//! authenticates them, bounds them in size, number and time, and hides the connector's secrets in what
//! comes back. Everything else that a plugin is told (time, random numbers, settings, references) passes
//! through the [`recorder`], so that a call can be replayed exactly. This room knows HTTP and the
//! vocabulary; it knows nothing of WebAssembly, deliveries or the database.

mod address;
mod auth;
mod client;
mod connect;
mod error;
mod exchange;
mod hosts;
mod mask;
pub mod recorder;
mod secret;
mod stored;

pub use address::Network;
pub use auth::{ClientAuth, Csrf, Grant, Login, OAuth2, Profile, Session};
pub use client::{Access, Admission, Budget, Client, FirstByte, Limits};
pub use connect::{Egress, Options, Unusable};
pub use error::{Error, Sent};
pub use hosts::{Origin, Scheme};
pub use secret::{Place, Secret, Secrets};
pub use stored::{MemorySecrets, StoreFailed, StoredSecrets};
