//! A plugin as one connector's, and its calls.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossdock_egress::Client;
use crossdock_egress::recorder::{
    Detail, Live, NoReferences, NoTables, Randomness, Recorder, References, Replay, Sources,
    SystemRandomness, Tables, Transcript,
};
use crossdock_model::connector::{Failure, Found, Inbound, Outcome, Page, Work};
use crossdock_model::event::Event;
use crossdock_model::time::{Clock, SystemClock};
use tracing::Instrument as _;
use wasmtime::component::ResourceTableError;
use wasmtime::{Store, Trap};
use wasmtime_wasi_http::ForbiddenHeaderFilter;

use crate::bindings::exports::crossdock::connector::{sink, source};
use crate::capture::Capture;
use crate::engine::Sandbox;
use crate::error::Error;
use crate::fair::Turn;
use crate::handed::Handed;
use crate::http::Hooks;
use crate::load;
use crate::manifest::Export;
use crate::personal;
use crate::plugin::Plugin;
use crate::settings;
use crate::state::{Bounds, HANDLES, State, Whose};

/// What a plugin found about the set-up of its system.
pub use crate::bindings::exports::crossdock::connector::setup::Finding;

/// What the operator grants to a connector.
#[derive(Clone)]
pub struct Grants {
    /// The connector's name.
    pub connector: String,
    /// Its settings, an object.
    pub settings: serde_json::Value,
    /// Its way out.
    pub client: Client,
    /// What entities are called in its system.
    pub references: Arc<dyn References>,
    /// The operator's tables, and its numbers.
    pub tables: Arc<dyn Tables>,
    /// How many bytes of files a call may hand over. Absent: it has no exchange folder.
    pub folder: Option<u64>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Random numbers.
    pub randomness: Arc<dyn Randomness>,
    /// What a call may use.
    pub limits: Limits,
}

impl Grants {
    /// Settings and a way out; the machine's clock and random numbers, no references, tables or folder, usual
    /// limits.
    #[must_use]
    pub fn new(connector: impl Into<String>, settings: serde_json::Value, client: Client) -> Self {
        Self {
            connector: connector.into(),
            settings,
            client,
            references: Arc::new(NoReferences),
            tables: Arc::new(NoTables),
            folder: None,
            clock: Arc::new(SystemClock),
            randomness: Arc::new(SystemRandomness),
            limits: Limits::default(),
        }
    }
}

/// What one call may use. Requests and their sizes are the way out's to bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory.
    pub memory: usize,
    /// From asking to the answer, waiting for an instance included.
    pub deadline: Duration,
    /// Bytes of the answer, and of what the plugin hands over in one call of the host.
    pub answer: usize,
    /// Events that one request or one page may hold; a poll's own limit may be smaller.
    pub events: u32,
    /// Calls of the host's own functions.
    pub host_calls: u32,
    /// Lines of log.
    pub log_lines: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            deadline: Duration::from_secs(20),
            answer: 16 << 20,
            events: 10_000,
            host_calls: 10_000,
            log_lines: 200,
        }
    }
}

/// How a call is made.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// The trace that the call belongs to, for logs. Empty when there is none.
    pub trace: String,
    /// How much of the call is kept.
    pub detail: Detail,
    /// A recorded call to be told again instead of the real world: no request leaves the host.
    pub replay: Option<Transcript>,
}

/// A call's answer, and what happened on the way.
#[derive(Clone, Debug)]
pub struct Report<T> {
    /// The answer, or why there is none.
    pub result: Result<T, Error>,
    /// What the plugin was told, as far as it was kept; also of a call that gave no answer.
    pub transcript: Transcript,
    /// What the plugin handed over; empty when there is no answer.
    pub handed: Handed,
    /// How long it took.
    pub took: Duration,
    /// The most memory it had, in bytes.
    pub memory: usize,
}

/// A plugin as one connector's. Cheap to clone.
#[derive(Clone)]
pub struct Guest(Arc<Inner>);

struct Inner {
    plugin: Plugin,
    connector: Arc<str>,
    sources: Sources,
    reserved: ForbiddenHeaderFilter,
    limits: Limits,
    folder: Option<u64>,
}

