//! `crossdock serve`: starts a host from its configuration file, and stops it after the calls in flight have ended.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use axum::Router;
use crossdock_egress::Secrets;
use crossdock_engine::{Error as StorageError, MasterKey, Store};
use crossdock_flow::{Flow, Handle, Options};
use crossdock_model::time::{Clock as _, SystemClock};
use crossdock_storage::{CacheOptions, Cached, Sqlite, SqliteOptions, Writer, WriterOptions};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::api::{self, TokenCache};
use crate::assemble::{self, Assembler};
use crate::cli::print::Printer;
use crate::config::{Config, Storage};
use crate::health::{self, Health};
use crate::intake::{self, Intake};
use crate::safeguards::safeguards;
use crate::stored::Stored;
use crate::{master_key, registry, telemetry};

/// Runs the host until Ctrl-C or SIGTERM, and then lets the calls in flight end.
///
/// # Errors
/// When the configuration cannot be used, the database cannot be opened, or a part of the host fails.
pub async fn run(path: &Path) -> anyhow::Result<()> {
    telemetry::log();
    let config = Config::read(path)?;
    let health = Health::new(telemetry::metrics()?);
    let listener = TcpListener::bind(&config.server.listen)
        .await
        .with_context(|| format!("listening on {}", config.server.listen))?;
    let address = listener.local_addr()?;
    let store = store_over(Arc::new(open_sqlite(&config.storage).await?));
    let (writer, writing) = Writer::start(store.clone(), WriterOptions::default());
    registry::at_start(&config.registry, &store, &writer, SystemClock.now()).await?;
    let secrets = Arc::new(Stored::new(store.clone(), writer.clone(), Arc::new(SystemClock)));
    let assembler = Arc::new(Assembler::new(config.clone(), store.clone(), secrets)?);
    let connectors = assembler.connectors().await?;
    assembler.archive(&connectors).await;
    let options = Options {
        backlog: config.server.backlog,
        retention: config.retention.periods(),
        seed: rand::random(),
        safeguards: safeguards(),
        ownership: config.ownership.clone(),
        ..Options::default()
    };
    let rules = assemble::routes(&config)?;
    let flow = Flow::new(store.clone(), writer, Arc::new(SystemClock), connectors, rules, options)?;
    let handle = flow.handle();
    first_token(&handle, config.server.first_token.as_deref()).await?;

    let stop = CancellationToken::new();
    let moving = tokio::spawn(flow.run(stop.clone()));
    let router = router(&config, &handle, &health, assembler);
    drop(handle);
    let closing = CancellationToken::new();
    let served = tokio::spawn({
        let closing = closing.clone();
        async move { axum::serve(listener, router).with_graceful_shutdown(closing.cancelled_owned()).await }
    });
    health.ready(true);
    tracing::info!("listening on http://{address}");

    stop_requested(&moving).await;
    tracing::info!("stopping: calls in flight may end, queued deliveries stay in the database");
    health.ready(false);
    stop.cancel();
    closing.cancel();
    let drain = async {
        let moved = moving.await;
        let served = served.await;
        writing.await?;
        moved?.context("running the flow")?;
        served?.context("serving HTTP")
    };
    match tokio::time::timeout(config.server.drain.0, drain).await {
        Ok(ended) => ended?,
        // Deliveries in flight are claimed durably, so the next start looks them up.
        Err(_) => tracing::warn!(
            "stopped with calls in flight: they did not end within {:?}",
            config.server.drain.0
        ),
    }
    tracing::info!("stopped");
    Ok(())
}

