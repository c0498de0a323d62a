//! The files that the configuration names, imported when they have changed.
//!
//! An import removes the rows that an earlier import of the file added and that are no longer in the file; rows that
//! were added by the API stay. If file and API set the same value, the later one applies; a file that has not changed
//! is not imported again.

use std::path::Path;

use anyhow::{Context, bail};
use crossdock_engine::{
    Applied, Command, ImportedFile, MappingChange, PutMappings, PutStores, Store, StoreRecord, Stored,
    Unlisted,
};
use crossdock_model::time::Millis;
use crossdock_storage::Writer;
use sha2::{Digest as _, Sha256};

use super::{Format, mappings, read, stores};
use crate::config::Registry;

/// The author of an import in the audit log.
const CONFIG: &str = "config";

/// The content of the configured files.
type Content = (Option<(String, Vec<MappingChange>)>, Option<(String, Vec<StoreRecord>)>);

/// Reads the files and changes nothing.
///
/// # Errors
/// When one of them cannot be read; the message names it.
pub fn look(registry: &Registry) -> anyhow::Result<()> {
    content(registry).map(|_| ())
}

fn content(registry: &Registry) -> anyhow::Result<Content> {
    let hash = |text: &str| hex::encode(Sha256::digest(text.as_bytes()));
    let mapped = registry.mappings.as_deref().map(|path| {
        let text = read(path)?;
        Ok::<_, anyhow::Error>((hash(&text), mappings(&text).with_context(|| named(path))?))
    });
    let stored = registry.stores.as_deref().map(|path| {
        let text = read(path)?;
        Ok::<_, anyhow::Error>((hash(&text), stores(&text, Format::of(path)).with_context(|| named(path))?))
    });
    Ok((mapped.transpose()?, stored.transpose()?))
}

fn named(path: &Path) -> String {
    format!("in {}", path.display())
}

/// Imports what has changed since it was imported last.
///
/// # Errors
/// When a file cannot be read, or the database refuses it; then nothing of that file is imported.
pub async fn at_start(
    registry: &Registry,
    store: &Store,
    writer: &Writer,
    now: Millis,
) -> anyhow::Result<()> {
    let (mapped, stores) = content(registry)?;
    let unlisted = Unlisted::RemoveOwn;
    if let Some((hash, stores)) = stores {
        let imported = ImportedFile { name: "stores".into(), hash };
        if store.imported(&imported.name).await?.as_ref() != Some(&imported.hash) {
            let (by, imported) = (CONFIG.into(), Some(imported));
            let put = PutStores { stores, remove: Vec::new(), unlisted, imported, by, now };
            submit(writer, Command::PutStores(put)).await.context("importing the store registry")?;
        }
    }
    if let Some((hash, changes)) = mapped {
        let imported = ImportedFile { name: "mappings".into(), hash };
        if store.imported(&imported.name).await?.as_ref() != Some(&imported.hash) {
            let (by, imported) = (CONFIG.into(), Some(imported));
            let put = PutMappings { changes, unlisted, imported, by, now };
            submit(writer, Command::PutMappings(put)).await.context("importing the mappings")?;
        }
    }
    Ok(())
}

async fn submit(writer: &Writer, command: Command) -> anyhow::Result<()> {
    let Applied::Stored(stored) = writer.submit(command).await? else {
        bail!("importing a file: the database answered another command");
    };
    let Stored { changed, unchanged, removed, released, .. } = stored;
    tracing::info!(changed, unchanged, removed, released, "imported a file of the configuration");
    Ok(())
}

#[cfg(test)]
mod tests {
    use crossdock_engine::view::Page;
    use crossdock_engine::{MappingFilter, MasterKey};
    use crossdock_rules::safeguards::Safeguards;
    use crossdock_storage::{CacheOptions, SqliteOptions, WriterOptions, open_sqlite};

    use super::*;

    #[tokio::test]
    async fn a_file_is_imported_when_it_has_changed() {
        let dir = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(dir.path().join("c.db"), MasterKey::new([7; 32]));
        let store = open_sqlite(options, CacheOptions::default(), Safeguards::default()).await.unwrap();
        let (writer, _task) = Writer::start(store.clone(), WriterOptions::default());
        let (map, shops) = (dir.path().join("mappings.csv"), dir.path().join("stores.csv"));
        let registry = Registry { stores: Some(shops.clone()), mappings: Some(map.clone()) };
        let import = async |now: i64| at_start(&registry, &store, &writer, Millis(now)).await;
        assert!(import(1).await.unwrap_err().to_string().contains("mappings.csv"));
        std::fs::write(&shops, "id,name,zone\nS1,One,Europe/Berlin\n").unwrap();
        std::fs::write(&map, "connector,table,value,target\nerp,tax,US,01\nerp,tax,CA,02\n").unwrap();
        import(2).await.unwrap();
        let audit = async || store.audit(Page::default()).await.unwrap();
        let first = audit().await;
        assert!(first.iter().all(|row| row.by == CONFIG && row.at == Millis(2)) && first.len() == 2);
        import(3).await.unwrap();
        assert_eq!(audit().await.len(), 2);
        // A row set by the API stays; a row removed from the file is removed.
        let change = |value: &str, target: &str| MappingChange {
            connector: "erp".into(),
            table: "tax".into(),
            value: value.into(),
            target: Some(target.into()),
        };
        let put = PutMappings {
            changes: vec![change("DE", "03"), change("US", "99")],
            by: "me".into(),
            ..PutMappings::default()
        };
        submit(&writer, Command::PutMappings(put)).await.unwrap();
        import(4).await.unwrap();
        assert_eq!(store.mapping("erp", "tax", "US").await.unwrap().as_deref(), Some("99"));
        std::fs::write(&map, "connector,table,value,target\nerp,tax,US,01\n").unwrap();
        import(5).await.unwrap();
        let filter = MappingFilter { limit: 10, ..MappingFilter::default() };
        let left = store.mappings(&filter).await.unwrap();
        let left: Vec<_> = left.iter().map(|row| (row.value.as_str(), row.target.as_str())).collect();
        assert_eq!(left, [("DE", "03"), ("US", "01")]);
        std::fs::write(&map, "nonsense").unwrap();
        let refused = format!("{:#}", import(6).await.unwrap_err());
        assert!(refused.contains("mappings.csv") && look(&registry).is_err(), "{refused}");
    }
}
