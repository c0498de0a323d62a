//! The binary `crossdock`: HTTP server, configuration and command line.
//!
//! **Invariant**: this crate decides nothing about events. It turns the configuration into connectors, HTTP requests
//! into operations, and their results into answers.

mod api;
mod assemble;
mod bench;
pub mod cli;
mod client;
mod config;
mod demo;
mod folder;
mod health;
mod intake;
mod keyring;
mod lookups;
mod master_key;
mod plugin;
mod plugin_archive;
mod registry;
mod safeguards;
mod scratch;
mod serve;
mod stored;
mod telemetry;
