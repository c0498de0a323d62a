//! A loaded plugin: trusted, compiled, and tried once.

use std::sync::Arc;
use std::time::Duration;

use crossdock_egress::recorder::Replay;
use wasmtime::component::{Component, InstancePre};

use crate::bindings::exports::crossdock::connector::{setup, sink, source};
use crate::engine::Runtime;
use crate::host_state::{CallLabels, HostState, InstanceLimits};
use crate::http::HttpHooks;
use crate::load_error::LoadError;
use crate::manifest::{Export, Manifest};
use crate::output_tail::OutputTail;
use crate::run::run;

/// The interfaces of the contract, with the names that components export them by.
const EXPORTS: [(Export, &str); 3] = [
    (Export::Source, "crossdock:connector/source@0.1.0"),
    (Export::Sink, "crossdock:connector/sink@0.1.0"),
    (Export::Setup, "crossdock:connector/setup@0.1.0"),
];

/// What plugins may import, by prefix. Of WASI they get what standard libraries need to start; files, sockets
/// and environment exist and are empty.
const ALLOWED_IMPORTS: [&str; 10] = [
    "wasi:io/",
    "wasi:clocks/",
    "wasi:random/",
    "wasi:cli/",
    "wasi:filesystem/",
    "wasi:sockets/",
    "wasi:http/types@",
    "wasi:http/outgoing-handler@",
    "crossdock:",
    // The contract's types, from toolchains that write them without a package.
    "import-type-",
];

const TRIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// Enough for an interpreter.
const TRIAL_MEMORY_BYTES: usize = 256 << 20;

/// A loaded plugin. Cheap to clone.
#[derive(Clone)]
pub struct Plugin(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) manifest: Manifest,
    pub(crate) label: Arc<str>,
    pub(crate) digest: String,
    pub(crate) signer: Option<String>,
    pub(crate) pre: InstancePre<HostState>,
    pub(crate) source: Option<source::GuestIndices>,
    pub(crate) sink: Option<sink::GuestIndices>,
    pub(crate) setup: Option<setup::GuestIndices>,
}

impl Plugin {
    pub(crate) async fn new(
        runtime: Arc<Runtime>,
        manifest: Manifest,
        digest: String,
        signer: Option<String>,
        component: &Component,
    ) -> Result<Self, LoadError> {
        let engine = &runtime.engine;
        for (name, _) in component.component_type().imports(engine) {
            if !ALLOWED_IMPORTS.iter().any(|allowed| name.starts_with(allowed)) {
                return Err(LoadError::Import { import: name.to_owned() });
            }
        }
        for (export, name) in EXPORTS {
            let declared = manifest.exports.contains(&export);
            if component.get_export_index(None, name).is_some() != declared {
                return Err(LoadError::Export { export, declared });
            }
        }
        let failed = |error: wasmtime::Error| LoadError::Trial { reason: format!("{error:#}") };
        let pre = runtime.linker.instantiate_pre(component).map_err(failed)?;
        let source = manifest.exports.contains(&Export::Source).then(|| source::GuestIndices::new(&pre));
        let sink = manifest.exports.contains(&Export::Sink).then(|| sink::GuestIndices::new(&pre));
        let setup = manifest.exports.contains(&Export::Setup).then(|| setup::GuestIndices::new(&pre));
        let (source, sink) = (source.transpose().map_err(failed)?, sink.transpose().map_err(failed)?);
        let setup = setup.transpose().map_err(failed)?;
        let label = manifest.label().into();
        let inner = Inner { runtime, manifest, label, digest, signer, pre, source, sink, setup };
        let plugin = Self(Arc::new(inner));
        plugin.run_trial().await?;
        Ok(plugin)
    }

    /// The plugin's manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    /// `name@version`.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.0.label
    }

    /// SHA-256 of the plugin file, in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// The trusted signer. Absent for an unsigned plugin, where that is allowed.
    #[must_use]
    pub fn signer(&self) -> Option<&str> {
        self.0.signer.as_deref()
    }

    /// Starts one instance and loads all its exports. Only this compares types, so that a plugin built for
    /// another version of the contract fails here and not with the first order.
    async fn run_trial(&self) -> Result<(), LoadError> {
        let output = OutputTail::default();
        let labels = CallLabels { connector: "-".into(), plugin: self.0.label.clone(), trace: "-".into() };
        let hooks = HttpHooks {
            recorder: Arc::new(Replay::empty()),
            connector: labels.connector.clone(),
            reserved: Arc::new(|_| false),
            max_body_bytes: 0,
        };
        let limits = InstanceLimits {
            memory: TRIAL_MEMORY_BYTES,
            host_calls: 1000,
            log_lines: 10,
            outbox_bytes: None,
        };
        let state = HostState::new(hooks, labels, &limits, &output);
        let plugin = self.clone();
        let trial = run(&self.0.runtime, state, TRIAL_TIMEOUT, usize::MAX, move |store| {
            Box::pin(async move {
                let instance = plugin.0.pre.instantiate_async(&mut *store).await?;
                if let Some(source) = &plugin.0.source {
                    source.load(&mut *store, &instance)?;
                }
                if let Some(sink) = &plugin.0.sink {
                    sink.load(&mut *store, &instance)?;
                }
                if let Some(setup) = &plugin.0.setup {
                    setup.load(&mut *store, &instance)?;
                }
                Ok(())
            })
        });
        trial.await.result.map_err(|error| LoadError::Trial {
            reason: error.with_output(|| output.last_lines()).to_string(),
        })
    }
}
