//! A plugin configured for one connector, and its calls.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossdock_egress::recorder::{Detail, Inputs, Live, Recorder, Replay, Transcript};
use crossdock_model::connector::{Failure, Found, Inbound, Outcome, Page, Work};
use crossdock_model::event::Event;
use tracing::Instrument as _;
use wasmtime::Store;
use wasmtime::component::Instance;
use wasmtime_wasi_http::ForbiddenHeaderFilter;

use crate::error::Error;
use crate::grants::{Grants, Limits};
use crate::host_state::{CallLabels, HostState, InstanceLimits};
use crate::http::HttpHooks;
use crate::load_error::LoadError;
use crate::manifest::Export;
use crate::outbox::Outbox;
use crate::output_tail::OutputTail;
use crate::personal;
use crate::plugin::Plugin;
use crate::run::{Run, Running, run};
use crate::settings;

/// A finding about the set-up of a plugin's system.
pub use crate::bindings::exports::crossdock::connector::setup::Finding;

/// How a call is made.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// The trace that the call belongs to, for logs. Empty when there is none.
    pub trace: String,
    /// How much of the call is recorded.
    pub detail: Detail,
    /// A recorded call to replay: no request leaves the host.
    pub replay: Option<Transcript>,
}

/// The result of a call, and what happened during it.
#[derive(Clone, Debug)]
pub struct Report<T> {
    /// The answer, or why the call failed.
    pub result: Result<T, Error>,
    /// What the plugin read and which requests it sent, as far as recorded; also of a failed call.
    pub transcript: Transcript,
    /// Files and sequence numbers; empty when the call failed.
    pub outbox: Outbox,
    /// Duration of the call.
    pub took: Duration,
    /// Peak memory in bytes.
    pub memory: usize,
}

/// A plugin configured for one connector. Cheap to clone.
#[derive(Clone)]
pub struct Guest(Arc<Inner>);

struct Inner {
    plugin: Plugin,
    connector: Arc<str>,
    inputs: Inputs,
    reserved: ForbiddenHeaderFilter,
    limits: Limits,
    outbox_bytes: Option<u64>,
}

impl Guest {
    /// The plugin with a connector's settings, which are checked, and with what the operator granted.
    ///
    /// # Errors
    /// When the settings do not match the manifest.
    pub fn new(plugin: &Plugin, grants: Grants) -> Result<Self, LoadError> {
        let settings = settings::check(plugin.0.manifest.settings.as_ref(), &grants.settings)?;
        let settings = Arc::new(settings);
        let Grants { connector, client, references, tables, clock, randomness, limits, outbox_bytes, .. } =
            grants;
        let filter = client.clone();
        let reserved: ForbiddenHeaderFilter = Arc::new(move |name| filter.reserves(name));
        let inputs = Inputs { client, clock, randomness, references, tables, settings };
        let (plugin, connector) = (plugin.clone(), connector.into());
        Ok(Self(Arc::new(Inner { plugin, connector, inputs, reserved, limits, outbox_bytes })))
    }

    /// The plugin.
    #[must_use]
    pub fn plugin(&self) -> &Plugin {
        &self.0.plugin
    }

    /// Reads the events of one request or file.
    pub async fn receive(&self, call: Call, inbound: Inbound) -> Report<Result<Vec<Event>, Failure>> {
        let Some(source) = self.0.plugin.0.source.clone() else {
            return Report::not_exported(Export::Source);
        };
        let mut report = self
            .call(call, "receive", move |store, instance| {
                Box::pin(
                    async move { source.load(&mut *store, &instance)?.call_receive(store, &inbound).await },
                )
            })
            .await;
        let limit = self.0.limits.events;
        report.check(|answer| answer.as_ref().map_or(Ok(()), |events| at_most(limit, events.len())));
        report
    }

    /// Reads what happened since the cursor, at most `limit` events.
    pub async fn poll(
        &self,
        call: Call,
        cursor: Option<String>,
        limit: u32,
    ) -> Report<Result<Page, Failure>> {
        let Some(source) = self.0.plugin.0.source.clone() else {
            return Report::not_exported(Export::Source);
        };
        let limit = limit.min(self.0.limits.events);
        let mut report = self
            .call(call, "poll", move |store, instance| {
                Box::pin(async move {
                    source.load(&mut *store, &instance)?.call_poll(store, cursor.as_deref(), limit).await
                })
            })
            .await;
        report.check(|answer| answer.as_ref().map_or(Ok(()), |page| at_most(limit, page.events.len())));
        report
    }

    /// Delivers work to the system, with one outcome each. Personal data that the manifest does not declare is
    /// removed.
    pub async fn deliver(&self, call: Call, work: Vec<Work>) -> Report<Vec<Outcome>> {
        let Some(sink) = self.0.plugin.0.sink.clone() else { return Report::not_exported(Export::Sink) };
        let work = self.restricted(work);
        let count = work.len();
        let mut report = self
            .call(call, "deliver", move |store, instance| {
                Box::pin(async move { sink.load(&mut *store, &instance)?.call_deliver(store, &work).await })
            })
            .await;
        report.check(|outcomes| exactly(count, outcomes.len()));
        report
    }

    /// Looks up in the system whether work was done, with one answer each. Personal data that the manifest does
    /// not declare is removed.
    pub async fn find(&self, call: Call, work: Vec<Work>) -> Report<Vec<Found>> {
        let Some(sink) = self.0.plugin.0.sink.clone() else { return Report::not_exported(Export::Sink) };
        let work = self.restricted(work);
        let count = work.len();
        let mut report = self
            .call(call, "find", move |store, instance| {
                Box::pin(async move { sink.load(&mut *store, &instance)?.call_find(store, &work).await })
            })
            .await;
        report.check(|found| exactly(count, found.len()));
        report
    }