/// Loads everything that the configuration names, with a temporary database: a running host is not touched, and
/// neither database nor key is created.
///
/// # Errors
/// When `serve` would refuse the configuration.
pub async fn check(path: &Path, print: Printer) -> anyhow::Result<()> {
    telemetry::log();
    let config = Config::read(path)?;
    sqlite_path(&config.storage)?;
    master_key::look(&config.storage.key)?;
    if let Some(place) = &config.server.first_token {
        given_token(place)?;
    }
    let file = std::env::temp_dir().join(format!("crossdock-check-{}.db", std::process::id()));
    let database = Sqlite::open(SqliteOptions::new(&file, MasterKey::new([0; 32]))).await?;
    let store = store_over(Arc::new(database));
    let sound = async {
        registry::look(&config.registry)?;
        assemble::routes(&config)?;
        let (writer, _ends_with_it) = Writer::start(store.clone(), WriterOptions::default());
        let secrets = Arc::new(Stored::new(store.clone(), writer, Arc::new(SystemClock)));
        Assembler::new(config.clone(), store.clone(), secrets)?.connectors().await
    };
    let sound = sound.await;
    drop(store);
    for suffix in ["", "-wal", "-shm", ".lock"] {
        // A temporary file that cannot be removed does no harm.
        std::fs::remove_file(file.with_extension(format!("db{suffix}"))).ok();
    }
    let (connectors, routes) = (sound?.len(), config.routes.len());
    let answer = json!({ "sound": true, "connectors": connectors, "routes": routes });
    print.done(&answer, &format!("{} is sound: {connectors} connectors, {routes} routes", path.display()));
    Ok(())
}

fn sqlite_path(storage: &Storage) -> anyhow::Result<&Path> {
    let path = storage.url.strip_prefix("sqlite://").with_context(|| {
        format!("storage.url `{}`: this host keeps its data in SQLite; write `sqlite://PATH`", storage.url)
    })?;
    Ok(Path::new(path))
}

/// Opens the database.
///
/// # Errors
/// When it cannot be opened or created, another host has it open, or the storage key is not its key.
pub async fn open_sqlite(storage: &Storage) -> anyhow::Result<Sqlite> {
    let path = sqlite_path(storage)?;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    let options = SqliteOptions::new(path, master_key::find(&storage.key)?);
    Sqlite::open(options).await.map_err(|error| match error {
        StorageError::WrongMasterKey => {
            anyhow!("{error}; after `crossdock secret rekey`, `storage.key` has to name the new key")
        }
        other => other.into(),
    })
}

/// The engine over a database, with a cache between them.
pub fn store_over(database: Arc<Sqlite>) -> Store {
    let cached = Arc::new(Cached::new(Arc::clone(&database), CacheOptions::default()));
    Store::new(cached, database, safeguards())
}

fn router(config: &Config, handle: &Handle, health: &Health, loader: Arc<Assembler>) -> Router {
    let body_limit = usize::try_from(config.server.body_limit.as_u64()).unwrap_or(usize::MAX);
    let state = api::State { handle: handle.clone(), tokens: Arc::new(TokenCache::default()), loader };
    Router::new()
        .merge(health::router(health.clone()))
        .merge(intake::router(Intake { handle: handle.clone(), body_limit }))
        .merge(api::router(state))
}

/// Creates the first token if the database has none, since a host without a token cannot be operated.
async fn first_token(handle: &Handle, given: Option<&str>) -> anyhow::Result<()> {
    if !handle.store().tokens().await?.is_empty() {
        return Ok(());
    }
    let token = match given {
        Some(place) => given_token(place)?,
        None => {
            let token = api::new_token();
            println!("API token, shown this once: {token}");
            token
        }
    };
    handle.put_token("first", api::hash_of(&token), "host").await?;
    Ok(())
}

fn given_token(place: &str) -> anyhow::Result<String> {
    let secrets = Secrets::load([("first-token", [place])])?;
    let secret = secrets.get("first-token").context("server.first-token has no value")?;
    Ok(secret.expose().to_owned())
}

/// Waits for Ctrl-C, SIGTERM, or the flow ending by itself.
async fn stop_requested<T>(moving: &tokio::task::JoinHandle<T>) {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                tracing::error!(%error, "listening for SIGTERM failed");
                std::future::pending::<()>().await;
            }
        }
    };
    let ended = async {
        while !moving.is_finished() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
        () = ended => tracing::error!("the flow ended unexpectedly: stopping"),
    }
}
