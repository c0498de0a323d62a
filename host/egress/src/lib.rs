//! Outgoing HTTP: connection pool, allow-list, authentication, recording and replay.
//!
//! A connector's requests go through its [`Client`]. It decides where they may go, authenticates them, bounds
//! them in size, number and time, and masks the connector's secrets in responses. Everything else that a
//! plugin reads from the host (time, random numbers, settings, references) goes through the [`recorder`], so
//! that a call can be replayed exactly. This crate knows HTTP and the vocabulary; it knows nothing of
//! WebAssembly, deliveries or the database.

mod auth;
mod budget;
mod client;
mod error;
mod headers;
mod mask;
mod network;
mod origin;
mod pool;
pub mod recorder;
mod resolver;
mod round_trip;
mod secret;
mod secret_store;
mod secrets;

pub use auth::{ClientAuth, Csrf, Grant, Login, OAuth2, Profile, Session};
pub use budget::{Budget, Limits};
pub use client::{Access, Client, FirstByteTimeout, Precheck};
pub use error::{Error, Sent};
pub use network::Network;
pub use origin::{Origin, Scheme};
pub use pool::{Egress, Options, StartError};
pub use secret::Secret;
pub use secret_store::{MemorySecretStore, SecretStore, SecretStoreError};
pub use secrets::{SecretUnavailable, Secrets};
