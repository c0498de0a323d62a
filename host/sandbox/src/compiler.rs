//! Compiles plugins, one at a time, with a cache on disk.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::compile_cache::CompileCache;
use crate::engine::StartError;
use crate::load_error::LoadError;

/// Compiles plugins for one engine.
pub(crate) struct Compiler {
    backend: Arc<Backend>,
    /// One permit: a compilation uses all processors by itself.
    running: Arc<Semaphore>,
    timeout: Duration,
}

struct Backend {
    engine: Engine,
    cache: Option<CompileCache>,
}

impl Compiler {
    /// A compiler with a cache in `cache_dir`, or none.
    pub(crate) fn new(
        engine: Engine,
        cache_dir: Option<&Path>,
        timeout: Duration,
    ) -> Result<Self, StartError> {
        let open = |dir: &Path| {
            let failed = |source| StartError::Cache { dir: dir.to_owned(), source };
            CompileCache::open(dir, &engine).map_err(failed)
        };
        let cache = cache_dir.map(open).transpose()?;
        let running = Arc::new(Semaphore::new(1));
        Ok(Self { backend: Arc::new(Backend { engine, cache }), running, timeout })
    }

    /// Compiles a component, or takes it from the cache by the digest of its file.
    pub(crate) async fn compile(&self, file: Vec<u8>, digest: String) -> Result<Component, LoadError> {
        let after = self.timeout;
        let deadline = Instant::now() + after;
        let timed_out = |_| LoadError::CompileTime { after };
        let failed = |reason: String| LoadError::Compile { reason };
        let permit = timeout_at(deadline, self.running.clone().acquire_owned()).await.map_err(timed_out)?;
        let permit = permit.map_err(|e| failed(e.to_string()))?;
        // A compilation cannot be aborted, so none is started after the deadline.
        if Instant::now() >= deadline {
            return Err(LoadError::CompileTime { after });
        }
        let backend = self.backend.clone();
        let compiling = tokio::task::spawn_blocking(move || {
            // Held to the end even when the caller has given up, so that only one compilation runs.
            let _permit = permit;
            backend.compile(&file, &digest)
        });
        let compiled = timeout_at(deadline, compiling).await.map_err(timed_out)?;
        compiled.map_err(|e| failed(e.to_string()))?
    }
}

impl Backend {
    fn compile(&self, file: &[u8], digest: &str) -> Result<Component, LoadError> {
        if let Some(cache) = &self.cache
            && let Some(code) = cache.get(digest)
        {
            match deserialize(&self.engine, &code) {
                Ok(component) => return Ok(component),
                Err(error) => {
                    tracing::warn!(digest, error = format!("{error:#}"), "a cached plugin cannot be used");
                    cache.remove(digest);
                }
            }
        }
        let component = Component::from_binary(&self.engine, file)
            .map_err(|error| LoadError::Compile { reason: format!("{error:#}") })?;
        if let Some(cache) = &self.cache {
            match component.serialize() {
                Ok(code) => cache.put(digest, &code),
                Err(error) => tracing::warn!(digest, %error, "a compiled plugin cannot be serialized"),
            }
        }
        Ok(component)
    }
}

/// Loads machine code from the cache, which has checked that it is complete and in a private directory.
#[allow(unsafe_code)]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes are what `Component::serialize` returned: they match the digest that was written
    // with them, and only the host's own user can write to the directory. The engine checks its own version
    // and settings.
    unsafe { Component::deserialize(engine, code) }
}