/// What a call does with its instance.
type Asking<'a, T> = Pin<Box<dyn Future<Output = wasmtime::Result<T>> + Send + 'a>>;

impl Guest {
    pub(crate) fn new(plugin: Plugin, grants: Grants) -> Result<Self, load::Error> {
        let settings = settings::check(plugin.0.manifest.settings.as_ref(), &grants.settings)?;
        let Grants { connector, client, references, tables, clock, randomness, limits, folder, .. } = grants;
        let reserving = client.clone();
        let reserved: ForbiddenHeaderFilter = Arc::new(move |name| reserving.reserves(name));
        let settings: Arc<BTreeMap<String, String>> = Arc::new(settings);
        let sources = Sources { client, clock, randomness, references, tables, settings };
        let connector = connector.into();
        Ok(Self(Arc::new(Inner { plugin, connector, sources, reserved, limits, folder })))
    }

    /// The plugin.
    #[must_use]
    pub fn plugin(&self) -> &Plugin {
        &self.0.plugin
    }

    /// Reads one request or file: its events, or why it cannot be read.
    pub async fn receive(&self, call: Call, inbound: Inbound) -> Report<Result<Vec<Event>, Failure>> {
        let mut report = self
            .with_source(call, "receive", move |source, store| {
                Box::pin(async move { source.call_receive(store, &inbound).await })
            })
            .await;
        let most = self.0.limits.events;
        report.check(|answer| answer.as_ref().map_or(Ok(()), |events| few(events.len(), most)));
        report
    }

    /// Asks what happened since the cursor, at most `limit` events.
    pub async fn poll(
        &self,
        call: Call,
        cursor: Option<String>,
        limit: u32,
    ) -> Report<Result<Page, Failure>> {
        let limit = limit.min(self.0.limits.events);
        let mut report = self
            .with_source(call, "poll", move |source, store| {
                Box::pin(async move { source.call_poll(store, cursor.as_deref(), limit).await })
            })
            .await;
        report.check(|answer| answer.as_ref().map_or(Ok(()), |page| few(page.events.len(), limit)));
        report
    }

    /// Tells the system; one outcome a piece of work. Personal data that the manifest does not name is
    /// left out.
    pub async fn deliver(&self, call: Call, work: Vec<Work>) -> Report<Vec<Outcome>> {
        let work = self.restricted(work);
        let asked = work.len();
        let mut report = self
            .with_sink(call, "deliver", move |sink, store| {
                Box::pin(async move { sink.call_deliver(store, &work).await })
            })
            .await;
        report.check(|outcomes| as_many(outcomes.len(), asked));
        report
    }

    /// Asks the system whether the work was done; one answer a piece of work. Personal data that the
    /// manifest does not name is left out.
    pub async fn find(&self, call: Call, work: Vec<Work>) -> Report<Vec<Found>> {
        let work = self.restricted(work);
        let asked = work.len();
        let mut report = self
            .with_sink(call, "find", move |sink, store| {
                Box::pin(async move { sink.call_find(store, &work).await })
            })
            .await;
        report.check(|found| as_many(found.len(), asked));
        report
    }

    /// Compares the set-up of the system with what it should be, and repairs it when told to.
    pub async fn check(
        &self,
        call: Call,
        address: String,
        repair: bool,
    ) -> Report<Result<Vec<Finding>, Failure>> {
        let plugin = self.0.plugin.clone();
        if plugin.0.setup.is_none() {
            return Report::failed(Error::NotExported { export: Export::Setup });
        }
        self.call(call, "check", move |store| {
            Box::pin(async move {
                let instance = plugin.0.pre.instantiate_async(&mut *store).await?;
                let Some(indices) = &plugin.0.setup else { wasmtime::bail!("no setup") };
                let setup = indices.load(&mut *store, &instance)?;
                setup.call_check(store, &address, repair).await
            })
        })
        .await
    }

    fn restricted(&self, mut work: Vec<Work>) -> Vec<Work> {
        if let Some(sink) = &self.0.plugin.0.manifest.sink {
            personal::restrict(&mut work, &sink.personal);
        }
        work
    }

