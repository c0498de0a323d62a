//! A database with very many orders, in a folder of its own.

use std::path::Path;

use anyhow::Context as _;
use crossdock_storage::seed::{Copies, Databases, multiply};

use crate::database::{Database, file, options};
use crate::orders::Size;
use crate::templates::{self, OPEN, SETTLED};

/// How many orders are copied between two lines of progress.
const PROGRESS_EVERY: u64 = 500_000;

/// The file that says how many orders a folder's database was seeded with.
fn label(folder: &Path) -> std::path::PathBuf {
    folder.join("seeded.json")
}

/// True when a folder has a database of this size which nothing has been measured on yet.
pub fn is_seeded(folder: &Path, size: Size) -> bool {
    let text = std::fs::read_to_string(label(folder)).unwrap_or_default();
    serde_json::from_str::<Size>(&text).is_ok_and(|seeded| seeded == size)
}

/// Says that a folder's database is about to change.
pub fn spend(folder: &Path) -> anyhow::Result<()> {
    std::fs::remove_file(label(folder)).context("marking a seeded database as used")
}

/// Seeds a folder's database; what it had before goes.
pub async fn seed(folder: &Path, size: Size) -> anyhow::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("emptying {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let template_folder = folder.join("templates");
    std::fs::create_dir_all(&template_folder)?;
    let names = templates::make(&template_folder).await.context("making the templates")?;
    Database::open(folder).await?.close().await?;
    let copies = vec![
        Copies { templates: 0..SETTLED, orders: 0..size.settled },
        Copies { templates: SETTLED..SETTLED + OPEN, orders: size.settled..size.settled + size.open },
    ];
    let databases = Databases { templates: options(&template_folder), target: options(folder) };
    let mut next = PROGRESS_EVERY;
    multiply(
        databases,
        &names,
        copies,
        move |order| size.names(order),
        |orders| {
            if orders >= next {
                eprintln!("  {orders} orders");
                next += PROGRESS_EVERY;
            }
        },
    )
    .await
    .with_context(|| format!("seeding {}", file(folder).display()))?;
    std::fs::remove_dir_all(&template_folder)?;
    std::fs::write(label(folder), serde_json::to_string(&size)?).context("labelling a seeded database")
}
