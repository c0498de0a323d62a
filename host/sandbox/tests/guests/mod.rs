//! The hostile plugin, built once, and helpers to call it.
#![allow(dead_code)]

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use crossdock_egress::{Access, Client, Egress, Options as EgressOptions, Secrets};
use crossdock_model::common::{Entity, EntityKind, Personal};
use crossdock_model::connector::{Inbound, Outcome, Work};
use crossdock_model::event::{Customer, Event, Fact};
use crossdock_sandbox::{Call, Error, Grants, Guest, Limits, Options, Plugin, Report, Sandbox, manifest};

pub const MANIFEST: &str = include_str!("../../../../tests/guests/plugin.toml");

/// The component without its manifest, from the directory `CROSSDOCK_GUESTS` if that is set, else built here.
pub fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| {
        let path = match std::env::var_os("CROSSDOCK_GUESTS") {
            Some(dir) => PathBuf::from(dir).join("crossdock_guests.wasm"),
            None => build(),
        };
        std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    })
}

fn build() -> PathBuf {
    let built = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()))
        .args([
            "build",
            "-p",
            "crossdock-guests",
            "--lib",
            "--target",
            "wasm32-wasip2",
            "--profile",
            "plugin",
        ])
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    String::from_utf8(built.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default())
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .find(|file| file.ends_with("crossdock_guests.wasm"))
        .expect("cargo names the component")
}

/// The plugin file.
pub fn file() -> Vec<u8> {
    manifest::pack(component(), MANIFEST).unwrap()
}

/// The cache is shared by all tests: compiling takes longer than all of them together.
fn cache_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("compiled")
}

/// Options with the plugin in the cache.
pub fn options() -> Options {
    plugin();
    Options { cache: Some(cache_dir()), compile_timeout: Duration::from_secs(900), ..Options::default() }
}

/// The plugin, loaded once for all tests of a binary. Tests may run in several processes: the first one compiles,
/// the others wait for it.
pub fn plugin() -> Plugin {
    static PLUGIN: OnceLock<Plugin> = OnceLock::new();
    PLUGIN
        .get_or_init(|| {
            let lock = std::fs::File::create(cache_dir().with_extension("lock")).unwrap();
            lock.lock().unwrap();
            // On a thread of its own: blocking is not allowed within a test's runtime.
            let load = std::thread::spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let compile_timeout = Duration::from_secs(900);
                let options = Options {
                    cache: Some(cache_dir()),
                    allow_unsigned: true,
                    compile_timeout,
                    ..Options::default()
                };
                runtime.block_on(Sandbox::new(options).unwrap().load(file(), None)).unwrap()
            });
            load.join().unwrap()
        })
        .clone()
}

pub fn client(access: Access) -> Client {
    Client::new(&Egress::new(EgressOptions::default()).unwrap(), access).unwrap()
}

pub fn secrets(text: &str) -> Secrets {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, text).unwrap();
    let location = format!("file:{}", path.display());
    Secrets::load([("token", [location.as_str()])]).unwrap()
}

/// The plugin in a mode, with the limits of tests.
pub fn guest(mode: &str) -> Guest {
    guest_with(serde_json::json!({ "mode": mode }), Access::default(), limits())
}

pub fn guest_with(settings: serde_json::Value, access: Access, limits: Limits) -> Guest {
    let grants = Grants { limits, ..Grants::new("test", settings, client(access)) };
    Guest::new(&plugin(), grants).unwrap()
}

pub fn limits() -> Limits {
    Limits { deadline: Duration::from_secs(10), ..Limits::default() }
}

pub fn work() -> Work {
    let entity =
        Entity { system: "hostile".into(), tenant: "t".into(), kind: EntityKind::Customer, id: "1".into() };
    let personal = Personal {
        name: Some("Ada".into()),
        email: Some("ada@example.com".into()),
        phone: None,
        billing: None,
        shipping: None,
        locale: None,
        note: None,
        ip_address: None,
        status_url: None,
        card_last4: None,
        attributes: vec![],
        line_attributes: vec![],
    };
    let event = Event {
        entity,
        parent: None,
        version: None,
        occurred_at: "2026-11-23T09:30:00Z".into(),
        fact: Fact::CustomerUpdated(Customer { personal: Some(personal), accepts_marketing: false }),
    };
    Work {
        key: "hostile/t/customer/1/updated".into(),
        short_key: "K".into(),
        serial: 1,
        attempt: 1,
        resume: None,
        event,
        references: Vec::new(),
        parent_references: Vec::new(),
    }
}

pub fn inbound() -> Inbound {
    Inbound {
        id: "1".into(),
        received_at: "2026-11-23T09:30:00Z".into(),
        method: "POST".into(),
        file: None,
        query: String::new(),
        headers: Vec::new(),
        body: b"hello".to_vec(),
    }
}

pub async fn deliver(guest: &Guest) -> Report<Vec<Outcome>> {
    guest.deliver(Call::default(), vec![work()]).await
}

/// The one outcome's note.
pub async fn note(guest: &Guest) -> String {
    noted(&deliver(guest).await.result.unwrap())
}

pub fn noted(outcomes: &[Outcome]) -> String {
    match outcomes {
        [Outcome::Posted(receipt)] => receipt.note.clone().unwrap(),
        other => panic!("{other:?}"),
    }
}

pub async fn failure(guest: &Guest) -> Error {
    deliver(guest).await.result.unwrap_err()
}
