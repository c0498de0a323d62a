//! A new database gets its tables and its keys in one transaction; an old one is opened with its master key.

use crossdock_engine::{Error, MasterKey, Result};
use rand::RngCore as _;
use sha2::{Digest as _, Sha256};
use sqlx::SqliteConnection;

use super::statement::{execute, failed, fetch_all, statements};
use crate::vault::{SealedVault, Vault};

/// The tables.
const TABLES: &str = include_str!("../../schema/sqlite.sql");
/// How many bytes of the digest of the tables make their version.
const VERSION_BYTES: usize = 4;

/// The version of the tables: until the first release they are edited in place, and a database with others is refused.
fn version() -> String {
    let digest = Sha256::digest(TABLES.as_bytes());
    hex::encode(digest.get(..VERSION_BYTES).unwrap_or_default())
}

statements! {
    HAS_TABLES "looking for tables": "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = 'meta'";
    BEGIN "beginning to make the database": "BEGIN IMMEDIATE";
    COMMIT "making the database": "COMMIT";
    READ "reading the identity of the database": "SELECT name, value FROM meta";
    WRITE "writing the identity of the database":
        "INSERT INTO meta (name, value) VALUES ('schema', ?), ('node', ?), ('incarnation', ?), \
         ('database_key', ?), ('fingerprint_secret', ?), ('search_secret', ?)";
}

/// Makes the tables of a new database, or opens an old one.
///
/// # Errors
/// [`Error::WrongMasterKey`]; [`Error::Unreadable`] when the tables are of another version.
pub(super) async fn open(connection: &mut SqliteConnection, master: &MasterKey, node: &str) -> Result<Vault> {
    if fetch_all(connection, &HAS_TABLES, |_| {}, |_| Ok(())).await?.is_empty() {
        return make(connection, master, node).await;
    }
    let meta =
        fetch_all(connection, &READ, |_| {}, |cells| Ok((cells.next::<String>()?, cells.next::<String>()?)));
    let meta = meta.await?;
    let value = |wanted: &str| {
        meta.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let (stored, own) = (value("schema"), version());
    if stored != own {
        let reason = format!("its tables are of version {stored}; this host reads and writes version {own}");
        return Err(Error::Unreadable { what: "the database".into(), reason });
    }
    let sealed = SealedVault {
        key: value("database_key"),
        fingerprints: value("fingerprint_secret"),
        search: value("search_secret"),
    };
    Vault::open(master, &sealed)
}

async fn make(connection: &mut SqliteConnection, master: &MasterKey, node: &str) -> Result<Vault> {
    let vault = Vault::new();
    let sealed = vault.sealed(master)?;
    let mut bytes = [0; 16];
    rand::rng().fill_bytes(&mut bytes);
    let incarnation = uuid::Builder::from_random_bytes(bytes).into_uuid().to_string();
    execute(connection, &BEGIN, |_| {}).await?;
    sqlx::raw_sql(TABLES).execute(&mut *connection).await.map_err(failed("making the tables"))?;
    execute(connection, &WRITE, |args| {
        args.add(version())
            .add(node)
            .add(incarnation)
            .add(sealed.key)
            .add(sealed.fingerprints)
            .add(sealed.search);
    })
    .await?;
    execute(connection, &COMMIT, |_| {}).await?;
    Ok(vault)
}
