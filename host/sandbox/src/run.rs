//! Runs a call in a fresh instance, within its limits, and maps failures of the engine.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use wasmtime::component::ResourceTableError;
use wasmtime::{Store, Trap};

use crate::engine::Runtime;
use crate::error::Error;
use crate::host_state::{HostState, MAX_RESOURCES};
use crate::outbox::Outbox;
use crate::scheduling::CpuShare;

/// The future of a call within a store.
pub(crate) type Running<'a, T> = Pin<Box<dyn Future<Output = wasmtime::Result<T>> + Send + 'a>>;

/// The result of a run.
pub(crate) struct Run<T> {
    pub(crate) result: Result<T, Error>,
    /// Empty when the result is an error.
    pub(crate) outbox: Outbox,
    /// Peak memory in bytes.
    pub(crate) memory: usize,
}

/// Runs a call in a fresh store. `answer_bytes` limits what the guest passes to the host in one call.
pub(crate) async fn run<T: Send + 'static>(
    runtime: &Runtime,
    state: HostState,
    deadline: Duration,
    answer_bytes: usize,
    call: impl for<'a> FnOnce(&'a mut Store<HostState>) -> Running<'a, T> + Send + 'static,
) -> Run<T> {
    let end = Instant::now() + deadline;
    let Ok(Ok(_instance)) = timeout_at(end, runtime.instances.acquire()).await else {
        return Run { result: Err(Error::Busy { after: deadline }), outbox: Outbox::default(), memory: 0 };
    };
    let _ticks = runtime.ticker.keep_ticking();
    let mut store = Store::new(&runtime.engine, state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(answer_bytes);
    let share = CpuShare::new(runtime.long_runs.clone(), end.saturating_duration_since(Instant::now()));
    let on_tick = share.clone();
    store.epoch_deadline_callback(move |_| Ok(on_tick.tick()));
    store.set_epoch_deadline(1);
    // The ticks end a guest that computes; the timeout ends one that waits.
    let ended = timeout_at(end, share.run(call(&mut store))).await;
    // The instance is dropped with its store in any case: no state outlives a call.
    let mut state = store.into_data();
    let outbox = std::mem::take(&mut state.outbox);
    let memory = state.limiter.peak();
    let result = match ended {
        Ok(Ok(value)) => return Run { result: Ok(value), outbox, memory },
        Ok(Err(error)) => Err(failure(&error, state, deadline, answer_bytes)),
        Err(_) => Err(state.aborted.unwrap_or(Error::Deadline { after: deadline, output: String::new() })),
    };
    Run { result, outbox: Outbox::default(), memory }
}

/// Maps an error of the engine.
fn failure(error: &wasmtime::Error, state: HostState, deadline: Duration, answer_bytes: usize) -> Error {
    let output = String::new();
    if let Some(aborted) = state.aborted {
        return aborted;
    }
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::Interrupt) {
        return Error::Deadline { after: deadline, output };
    }
    // A refused allocation can end in any error of the guest; only the limiter knows the cause.
    if state.limiter.exceeded() {
        return Error::OutOfMemory { limit: state.limiter.limit(), output };
    }
    // The engine has no type for this error: the guest passes more bytes than the host accepts.
    if format!("{error:#}").contains("fuel allocated for hostcalls has been exhausted") {
        return Error::BadAnswer { reason: format!("it has more than {answer_bytes} bytes") };
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        let limit = u32::try_from(MAX_RESOURCES).unwrap_or(u32::MAX);
        return Error::Excess { what: "host resources at once", limit, output };
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return Error::Trapped { reason: format!("it exited with status {}", exit.0), output };
    }
    if trap.is_some() {
        return Error::Trapped { reason: first_lines(&format!("{error:#}")), output };
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return Error::Start { reason: format!("{error:#}") };
    }
    // Everything else violates the rules of components: invalid UTF-8, an invalid handle.
    Error::BadAnswer { reason: first_lines(&format!("{error:#}")) }
}

fn first_lines(text: &str) -> String {
    text.lines().take(20).collect::<Vec<_>>().join("\n")
}
