//! The wasmtime engine that all plugins run in, configured for what the host uses. Each number has its reason.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::bindings::AnyPlugin;
use crate::host_state::HostState;
use crate::http::limit_request_texts;
use crate::scheduling::{Ticker, long_run_permits};

/// The sandbox cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The engine refused its configuration.
    #[error("starting the WebAssembly engine: {reason}")]
    Engine {
        /// Why.
        reason: String,
    },
    /// The thread that interrupts plugins cannot be started.
    #[error("starting the thread that interrupts plugins: {0}")]
    Ticks(#[source] std::io::Error),
    /// The directory of compiled plugins cannot be used.
    #[error("opening the cache of compiled plugins in {}: {source}", dir.display())]
    Cache {
        /// The directory.
        dir: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

fn engine_error(error: wasmtime::Error) -> StartError {
    StartError::Engine { reason: format!("{error:#}") }
}

/// What all plugins share at run time.
pub(crate) struct Runtime {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<HostState>,
    pub(crate) ticker: Ticker,
    pub(crate) long_runs: Arc<Semaphore>,
    /// One permit per instance of the pool: an instantiation beyond its capacity would fail.
    pub(crate) instances: Semaphore,
}

impl Runtime {
    /// Starts the engine. Where the instance pool cannot be allocated (a limited address space), instances are
    /// allocated on demand: slower, and otherwise the same.
    pub(crate) fn new(instances: u32) -> Result<Self, StartError> {
        let engine = Engine::new(&pooling_config(instances)).or_else(|error| {
            tracing::warn!(
                error = format!("{error:#}"),
                "no instance pool; instances are allocated on demand"
            );
            Engine::new(&config())
        });
        let engine = engine.map_err(engine_error)?;
        Ok(Self {
            linker: linker(&engine).map_err(engine_error)?,
            ticker: Ticker::start(&engine).map_err(StartError::Ticks)?,
            engine,
            long_runs: Arc::new(long_run_permits()),
            instances: Semaphore::new(instances as usize),
        })
    }
}

fn config() -> Config {
    let mut config = Config::new();
    // Ends and interrupts guests. It costs 6 to 19 % of their speed; counting instructions costs 12 to 26 %.
    config.epoch_interruption(true);
    // Not needed by synchronous exports with asynchronous imports and one call per instance.
    config.concurrency_support(false);
    config.wasm_memory64(false);
    config.parallel_compilation(true);
    config
}

/// Measured: a pool makes a fresh instance per call affordable (12 to 17 µs).
fn pooling_config(instances: u32) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_stacks(instances)
        // A plugin in Python has 14 core instances; most have three.
        .total_core_instances(instances.saturating_mul(16))
        .max_core_instances_per_component(64)
        .total_memories(instances.saturating_mul(2))
        .max_memories_per_component(8)
        .total_tables(instances.saturating_mul(16))
        .max_tables_per_component(64)
        .table_elements(20_000)
        // Pages that a call has touched are reset and stay mapped, instead of being returned to the kernel
        // and faulted in again: that was a quarter of a call's time. The kernel reports the touched pages;
        // where it cannot, everything up to the limit is reset, so the limit has to be low.
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(if PoolingAllocationConfig::is_pagemap_scan_available() {
            2 << 20
        } else {
            128 << 10
        })
        .table_keep_resident(128 << 10);
    let mut config = config();
    // The reservation of 4 GiB per instance stays: a smaller one needs a bounds check per access (17 %).
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// What plugins can import: WASI with nothing granted, HTTP through the connector's client, and the host's own
/// interfaces.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<HostState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    limit_request_texts(&mut linker)?;
    AnyPlugin::add_to_linker::<_, HasSelf<HostState>>(&mut linker, |state| state)?;
    Ok(linker)
}
