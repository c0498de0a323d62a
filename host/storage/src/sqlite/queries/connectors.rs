//! What is known of connectors, of operators' acts, and of the database itself.

use crossdock_engine::view::{AuditRow, Conflict, Cursor, Meta, Page, Pause, StockLevel, Token};
use crossdock_engine::{OutFileRow, PendingFile, PluginChoice, Result};
use crossdock_model::time::Millis;

use super::{Reader, below};
use crate::sqlite::rows::shown::pause;
use crate::sqlite::statement::{Args, Cells, statements, unreadable};
use crate::vault::{Bound, Vault};

statements! {
    PIN "reading a pin": "SELECT connector FROM pin WHERE root = ?";
    CURSOR "reading a cursor": "SELECT cursor, at FROM cursor WHERE connector = ?";
    PAUSE "reading a pause": "SELECT code, message, since FROM pause WHERE connector = ?";
    TOKEN "looking for a token": "SELECT name, created_at FROM token WHERE hash = ?";
    TOKENS "reading tokens": "SELECT name, created_at FROM token ORDER BY name";
    CONFLICTS "reading conflicts":
        "SELECT conflict.id, event, kind, conflict.connector, conflict.entity, attribute, value, written, \
         applied, at FROM conflict CROSS JOIN event ON event.id = conflict.event \
         WHERE conflict.id < ? ORDER BY conflict.id DESC LIMIT ?";
    CONFLICTS_OF "reading conflicts":
        "SELECT conflict.id, event, kind, conflict.connector, conflict.entity, attribute, value, written, \
         applied, at FROM conflict CROSS JOIN event ON event.id = conflict.event \
         WHERE conflict.connector = ? AND conflict.id < ? ORDER BY conflict.id DESC LIMIT ?";
    LEVELS "reading stock levels":
        "SELECT source, location, available, believed FROM stock_level WHERE sku = ? AND place = ? \
         ORDER BY source, location";
    AUDIT "reading the audit":
        "SELECT id, at, by, action, subject, detail FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?";
    META "reading the identity of the database":
        "SELECT (SELECT value FROM meta WHERE name = 'incarnation'), \
         (SELECT value FROM meta WHERE name = 'node')";
    OUTBOX "reading files to be written":
        "SELECT id, connector, name, at, out_file_body.day, out_file_body.sealed, day_key.sealed FROM out_file \
         CROSS JOIN out_file_body ON file = id CROSS JOIN day_key ON day_key.day = out_file_body.day \
         WHERE connector = ? AND out_file.written_at IS NULL ORDER BY id LIMIT ?";
    FILES "reading files":
        "SELECT id, connector, name, size, at, written_at FROM out_file WHERE id < ? ORDER BY id DESC LIMIT ?";
    FILES_OF "reading files":
        "SELECT id, connector, name, size, at, written_at FROM out_file WHERE connector = ? AND id < ? \
         ORDER BY id DESC LIMIT ?";
    SEQUENCE "reading a sequence": "SELECT last FROM sequence WHERE connector = ? AND name = ?";
    PLUGIN_CHOICES "reading the choices of plugins":
        "SELECT connector, current, previous, at, by FROM plugin_choice ORDER BY connector";
}

/// Binds one text.
fn text(text: &str) -> impl FnOnce(&mut Args) {
    move |args| {
        args.add(text.to_owned());
    }
}

/// Binds a page, of a connector or of all.
fn page_of(connector: Option<&str>, page: Page) -> impl FnOnce(&mut Args) {
    move |args| {
        if let Some(connector) = connector {
            args.add(connector.to_owned());
        }
        args.add(below(page)).add(page.limit);
    }
}

