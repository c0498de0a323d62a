//! The binary: what listens, what is asked and answered, and the command line.
//!
//! This room joins all others to a host. It decides nothing about events: it turns the operator's file
//! into connectors, HTTP into operations, and operations into answers.

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
mod kept;
mod keyring;
mod known;
mod master_key;
mod plugin;
mod registry;
mod safeguards;
mod scratch;
mod serve;
mod stored;
mod telemetry;
