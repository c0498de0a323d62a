//! The host's side of one instance: its WASI, its limits, and the contract's host interfaces.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use crossdock_egress::recorder::{LookupFailed, Recorder, StoreRecord};
use crossdock_model::common::{Entity, Reference};
use rand_core::TryRng;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::bindings::crossdock::host::{config, files, log, mappings, numbers, references, stores};
use crate::error::Error;
use crate::http::HttpHooks;
use crate::memory_limiter::MemoryLimiter;
use crate::outbox::Outbox;
use crate::output_tail::OutputTail;

/// The longest log message of a plugin; the rest is cut off.
const MAX_MESSAGE_BYTES: usize = 2048;

/// How many host resources a call may hold at once: requests, bodies, responses, streams. 200 requests whose
/// parts a plugin frees late (as an interpreter does) need no more, and with the limits below they take about as
/// much memory on the host's side as the plugin may have itself.
pub(crate) const MAX_RESOURCES: usize = 2000;

/// The size of a request's or a response's headers; servers usually stop at 8 KiB.
const MAX_HEADER_BYTES: usize = 16 << 10;

/// Which call it is, for logs.
#[derive(Clone)]
pub(crate) struct CallLabels {
    pub(crate) connector: Arc<str>,
    pub(crate) plugin: Arc<str>,
    pub(crate) trace: Arc<str>,
}

/// The host's side of one instance.
pub(crate) struct HostState {
    wasi: WasiCtx,
    table: ResourceTable,
    http: WasiHttpCtx,
    hooks: HttpHooks,
    recorder: Arc<dyn Recorder>,
    labels: CallLabels,
    pub(crate) limiter: MemoryLimiter,
    /// Calls made, and the limit.
    host_calls: (u32, u32),
    /// Lines logged, and the limit.
    log_lines: (u32, u32),
    outbox_bytes: Option<u64>,
    pub(crate) outbox: Outbox,
    /// Why a host function aborted the call: the trap that follows says less.
    pub(crate) aborted: Option<Error>,
}

/// The limits of one instance.
pub(crate) struct InstanceLimits {
    pub(crate) memory: usize,
    pub(crate) host_calls: u32,
    pub(crate) log_lines: u32,
    /// Bytes of files in the outbox. Absent: there is no exchange folder.
    pub(crate) outbox_bytes: Option<u64>,
}

impl HostState {
    pub(crate) fn new(
        hooks: HttpHooks,
        labels: CallLabels,
        limits: &InstanceLimits,
        output: &OutputTail,
    ) -> Self {
        let recorder = hooks.recorder.clone();
        let mut seed = [0; 16];
        recorder.random(&mut seed);
        let mut wasi = WasiCtx::builder();
        wasi.stdout(output.clone())
            .stderr(output.clone())
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .secure_random(RecorderRng(recorder.clone()))
            .insecure_random(RecorderRng(recorder.clone()))
            .insecure_random_seed(u128::from_le_bytes(seed))
            .max_random_size(1 << 20)
            .wall_clock(RecorderWallClock(recorder.clone()))
            .monotonic_clock(RecorderMonotonicClock(recorder.clone()));
        let (mut table, mut http) = (ResourceTable::new(), WasiHttpCtx::new());
        table.set_max_capacity(MAX_RESOURCES);
        http.set_field_size_limit(MAX_HEADER_BYTES);
        Self {
            wasi: wasi.build(),
            table,
            http,
            hooks,
            recorder,
            labels,
            limiter: MemoryLimiter::new(limits.memory),
            host_calls: (0, limits.host_calls),
            log_lines: (0, limits.log_lines),
            outbox_bytes: limits.outbox_bytes,
            outbox: Outbox::default(),
            aborted: None,
        }
    }

    /// Counts a call of a host function.
    fn count_call(&mut self) -> wasmtime::Result<()> {
        let (made, limit) = &mut self.host_calls;
        *made = made.saturating_add(1);
        if *made <= *limit {
            return Ok(());
        }
        let error = Error::Excess { what: "host calls", limit: *limit, output: String::new() };
        Err(self.abort(error))
    }

    /// The result of a look-up; a failed one aborts the call.
    fn found<T>(&mut self, result: Result<T, LookupFailed>) -> wasmtime::Result<T> {
        result.map_err(|error| self.abort(Error::Lookup { reason: error.to_string() }))
    }