impl Reader<'_> {
    pub(super) async fn pin(&mut self, root: &str) -> Result<Option<String>> {
        self.first(&PIN, text(root), |cells| cells.next()).await
    }

    pub(super) async fn cursor(&mut self, connector: &str) -> Result<Option<Cursor>> {
        let read = |cells: &mut Cells<'_>| Ok(Cursor { cursor: cells.next()?, at: Millis(cells.next()?) });
        self.first(&CURSOR, text(connector), read).await
    }

    pub(super) async fn paused(&mut self, connector: &str) -> Result<Option<Pause>> {
        self.first(&PAUSE, text(connector), pause).await
    }

    pub(super) async fn token(&mut self, hash: &[u8; 32]) -> Result<Option<Token>> {
        let fill = |args: &mut Args| {
            args.add(hash.to_vec());
        };
        self.first(&TOKEN, fill, token).await
    }

    pub(super) async fn tokens(&mut self) -> Result<Vec<Token>> {
        self.all(&TOKENS, |_| {}, token).await
    }

    pub(super) async fn conflicts(&mut self, connector: Option<&str>, page: Page) -> Result<Vec<Conflict>> {
        let statement = if connector.is_some() { &CONFLICTS_OF } else { &CONFLICTS };
        let conflict = |cells: &mut Cells<'_>| {
            Ok(Conflict {
                id: cells.next()?,
                event: cells.next()?,
                kind: cells.next()?,
                connector: cells.next()?,
                entity: cells.next()?,
                attribute: cells.next()?,
                value: cells.next()?,
                written: cells.next()?,
                applied: cells.next()?,
                at: Millis(cells.next()?),
            })
        };
        self.all(statement, page_of(connector, page), conflict).await
    }

    pub(super) async fn stock_levels(&mut self, sku: &str, place: &str) -> Result<Vec<StockLevel>> {
        let fill = |args: &mut Args| {
            args.add(sku.to_owned()).add(place.to_owned());
        };
        let level = |cells: &mut Cells<'_>| {
            Ok(StockLevel {
                source: cells.next()?,
                location: cells.next()?,
                available: cells.next()?,
                at: Millis(cells.next::<i64>()?.div_euclid(1000)),
            })
        };
        self.all(&LEVELS, fill, level).await
    }

    pub(super) async fn audit(&mut self, page: Page) -> Result<Vec<AuditRow>> {
        let act = |cells: &mut Cells<'_>| {
            Ok(AuditRow {
                id: cells.next()?,
                at: Millis(cells.next()?),
                by: cells.next()?,
                action: cells.next()?,
                subject: cells.next()?,
                detail: cells.next()?,
            })
        };
        self.all(&AUDIT, page_of(None, page), act).await
    }

    pub(super) async fn meta(&mut self) -> Result<Meta> {
        let meta = self.first(&META, |_| {}, |cells| Ok((cells.next::<String>()?, cells.next()?)));
        let (incarnation, node) = meta.await?.unwrap_or_default();
        let incarnation =
            incarnation.parse().map_err(|error: uuid::Error| unreadable("the incarnation", error))?;
        Ok(Meta { incarnation, node })
    }

    pub(super) async fn outbox(&mut self, connector: &str, limit: u32) -> Result<Vec<PendingFile>> {
        let vault = self.vault;
        let fill = |args: &mut Args| {
            args.add(connector.to_owned()).add(limit);
        };
        self.all(&OUTBOX, fill, |cells| pending_file(cells, vault)).await
    }

    pub(super) async fn out_files(&mut self, connector: Option<&str>, page: Page) -> Result<Vec<OutFileRow>> {
        let statement = if connector.is_some() { &FILES_OF } else { &FILES };
        let file = |cells: &mut Cells<'_>| {
            Ok(OutFileRow {
                id: cells.next()?,
                connector: cells.next()?,
                name: cells.next()?,
                size: cells.next::<i64>()?.cast_unsigned(),
                at: Millis(cells.next()?),
                written_at: cells.next::<Option<i64>>()?.map(Millis),
            })
        };
        self.all(statement, page_of(connector, page), file).await
    }

    pub(super) async fn sequence(&mut self, connector: &str, name: &str) -> Result<u64> {
        let fill = |args: &mut Args| {
            args.add(connector.to_owned()).add(name.to_owned());
        };
        let last = self.first(&SEQUENCE, fill, |cells| cells.next::<i64>()).await?;
        Ok(last.unwrap_or_default().cast_unsigned())
    }

    pub(super) async fn plugin_choices(&mut self) -> Result<Vec<PluginChoice>> {
        let choice = |cells: &mut Cells<'_>| {
            Ok(PluginChoice {
                connector: cells.next()?,
                current: cells.next()?,
                previous: cells.next()?,
                at: Millis(cells.next()?),
                by: cells.next()?,
            })
        };
        self.all(&PLUGIN_CHOICES, |_| {}, choice).await
    }
}

fn token(cells: &mut Cells<'_>) -> Result<Token> {
    Ok(Token { name: cells.next()?, created_at: Millis(cells.next()?) })
}

fn pending_file(cells: &mut Cells<'_>, vault: &Vault) -> Result<PendingFile> {
    let (id, connector, name) = (cells.next()?, cells.next()?, cells.next()?);
    let (at, day) = (Millis(cells.next()?), cells.next()?);
    let (sealed, key): (&[u8], &[u8]) = (cells.next()?, cells.next()?);
    let content = vault.open_key(Bound::DayKey(day), key)?.open(Bound::OutFile(id), sealed)?;
    Ok(PendingFile { id, connector, name, content: content.to_vec(), at })
}
