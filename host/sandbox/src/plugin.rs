//! A plugin that was loaded: trusted, compiled, and tried once.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_egress::Error as EgressError;
use crossdock_egress::recorder::{LookupFailed, Recorder, StoreRecord, Transcript};
use crossdock_model::common::{Entity, Reference};
use crossdock_model::time::Millis;
use http::{Request, Response, request};
use wasmtime::component::{Component, InstancePre};

use crate::bindings::exports::crossdock::connector::{setup, sink, source};
use crate::engine::Sandbox;
use crate::guest::{Grants, Guest};
use crate::http::Hooks;
use crate::load::Error;
use crate::manifest::{Export, Manifest};
use crate::state::{Bounds, State, Whose};

/// The interfaces of the contract, with the names that components export them by.
const EXPORTS: [(Export, &str); 3] = [
    (Export::Source, "crossdock:connector/source@0.1.0"),
    (Export::Sink, "crossdock:connector/sink@0.1.0"),
    (Export::Setup, "crossdock:connector/setup@0.1.0"),
];

/// What plugins may import, by the beginning of the name. Of WASI they get what standard libraries want in
/// order to start; files, sockets and environment are there and empty.
const IMPORTS: [&str; 10] = [
    "wasi:io/",
    "wasi:clocks/",
    "wasi:random/",
    "wasi:cli/",
    "wasi:filesystem/",
    "wasi:sockets/",
    "wasi:http/types@",
    "wasi:http/outgoing-handler@",
    "crossdock:",
    // The types of the contract, where a toolchain writes them without a package.
    "import-type-",
];

/// How long the trial may take, and how much memory: an interpreter needs some.
const TRIAL: Duration = Duration::from_secs(10);
const TRIAL_MEMORY: usize = 256 << 20;

/// A plugin that was loaded. Cheap to clone.
#[derive(Clone)]
pub struct Plugin(pub(crate) Arc<Loaded>);

pub(crate) struct Loaded {
    pub(crate) sandbox: Sandbox,
    pub(crate) manifest: Manifest,
    pub(crate) label: Arc<str>,
    pub(crate) digest: String,
    pub(crate) signer: Option<String>,
    pub(crate) pre: InstancePre<State>,
    pub(crate) source: Option<source::GuestIndices>,
    pub(crate) sink: Option<sink::GuestIndices>,
    pub(crate) setup: Option<setup::GuestIndices>,
}

impl Plugin {
    pub(crate) async fn new(
        sandbox: Sandbox,
        manifest: Manifest,
        digest: String,
        signer: Option<String>,
        component: &Component,
    ) -> Result<Self, Error> {
        let engine = &sandbox.0.engine;
        for (name, _) in component.component_type().imports(engine) {
            if !IMPORTS.iter().any(|allowed| name.starts_with(allowed)) {
                return Err(Error::Import { import: name.to_owned() });
            }
        }
        for (export, name) in EXPORTS {
            let declared = manifest.exports.contains(&export);
            if component.get_export_index(None, name).is_some() != declared {
                return Err(Error::Export { export, declared });
            }
        }
        let trial = |error: wasmtime::Error| Error::Trial { reason: format!("{error:#}") };
        let pre = sandbox.0.linker.instantiate_pre(component).map_err(trial)?;
        let source = manifest.exports.contains(&Export::Source).then(|| source::GuestIndices::new(&pre));
        let sink = manifest.exports.contains(&Export::Sink).then(|| sink::GuestIndices::new(&pre));
        let setup = manifest.exports.contains(&Export::Setup).then(|| setup::GuestIndices::new(&pre));
        let (source, sink) = (source.transpose().map_err(trial)?, sink.transpose().map_err(trial)?);
        let setup = setup.transpose().map_err(trial)?;
        let label = manifest.label().into();
        let loaded = Loaded { sandbox, manifest, label, digest, signer, pre, source, sink, setup };
        let plugin = Self(Arc::new(loaded));
        plugin.try_out().await?;
        Ok(plugin)
    }

    /// What the plugin says about itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    /// `name@version`.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.0.label
    }

    /// SHA-256 of the file, in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// Who vouches for it. Absent when nobody who is trusted does, and that was allowed.
    #[must_use]
    pub fn signer(&self) -> Option<&str> {
        self.0.signer.as_deref()
    }

    /// The plugin as one connector's: with its settings, checked, and what the operator granted.
    ///
    /// # Errors
    /// When the settings are not what the manifest asks for.
    pub fn guest(&self, grants: Grants) -> Result<Guest, Error> {
        Guest::new(self.clone(), grants)
    }

    /// Starts one instance and loads everything it exports: names are known before, but types are only
    /// compared here, and a plugin built for another version of the contract is found out here and not
    /// with the first order.
    async fn try_out(&self) -> Result<(), Error> {
        let output = crate::capture::Capture::default();
        let whose = Whose { connector: "-".into(), plugin: self.0.label.clone(), trace: "-".into() };
        let hooks = Hooks {
            recorder: Arc::new(Nothing),
            connector: whose.connector.clone(),
            reserved: Arc::new(|_| false),
            largest: 0,
        };
        let bounds = Bounds { memory: TRIAL_MEMORY, host_calls: 1000, log_lines: 10, folder: None };
        let state = State::new(hooks, whose, &bounds, &output);
        let plugin = self.clone();
        let run = crate::guest::run(&self.0.sandbox, state, TRIAL, usize::MAX, move |store| {
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
        run.await.result.map_err(|error| Error::Trial {
            reason: match output.last_words().as_str() {
                "" => error.to_string(),
                words => format!("{error}; its last words: {words}"),
            },
        })
    }
}

/// Tells a plugin nothing: for the trial, which asks it nothing.
struct Nothing;

#[async_trait]
impl Recorder for Nothing {
    fn now(&self) -> Millis {
        Millis(0)
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn random(&self, fill: &mut [u8]) {
        fill.fill(0);
    }

    fn setting(&self, _: &str) -> Option<String> {
        None
    }

    async fn references(&self, _: &Entity) -> Result<Vec<Reference>, LookupFailed> {
        Ok(Vec::new())
    }

    async fn entity(&self, _: &str, _: &str) -> Result<Option<Entity>, LookupFailed> {
        Ok(None)
    }

    async fn mapping(&self, _: &str, _: &str) -> Result<Option<String>, LookupFailed> {
        Ok(None)
    }

    async fn store(&self, _: Option<&str>, _: &str) -> Result<Option<StoreRecord>, LookupFailed> {
        Ok(None)
    }

    async fn number(&self, _: &str) -> Result<u64, LookupFailed> {
        Ok(1)
    }

    fn admit(&self, head: &request::Parts) -> Result<(), EgressError> {
        Err(EgressError::HostRefused { origin: head.uri.to_string() })
    }

    fn carry(&self, _: u64) -> Result<(), EgressError> {
        Ok(())
    }

    async fn http(&self, request: Request<Bytes>) -> Result<Response<Bytes>, EgressError> {
        Err(EgressError::HostRefused { origin: request.uri().to_string() })
    }

    fn transcript(&self) -> Transcript {
        Transcript::default()
    }
}