    async fn with_source<T: Send + 'static>(
        &self,
        call: Call,
        function: &'static str,
        ask: impl for<'a> FnOnce(source::Guest, &'a mut Store<State>) -> Asking<'a, T> + Send + 'static,
    ) -> Report<T> {
        let plugin = self.0.plugin.clone();
        if plugin.0.source.is_none() {
            return Report::failed(Error::NotExported { export: Export::Source });
        }
        self.call(call, function, move |store| {
            Box::pin(async move {
                let instance = plugin.0.pre.instantiate_async(&mut *store).await?;
                let Some(indices) = &plugin.0.source else { wasmtime::bail!("no source") };
                let source = indices.load(&mut *store, &instance)?;
                ask(source, store).await
            })
        })
        .await
    }

    async fn with_sink<T: Send + 'static>(
        &self,
        call: Call,
        function: &'static str,
        ask: impl for<'a> FnOnce(sink::Guest, &'a mut Store<State>) -> Asking<'a, T> + Send + 'static,
    ) -> Report<T> {
        let plugin = self.0.plugin.clone();
        if plugin.0.sink.is_none() {
            return Report::failed(Error::NotExported { export: Export::Sink });
        }
        self.call(call, function, move |store| {
            Box::pin(async move {
                let instance = plugin.0.pre.instantiate_async(&mut *store).await?;
                let Some(indices) = &plugin.0.sink else { wasmtime::bail!("no sink") };
                let sink = indices.load(&mut *store, &instance)?;
                ask(sink, store).await
            })
        })
        .await
    }

    async fn call<T: Send + 'static>(
        &self,
        call: Call,
        function: &'static str,
        ask: impl for<'a> FnOnce(&'a mut Store<State>) -> Asking<'a, T> + Send + 'static,
    ) -> Report<T> {
        let inner = &*self.0;
        let span = tracing::debug_span!(
            target: "crossdock::plugin", "plugin_call",
            connector = %inner.connector, plugin = %inner.plugin.0.label, function, trace = %call.trace
        );
        let start = Instant::now();
        let mut report = self.run(call, ask).instrument(span.clone()).await;
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
            span.in_scope(
                || tracing::warn!(target: "crossdock::plugin", %error, "a plugin's call gave no answer"),
            );
        }
        report
    }

    async fn run<T: Send + 'static>(
        &self,
        call: Call,
        ask: impl for<'a> FnOnce(&'a mut Store<State>) -> Asking<'a, T> + Send + 'static,
    ) -> Report<T> {
        let inner = &*self.0;
        let limits = &inner.limits;
        let (recorder, replay): (Arc<dyn Recorder>, Option<Arc<Replay>>) = match call.replay {
            None => (Arc::new(Live::new(inner.sources.clone(), call.detail)), None),
            Some(transcript) => match Replay::new(transcript) {
                Ok(replay) => {
                    let replay = Arc::new(replay);
                    (replay.clone(), Some(replay))
                }
                Err(error) => return Report::failed(Error::Replay { reason: error.to_string() }),
            },
        };
        let output = Capture::default();
        let whose = Whose {
            connector: inner.connector.clone(),
            plugin: inner.plugin.0.label.clone(),
            trace: call.trace.into(),
        };
        let largest = usize::try_from(inner.sources.client.limits().request).unwrap_or(usize::MAX);
        let (connector, reserved) = (inner.connector.clone(), inner.reserved.clone());
        let hooks = Hooks { recorder: recorder.clone(), connector, reserved, largest };
        let bounds = Bounds {
            memory: limits.memory,
            host_calls: limits.host_calls,
            log_lines: limits.log_lines,
            folder: inner.folder,
        };
        let state = State::new(hooks, whose, &bounds, &output);
        let sandbox = &inner.plugin.0.sandbox;
        let Ran { mut result, handed, memory } =
            run(sandbox, state, limits.deadline, limits.answer, ask).await;
        if let Some(reason) = replay.and_then(|replay| replay.diverged()) {
            result = Err(Error::Replay { reason });
        }
        let result = result.map_err(|error| error.with_words(|| output.last_words()));
        Report { result, transcript: recorder.transcript(), handed, took: Duration::ZERO, memory }
    }
}

