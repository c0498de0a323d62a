//! The memory that a plugin makes the host use is limited like its own.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

mod guests;
#[path = "../../egress/tests/server/mod.rs"]
mod server;

use crossdock_egress::Access;
use crossdock_sandbox::{Error, Guest};
use guests::{failure, guest, guest_with, limits, note};
use serde_json::json;
use server::{Server, respond};

/// The peak memory of the process, in MiB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() / 1024
}

fn memory_hungry(mode: &str, count: u32, server: &Server) -> Guest {
    let access = Access { hosts: vec![server.url("")], ..Access::default() };
    guest_with(json!({ "mode": mode, "url": server.url(""), "count": count }), access, limits())
}

// One test: the cases must not run concurrently, because the memory of the process is measured.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_cannot_make_the_host_use_more_memory_than_its_own_limit() {
    let server = Server::start(|_| respond(200, &[], "ok")).await;
    // The plugin is compiled and loaded, and an instance's memory has been touched.
    assert!(matches!(failure(&guest("memory-bomb")).await, Error::OutOfMemory { .. }));
    let before = peak();

    let taken: usize = note(&memory_hungry("many-unsent-bodies", 400, &server)).await.parse().unwrap();
    assert!(taken > 0 && taken <= 16 << 20, "400 unsent bodies take {taken} bytes");
    let error = failure(&memory_hungry("many-unsent-bodies", 1_000_000, &server)).await;
    assert!(matches!(error, Error::Excess { limit: 2000, .. }), "{error}");
    assert!(error.plugin_failed());

    // Of 300 MiB the host buffers what the call's budget allows.
    let taken: usize = note(&memory_hungry("many-open-bodies", 300, &server)).await.parse().unwrap();
    assert!(taken > 64 << 20, "the guest wrote {taken} bytes");
    assert_eq!(server.requests().len(), 0, "an unfinished request was sent");

    let grown = peak().saturating_sub(before);
    assert!(grown < 192, "the host grew by {grown} MiB");
    assert_eq!(note(&guest("ok")).await, "done");
}