    /// Records why the call is aborted. Returns the trap that aborts it.
    fn abort(&mut self, error: Error) -> wasmtime::Error {
        let trap = wasmtime::Error::msg(error.to_string());
        self.aborted.get_or_insert(error);
        trap
    }
}

impl config::Host for HostState {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        self.count_call()?;
        Ok(self.recorder.setting(&name))
    }
}

impl log::Host for HostState {
    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.count_call()?;
        let CallLabels { connector, plugin, trace } = &self.labels;
        let (written, limit) = &mut self.log_lines;
        *written = written.saturating_add(1);
        if *written > *limit {
            if *written == limit.saturating_add(1) {
                tracing::warn!(target: "crossdock::plugin", %connector, %plugin, %trace, "the plugin reached its limit of log lines; the rest of the call is not logged");
            }
            return Ok(());
        }
        let message = truncated(&message, MAX_MESSAGE_BYTES);
        match level {
            log::Level::Debug => {
                tracing::debug!(target: "crossdock::plugin", %connector, %plugin, %trace, "{message}")
            }
            log::Level::Info => {
                tracing::info!(target: "crossdock::plugin", %connector, %plugin, %trace, "{message}")
            }
            log::Level::Warn => {
                tracing::warn!(target: "crossdock::plugin", %connector, %plugin, %trace, "{message}")
            }
            log::Level::Error => {
                tracing::error!(target: "crossdock::plugin", %connector, %plugin, %trace, "{message}")
            }
        }
        Ok(())
    }
}

impl references::Host for HostState {
    async fn find(&mut self, entity: Entity) -> wasmtime::Result<Vec<Reference>> {
        self.count_call()?;
        let found = self.recorder.clone().references(&entity).await;
        self.found(found)
    }

    async fn resolve(&mut self, kind: String, id: String) -> wasmtime::Result<Option<Entity>> {
        self.count_call()?;
        let found = self.recorder.clone().entity(&kind, &id).await;
        self.found(found)
    }
}

impl mappings::Host for HostState {
    async fn get(&mut self, table: String, value: String) -> wasmtime::Result<Option<String>> {
        self.count_call()?;
        let found = self.recorder.clone().mapping(&table, &value).await;
        self.found(found)
    }
}

impl stores::Host for HostState {
    async fn get(&mut self, id: String) -> wasmtime::Result<Option<stores::Store>> {
        self.count_call()?;
        let found = self.recorder.clone().store(None, &id).await;
        self.found(found).map(|found| found.map(store))
    }

    async fn find(&mut self, system: String, code: String) -> wasmtime::Result<Option<stores::Store>> {
        self.count_call()?;
        let found = self.recorder.clone().store(Some(&system), &code).await;
        self.found(found).map(|found| found.map(store))
    }
}

fn store(record: StoreRecord) -> stores::Store {
    let StoreRecord { id, name, zone, country, region, legal_entity, warehouse, currency } = record;
    stores::Store { id, name, zone, country, region, legal_entity, warehouse, currency }
}

impl files::Host for HostState {
    fn put(&mut self, name: String, content: Vec<u8>) -> wasmtime::Result<Result<(), files::Refusal>> {
        self.count_call()?;
        Ok(self.outbox.add_file(self.outbox_bytes, &name, content))
    }
}

impl numbers::Host for HostState {
    async fn next(&mut self, sequence: String) -> wasmtime::Result<u64> {
        self.count_call()?;
        let number = self.recorder.clone().number(&sequence).await;
        let number = self.found(number)?;
        self.outbox.use_number(&sequence, number);
        Ok(number)
    }
}

impl WasiView for HostState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for HostState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

/// The beginning of a text.
fn truncated(text: &str, max_bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(max_bytes)).unwrap_or(text)
}

/// The recorder's time. A finer resolution would allow timing attacks.
struct RecorderWallClock(Arc<dyn Recorder>);

impl HostWallClock for RecorderWallClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.now().0).unwrap_or(0))
    }
}

/// The recorder's elapsed time of the call.
struct RecorderMonotonicClock(Arc<dyn Recorder>);

impl HostMonotonicClock for RecorderMonotonicClock {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The recorder's random numbers.
struct RecorderRng(Arc<dyn Recorder>);

impl TryRng for RecorderRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.random(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.random(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, fill: &mut [u8]) -> Result<(), Infallible> {
        self.0.random(fill);
        Ok(())
    }
}