    /// Checks the set-up of the system, and repairs it if `repair` is set.
    pub async fn check(
        &self,
        call: Call,
        address: String,
        repair: bool,
    ) -> Report<Result<Vec<Finding>, Failure>> {
        let Some(setup) = self.0.plugin.0.setup.clone() else { return Report::not_exported(Export::Setup) };
        self.call(call, "check", move |store, instance| {
            Box::pin(
                async move { setup.load(&mut *store, &instance)?.call_check(store, &address, repair).await },
            )
        })
        .await
    }

    /// The work without undeclared personal data.
    fn restricted(&self, mut work: Vec<Work>) -> Vec<Work> {
        if let Some(sink) = &self.0.plugin.0.manifest.sink {
            personal::restrict(&mut work, &sink.personal);
        }
        work
    }

    /// Calls an export of a fresh instance, with logs and metrics.
    async fn call<T: Send + 'static>(
        &self,
        call: Call,
        function: &'static str,
        export: impl for<'a> FnOnce(&'a mut Store<HostState>, Instance) -> Running<'a, T> + Send + 'static,
    ) -> Report<T> {
        let inner = &*self.0;
        let span = tracing::debug_span!(
            target: "crossdock::plugin", "plugin_call",
            connector = %inner.connector, plugin = %inner.plugin.0.label, function, trace = %call.trace
        );
        let start = Instant::now();
        let mut report = self.run(call, export).instrument(span.clone()).await;
        report.took = start.elapsed();
        let labels = [
            ("connector", inner.connector.to_string()),
            ("plugin", inner.plugin.0.label.to_string()),
            ("function", function.to_owned()),
        ];
        metrics::histogram!("crossdock_plugin_call_seconds", &labels).record(report.took.as_secs_f64());
        if let Err(error) = &report.result {
            let mut labels = labels.to_vec();
            labels.push(("failure", error.code().to_owned()));
            metrics::counter!("crossdock_plugin_failures_total", &labels).increment(1);
            span.in_scope(|| tracing::warn!(target: "crossdock::plugin", %error, "a plugin call failed"));
        }
        report
    }

    async fn run<T: Send + 'static>(
        &self,
        call: Call,
        export: impl for<'a> FnOnce(&'a mut Store<HostState>, Instance) -> Running<'a, T> + Send + 'static,
    ) -> Report<T> {
        let inner = &*self.0;
        let limits = &inner.limits;
        let (recorder, replay): (Arc<dyn Recorder>, Option<Arc<Replay>>) = match call.replay {
            None => (Arc::new(Live::new(inner.inputs.clone(), call.detail)), None),
            Some(transcript) => match Replay::new(transcript) {
                Ok(replay) => {
                    let replay = Arc::new(replay);
                    (replay.clone(), Some(replay))
                }
                Err(error) => return Report::failed(Error::Replay { reason: error.to_string() }),
            },
        };
        let output = OutputTail::default();
        let labels = CallLabels {
            connector: inner.connector.clone(),
            plugin: inner.plugin.0.label.clone(),
            trace: call.trace.into(),
        };
        let hooks = HttpHooks {
            recorder: recorder.clone(),
            connector: inner.connector.clone(),
            reserved: inner.reserved.clone(),
            max_body_bytes: usize::try_from(inner.inputs.client.limits().request_bytes).unwrap_or(usize::MAX),
        };
        let instance_limits = InstanceLimits {
            memory: limits.memory,
            host_calls: limits.host_calls,
            log_lines: limits.log_lines,
            outbox_bytes: inner.outbox_bytes,
        };
        let state = HostState::new(hooks, labels, &instance_limits, &output);
        let plugin = inner.plugin.clone();
        let run = run(&inner.plugin.0.runtime, state, limits.deadline, limits.answer, move |store| {
            Box::pin(async move {
                let instance = plugin.0.pre.instantiate_async(&mut *store).await?;
                export(store, instance).await
            })
        });
        let Run { mut result, outbox, memory } = run.await;
        if let Some(reason) = replay.and_then(|replay| replay.divergence()) {
            result = Err(Error::Replay { reason });
        }
        let result = result.map_err(|error| error.with_output(|| output.last_lines()));
        Report { result, transcript: recorder.transcript(), outbox, took: Duration::ZERO, memory }
    }
}

impl<T> Report<T> {
    fn failed(error: Error) -> Self {
        Self {
            result: Err(error),
            transcript: Transcript::default(),
            outbox: Outbox::default(),
            took: Duration::ZERO,
            memory: 0,
        }
    }

    fn not_exported(export: Export) -> Self {
        Self::failed(Error::NotExported { export })
    }

    /// Turns an answer that violates the contract into an error.
    fn check(&mut self, check: impl FnOnce(&T) -> Result<(), String>) {
        if let Ok(answer) = &self.result
            && let Err(reason) = check(answer)
        {
            self.result = Err(Error::BadAnswer { reason });
            self.outbox = Outbox::default();
        }
    }
}

fn at_most(limit: u32, events: usize) -> Result<(), String> {
    if events as u64 <= u64::from(limit) {
        Ok(())
    } else {
        Err(format!("{events} events, where at most {limit} were requested"))
    }
}

fn exactly(work: usize, answers: usize) -> Result<(), String> {
    if answers == work { Ok(()) } else { Err(format!("{answers} answers to {work} pieces of work")) }
}
