//! The command line. `serve` is the host; everything that operates a host talks to its API, so that it
//! works from anywhere and leaves the same audit trail; `plugin` works on files alone.

mod address;
mod audit;
mod conflicts;
mod connector;
mod events;
mod exceptions;
mod listing;
mod mapping;
mod person;
mod plugin;
pub(crate) mod print;
mod quarantine;
mod secret;
mod store;
mod token;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::client::Client;

/// Moves orders, stock and money between shops, tills and ERPs without losing or doubling them.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Start here:\n  crossdock demo                 see it work, nothing to configure\n  crossdock serve                run the host with ./crossdock.toml\n  crossdock connector list       what is running\n  crossdock connector stuck erp  what does not move, why, and what happens next"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    api: Api,
}

/// The host that a command operates.
#[derive(Debug, Args)]
struct Api {
    /// The host's address
    #[arg(long, global = true, env = "CROSSDOCK_URL", default_value = "http://127.0.0.1:8080")]
    url: String,
    /// The API token; the host prints the first one when it starts for the first time
    #[arg(long, global = true, env = "CROSSDOCK_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Print JSON instead of a table
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the host
    Serve {
        /// The configuration file
        #[arg(short, long, env = "CROSSDOCK_CONFIG", default_value = "crossdock.toml")]
        config: PathBuf,
        /// Check the configuration, load every plugin, and stop
        #[arg(long)]
        check: bool,
    },
    /// Run a demonstration: a shop, tills, two ERPs, and a host that is killed while orders flow
    Demo(crate::demo::Arguments),
    /// Measure the throughput of this machine with the shipped connectors
    Bench(crate::bench::Arguments),
    /// Events: list, show, replay
    #[command(subcommand)]
    Events(events::Events),
    /// Deliveries that a person must decide: list, show, retry, discard
    #[command(subcommand)]
    Exceptions(exceptions::Exceptions),
    /// Requests that could not be read: list, show, read again
    #[command(subcommand)]
    Quarantine(quarantine::Quarantine),
    /// Values reported by a system that does not own the attribute
    #[command(subcommand)]
    Conflicts(conflicts::Conflicts),
    /// Connectors: list, show what is stuck and why, pause, resume, swap, check the set-up
    #[command(subcommand)]
    Connector(connector::Connectors),
    /// Mappings of SKUs, taxes, tenders and warehouses to their names in a connector's system
    #[command(subcommand)]
    Mapping(mapping::Mappings),
    /// The store registry: stores with their time zones, warehouses and codes
    #[command(subcommand)]
    Store(store::Stores),
    /// Secrets in the host's database, and the key that encrypts it
    #[command(subcommand)]
    Secret(secret::Secrets),
    /// Personal data: erase a person
    #[command(subcommand)]
    Person(person::Persons),
    /// API tokens: create, list, revoke
    #[command(subcommand)]
    Token(token::Tokens),
    /// The audit log: what operators did, when and who
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Plugin files: inspect, pack, sign
    #[command(subcommand)]
    Plugin(plugin::Plugin),
}

/// Runs one command to its end.
///
/// # Errors
/// When the command fails; the message is one sentence for a person.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    let Cli { command, api } = cli;
    let client = || Client::new(&api.url, api.token.as_deref());
    let print = print::Printer { json: api.json };
    match command {
        Command::Serve { config, check: true } => crate::serve::check(&config, print).await,
        Command::Serve { config, check: false } => crate::serve::run(&config).await,
        Command::Demo(arguments) => crate::demo::run(arguments, api.json).await,
        Command::Bench(arguments) => crate::bench::run(arguments, api.json).await,
        Command::Events(events) => events::run(&client()?, events, print).await,
        Command::Exceptions(exceptions) => exceptions::run(&client()?, exceptions, print).await,
        Command::Conflicts(conflicts) => conflicts::run(&client()?, conflicts, print).await,
        Command::Quarantine(quarantine) => quarantine::run(&client()?, quarantine, print).await,
        Command::Connector(connectors) => connector::run(&client()?, connectors, print).await,
        Command::Mapping(mappings) => mapping::run(&client()?, mappings, print).await,
        Command::Store(stores) => store::run(&client()?, stores, print).await,
        Command::Secret(secrets) => secret::run(&client()?, secrets, print).await,
        Command::Person(persons) => person::run(&client()?, persons, print).await,
        Command::Token(tokens) => token::run(&client()?, tokens, print).await,
        Command::Audit(audit) => audit::run(&client()?, audit, print).await,
        Command::Plugin(plugin) => plugin::run(plugin, print).await,
    }
}
