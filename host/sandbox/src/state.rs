//! What one instance has of the host.

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
use crate::capture::Capture;
use crate::error::Error;
use crate::handed::{Handed, Refused};
use crate::http::Hooks;
use crate::limit::Limiter;

/// The longest message a plugin can log; the rest is cut off.
const MESSAGE: usize = 2048;

/// How many things of the host a call may hold at once: requests, bodies, answers, streams. 200 requests whose
/// parts a plugin frees late (an interpreter does) need no more, and with the sizes below what they take on
/// the host's side stays about what the plugin may have itself.
pub(crate) const HANDLES: usize = 2000;

/// The most that a request's or an answer's headers may take, in bytes; servers stop at 8 KiB.
const HEADERS: usize = 16 << 10;

/// Whose call it is, for logs.
#[derive(Clone)]
pub(crate) struct Whose {
    pub(crate) connector: Arc<str>,
    pub(crate) plugin: Arc<str>,
    pub(crate) trace: Arc<str>,
}

/// What one instance has of the host, and what is left of its limits.
pub(crate) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    http: WasiHttpCtx,
    hooks: Hooks,
    recorder: Arc<dyn Recorder>,
    whose: Whose,
    pub(crate) limiter: Limiter,
    host_calls: (u32, u32),
    log_lines: (u32, u32),
    folder: Option<u64>,
    pub(crate) handed: Handed,
    /// Why a host function ended the call: the trap that follows says less.
    pub(crate) broken: Option<Error>,
}

/// The numbers that bound an instance.
pub(crate) struct Bounds {
    pub(crate) memory: usize,
    pub(crate) host_calls: u32,
    pub(crate) log_lines: u32,
    /// How many bytes of files a call may hand over. Absent: there is no exchange folder.
    pub(crate) folder: Option<u64>,
}

impl State {
    pub(crate) fn new(hooks: Hooks, whose: Whose, bounds: &Bounds, output: &Capture) -> Self {
        let recorder = hooks.recorder.clone();
        let mut seed = [0; 16];
        recorder.random(&mut seed);
        let mut wasi = WasiCtx::builder();
        wasi.stdout(output.clone())
            .stderr(output.clone())
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .secure_random(Random(recorder.clone()))
            .insecure_random(Random(recorder.clone()))
            .insecure_random_seed(u128::from_le_bytes(seed))
            .max_random_size(1 << 20)
            .wall_clock(Wall(recorder.clone()))
            .monotonic_clock(Elapsed(recorder.clone()));
        let (mut table, mut http) = (ResourceTable::new(), WasiHttpCtx::new());
        table.set_max_capacity(HANDLES);
        http.set_field_size_limit(HEADERS);
        Self {
            wasi: wasi.build(),
            table,
            http,
            hooks,
            recorder,
            whose,
            limiter: Limiter::new(bounds.memory),
            host_calls: (0, bounds.host_calls),
            log_lines: (0, bounds.log_lines),
            folder: bounds.folder,
            handed: Handed::default(),
            broken: None,
        }
    }

    /// Counts a call of the host.
    fn count(&mut self) -> wasmtime::Result<()> {
        let (made, limit) = &mut self.host_calls;
        *made = made.saturating_add(1);
        if *made <= *limit {
            return Ok(());
        }
        let error = Error::Excess { what: "calls of the host", limit: *limit, words: String::new() };
        Err(self.end(error))
    }

    /// What was looked up; where the host could not look, the call ends.
    fn looked<T>(&mut self, found: Result<T, LookupFailed>) -> wasmtime::Result<T> {
        found.map_err(|error| self.end(Error::Lookup { reason: error.to_string() }))
    }

    fn end(&mut self, error: Error) -> wasmtime::Error {
        let reason = wasmtime::Error::msg(error.to_string());
        self.broken.get_or_insert(error);
        reason
    }
}

impl config::Host for State {
    fn get(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        self.count()?;
        Ok(self.recorder.setting(&name))
    }
}

impl log::Host for State {
    fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.count()?;
        let Whose { connector, plugin, trace } = &self.whose;
        let (written, limit) = &mut self.log_lines;
        *written = written.saturating_add(1);
        if *written > *limit {
            if *written == limit.saturating_add(1) {
                tracing::warn!(target: "crossdock::plugin", %connector, %plugin, %trace, "the plugin logs too much; the rest of the call is left out");
            }
            return Ok(());
        }
        let message = cut(&message, MESSAGE);
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

impl references::Host for State {
    async fn find(&mut self, entity: Entity) -> wasmtime::Result<Vec<Reference>> {
        self.count()?;
        let found = self.recorder.clone().references(&entity).await;
        self.looked(found)
    }

    async fn resolve(&mut self, kind: String, id: String) -> wasmtime::Result<Option<Entity>> {
        self.count()?;
        let found = self.recorder.clone().entity(&kind, &id).await;
        self.looked(found)
    }
}

impl mappings::Host for State {
    async fn get(&mut self, table: String, value: String) -> wasmtime::Result<Option<String>> {
        self.count()?;
        let found = self.recorder.clone().mapping(&table, &value).await;
        self.looked(found)
    }
}

impl stores::Host for State {
    async fn get(&mut self, id: String) -> wasmtime::Result<Option<stores::Store>> {
        self.count()?;
        let found = self.recorder.clone().store(None, &id).await;
        self.looked(found).map(|found| found.map(store))
    }

    async fn find(&mut self, system: String, code: String) -> wasmtime::Result<Option<stores::Store>> {
        self.count()?;
        let found = self.recorder.clone().store(Some(&system), &code).await;
        self.looked(found).map(|found| found.map(store))
    }
}

fn store(record: StoreRecord) -> stores::Store {
    let StoreRecord { id, name, zone, country, region, legal_entity, warehouse, currency } = record;
    stores::Store { id, name, zone, country, region, legal_entity, warehouse, currency }
}

impl files::Host for State {
    fn put(&mut self, name: String, content: Vec<u8>) -> wasmtime::Result<Result<(), files::Refusal>> {
        self.count()?;
        Ok(self.handed.file(self.folder, &name, content).map_err(|refused| match refused {
            Refused::NoFolder => files::Refusal::NoFolder,
            Refused::BadName => files::Refusal::BadName,
            Refused::TooLarge(most) => files::Refusal::TooLarge(most),
        }))
    }
}

impl numbers::Host for State {
    async fn next(&mut self, sequence: String) -> wasmtime::Result<u64> {
        self.count()?;
        let number = self.recorder.clone().number(&sequence).await;
        let number = self.looked(number)?;
        self.handed.number(&sequence, number);
        Ok(number)
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

/// The beginning of a text, at most so many bytes.
fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

/// The time, of the recorder. A finer resolution would tell the guest what it has no business to know.
struct Wall(Arc<dyn Recorder>);

impl HostWallClock for Wall {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.now().0).unwrap_or(0))
    }
}

/// How long the call has been running, of the recorder.
struct Elapsed(Arc<dyn Recorder>);

impl HostMonotonicClock for Elapsed {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Random numbers, of the recorder.
struct Random(Arc<dyn Recorder>);

impl TryRng for Random {
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