/// What came of running something.
pub(crate) struct Ran<T> {
    pub(crate) result: Result<T, Error>,
    /// What was handed over; nothing when there is no answer.
    pub(crate) handed: Handed,
    /// The most memory it had, in bytes.
    pub(crate) memory: usize,
}

/// Runs something in a fresh instance's store, within time and memory.
pub(crate) async fn run<T: Send + 'static>(
    sandbox: &Sandbox,
    state: State,
    deadline: Duration,
    answer: usize,
    ask: impl for<'a> FnOnce(&'a mut Store<State>) -> Asking<'a, T> + Send + 'static,
) -> Ran<T> {
    let inner = &*sandbox.0;
    let end = tokio::time::Instant::now() + deadline;
    let free = tokio::time::timeout_at(end, inner.instances.acquire()).await;
    let Ok(Ok(_instance)) = free else {
        return Ran { result: Err(Error::Busy { after: deadline }), handed: Handed::default(), memory: 0 };
    };
    let _running = inner.ticker.running();
    let mut store = Store::new(&inner.engine, state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(answer);
    let turn = Turn::new(inner.places.clone(), end.saturating_duration_since(tokio::time::Instant::now()));
    let ticks = turn.clone();
    store.epoch_deadline_callback(move |_| Ok(ticks.tick()));
    store.set_epoch_deadline(1);
    // The ticks end a guest that computes; the timeout ends one that waits.
    let ended = tokio::time::timeout_at(end, turn.run(ask(&mut store))).await;
    // Whatever happened, the instance is dropped with its store: no state outlives a call.
    let mut state = store.into_data();
    let handed = std::mem::take(&mut state.handed);
    let memory = state.limiter.used();
    let result = match ended {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(blame(&error, state, deadline, answer)),
        Err(_) => Err(state.broken.unwrap_or(Error::Deadline { after: deadline, words: String::new() })),
    };
    let handed = if result.is_ok() { handed } else { Handed::default() };
    Ran { result, handed, memory }
}

/// What the engine's error means.
fn blame(error: &wasmtime::Error, state: State, deadline: Duration, answer: usize) -> Error {
    let words = String::new();
    if let Some(broken) = state.broken {
        return broken;
    }
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::Interrupt) {
        return Error::Deadline { after: deadline, words };
    }
    // To the guest a refused allocation is one failure among many; the limiter knows better.
    if state.limiter.exceeded() {
        return Error::OutOfMemory { limit: state.limiter.limit(), words };
    }
    // The engine has no type for it: the guest hands over more than the host will take.
    if format!("{error:#}").contains("fuel allocated for hostcalls has been exhausted") {
        return Error::BadAnswer { reason: format!("it holds more than {answer} bytes") };
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        let limit = u32::try_from(HANDLES).unwrap_or(u32::MAX);
        return Error::Excess { what: "things of the host at once", limit, words };
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return Error::Trapped { reason: format!("it exited with status {}", exit.0), words };
    }
    if trap.is_some() {
        return Error::Trapped { reason: short(&format!("{error:#}")), words };
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return Error::Start { reason: format!("{error:#}") };
    }
    // Everything else breaks the rules of components: a string that is no text, a handle that is none.
    Error::BadAnswer { reason: short(&format!("{error:#}")) }
}

/// The first lines of a long text.
fn short(text: &str) -> String {
    text.lines().take(20).collect::<Vec<_>>().join("\n")
}

fn few(count: usize, most: u32) -> Result<(), String> {
    if count as u64 <= u64::from(most) {
        Ok(())
    } else {
        Err(format!("{count} events, where at most {most} were asked for"))
    }
}

fn as_many(count: usize, asked: usize) -> Result<(), String> {
    if count == asked { Ok(()) } else { Err(format!("{count} answers to {asked} pieces of work")) }
}

impl<T> Report<T> {
    fn failed(error: Error) -> Self {
        Self {
            result: Err(error),
            transcript: Transcript::default(),
            handed: Handed::default(),
            took: Duration::ZERO,
            memory: 0,
        }
    }

    fn check(&mut self, check: impl FnOnce(&T) -> Result<(), String>) {
        if let Ok(answer) = &self.result
            && let Err(reason) = check(answer)
        {
            self.result = Err(Error::BadAnswer { reason });
            self.handed = Handed::default();
        }
    }
}
