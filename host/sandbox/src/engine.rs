//! The engine that all plugins run in, narrowed to what the host uses. Each number carries its reason.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::bindings::AnyPlugin;
use crate::cache::Cache;
use crate::fair::{self, Ticker};
use crate::load::Error;
use crate::manifest::{self, Manifest};
use crate::plugin::Plugin;
use crate::signature::{self, Keyring};
use crate::state::State;

/// How plugins are loaded and run.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many calls may run at the same moment, over all connectors.
    pub instances: u32,
    /// The folder that compiled plugins are kept in. Absent: every start compiles.
    pub cache: Option<PathBuf>,
    /// Whose plugins are taken.
    pub keyring: Keyring,
    /// True to take plugins that nobody trusted has signed, for development.
    pub allow_unsigned: bool,
    /// How long a plugin may take to compile. An honest one takes ten seconds of a processor, and on a machine
    /// that starts everything at once that can be minutes.
    pub compile: Duration,
    /// The largest plugin file, in bytes. Plugins with an interpreter inside have 13 to 18 MB.
    pub largest: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            instances: 64,
            cache: None,
            keyring: Keyring::default(),
            allow_unsigned: false,
            compile: Duration::from_secs(300),
            largest: 64 << 20,
        }
    }
}

/// The sandbox cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The engine refused its configuration.
    #[error("the engine cannot be started: {reason}")]
    Engine {
        /// Why.
        reason: String,
    },
    /// The thread that interrupts plugins cannot be started.
    #[error("the thread that interrupts plugins cannot be started")]
    Ticks(#[source] std::io::Error),
    /// The folder for compiled plugins cannot be used.
    #[error("compiled plugins cannot be kept in {}", dir.display())]
    Cache {
        /// The folder.
        dir: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Where plugins are loaded and run. Cheap to clone.
#[derive(Clone)]
pub struct Sandbox(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<State>,
    pub(crate) ticker: Ticker,
    pub(crate) places: Arc<Semaphore>,
    /// One permit an instance of the pool: over its capacity instantiation fails at once.
    pub(crate) instances: Arc<Semaphore>,
    compiling: Arc<Semaphore>,
    cache: Option<Cache>,
    options: Options,
}

impl Sandbox {
    /// Makes the engine. Where the pool of instances cannot be had (an address space that is limited), it
    /// goes without one: slower, and otherwise the same.
    ///
    /// # Errors
    /// When there is no engine, no thread or no cache to be had.
    pub fn new(options: Options) -> Result<Self, Unusable> {
        let engine = Engine::new(&pooling(options.instances)).or_else(|error| {
            tracing::warn!(error = format!("{error:#}"), "no pool of instances can be had; going without");
            Engine::new(&config())
        });
        let engine = engine.map_err(unusable)?;
        let linker = linker(&engine).map_err(unusable)?;
        let ticker = Ticker::start(&engine).map_err(Unusable::Ticks)?;
        let cache = options
            .cache
            .as_deref()
            .map(|dir| {
                Cache::open(dir, &engine).map_err(|source| Unusable::Cache { dir: dir.to_owned(), source })
            })
            .transpose()?;
        Ok(Self(Arc::new(Inner {
            engine,
            linker,
            ticker,
            places: fair::places(),
            instances: Arc::new(Semaphore::new(options.instances as usize)),
            // Compiling uses all processors by itself.
            compiling: Arc::new(Semaphore::new(1)),
            cache,
            options,
        })))
    }

    /// Loads a plugin file, with the signature file beside it.
    ///
    /// # Errors
    /// Why the file is not taken as a plugin.
    pub async fn load_path(&self, path: &Path) -> Result<Plugin, Error> {
        let unreadable = |path: &Path, source| Error::Unreadable { path: path.to_owned(), source };
        let limit = self.0.options.largest;
        let metadata = tokio::fs::metadata(path).await.map_err(|e| unreadable(path, e))?;
        if metadata.len() > limit {
            return Err(Error::TooLarge { limit });
        }
        let file = tokio::fs::read(path).await.map_err(|e| unreadable(path, e))?;
        let beside = signature::beside(path);
        let signatures = match tokio::fs::read_to_string(&beside).await {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(unreadable(&beside, error)),
        };
        self.load(file, signatures.as_deref()).await
    }

    /// Loads a plugin: trusts it, reads its manifest, compiles it, and starts it once on trial.
    ///
    /// # Errors
    /// Why the file is not taken as a plugin.
    pub async fn load(&self, file: Vec<u8>, signatures: Option<&str>) -> Result<Plugin, Error> {
        let options = &self.0.options;
        if file.len() as u64 > options.largest {
            return Err(Error::TooLarge { limit: options.largest });
        }
        // First of all: nothing of the file is parsed before it is trusted.
        let signer = match signature::verify(&file, signatures, &options.keyring) {
            Ok(signer) => Some(signer),
            // A file that was changed after it was signed is refused in any case.
            Err(error @ signature::Error::Tampered { .. }) => return Err(error.into()),
            Err(_) if options.allow_unsigned => None,
            Err(error) => return Err(error.into()),
        };
        let manifest: Manifest = manifest::read(&file)?;
        let digest = hex::encode(Sha256::digest(&file));
        let component = self.compile(file, digest.clone()).await?;
        Plugin::new(self.clone(), manifest, digest, signer, &component).await
    }

    async fn compile(&self, file: Vec<u8>, digest: String) -> Result<Component, Error> {
        let after = self.0.options.compile;
        let late = |_| Error::CompileTime { after };
        let end = tokio::time::Instant::now() + after;
        let turn =
            tokio::time::timeout_at(end, self.0.compiling.clone().acquire_owned()).await.map_err(late)?;
        let turn = turn.map_err(|e| Error::Compile { reason: e.to_string() })?;
        // A compilation cannot be broken off, so one that comes too late is not begun.
        if tokio::time::Instant::now() >= end {
            return Err(Error::CompileTime { after });
        }
        let inner = self.0.clone();
        let compiling = tokio::task::spawn_blocking(move || {
            // A compilation that nobody waits for any more keeps its turn, so that there is only one.
            let _turn = turn;
            inner.compiled(&file, &digest)
        });
        let compiled = tokio::time::timeout_at(end, compiling).await.map_err(late)?;
        compiled.map_err(|e| Error::Compile { reason: e.to_string() })?
    }
}

impl Inner {
    fn compiled(&self, file: &[u8], digest: &str) -> Result<Component, Error> {
        if let Some(cache) = &self.cache
            && let Some(code) = cache.get(digest)
        {
            match deserialize(&self.engine, &code) {
                Ok(component) => return Ok(component),
                Err(error) => {
                    tracing::warn!(digest, error = format!("{error:#}"), "a compiled plugin cannot be used");
                    cache.forget(digest);
                }
            }
        }
        let reason = |error: wasmtime::Error| Error::Compile { reason: format!("{error:#}") };
        let component = Component::from_binary(&self.engine, file).map_err(reason)?;
        if let Some(cache) = &self.cache {
            match component.serialize() {
                Ok(code) => cache.put(digest, &code),
                Err(error) => tracing::warn!(digest, %error, "a compiled plugin cannot be written"),
            }
        }
        Ok(component)
    }
}

/// Machine code that an engine of this version and configuration wrote, whole, into a folder that is the
/// host's own: the cache has checked all of that.
#[allow(unsafe_code)]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes are what `Component::serialize` returned. Their digest was written with them and
    // has been compared; the folder is closed to everybody but the host's own user; the engine checks its
    // own version and settings.
    unsafe { Component::deserialize(engine, code) }
}

fn unusable(error: wasmtime::Error) -> Unusable {
    Unusable::Engine { reason: format!("{error:#}") }
}

fn config() -> Config {
    let mut config = Config::new();
    // Ends and interrupts guests: 6 to 19 % of their speed, where counting instructions costs 12 to 26.
    config.epoch_interruption(true);
    // Synchronous functions with asynchronous imports and one call an instance need none of it.
    config.concurrency_support(false);
    config.wasm_memory64(false);
    config.parallel_compilation(true);
    config
}

/// As measured: a pool makes a fresh instance a call affordable (12 to 17 µs).
fn pooling(instances: u32) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_stacks(instances)
        // A plugin in Python holds 14 core instances; most hold three.
        .total_core_instances(instances.saturating_mul(16))
        .max_core_instances_per_component(64)
        .total_memories(instances.saturating_mul(2))
        .max_memories_per_component(8)
        .total_tables(instances.saturating_mul(16))
        .max_tables_per_component(64)
        .table_elements(20_000)
        // What a call has touched is written back to what it was and stays mapped, instead of being given to
        // the kernel and faulted in again: that was a quarter of a journey's time. The kernel says which
        // pages those are; without that, everything up to the limit is written, and it has to be low.
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(if PoolingAllocationConfig::is_pagemap_scan_available() {
            2 << 20
        } else {
            128 << 10
        })
        .table_keep_resident(128 << 10);
    let mut config = config();
    // The reservation of 4 GiB an instance stays: a smaller one forces checks of every access (17 %).
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// What plugins can import: WASI with nothing granted, the connector's way out, and the host's own.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    crate::http::bound(&mut linker)?;
    AnyPlugin::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}
