//! A database with very many orders, in a folder of its own.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use crossdock_storage::seed::{Copies, Databases, multiply};

use crate::database::{Database, file, options};
use crate::hot_path::PRUNED;
use crate::orders::Size;
use crate::templates::{self, OPEN, SETTLED};

/// How many orders are copied between two lines of progress.
const PROGRESS_EVERY: u64 = 500_000;

/// What a folder's database was seeded with, and how many rounds it has seen.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
struct Label {
    size: Size,
    rounds: u64,
}

impl Label {
    fn file(folder: &Path) -> PathBuf {
        folder.join("seeded.json")
    }

    fn write(self, folder: &Path) -> anyhow::Result<()> {
        std::fs::write(Self::file(folder), serde_json::to_string(&self)?)
            .with_context(|| format!("labelling the database in {}", folder.display()))
    }
}

/// How many rounds a folder's database has seen, where it is of this size and so many more leave most of its orders.
pub fn rounds_seen(folder: &Path, size: Size, more: u64) -> Option<u64> {
    let text = std::fs::read_to_string(Label::file(folder)).ok()?;
    let label: Label = serde_json::from_str(&text).ok()?;
    let pruned = (label.rounds + more) * PRUNED;
    (label.size == size && pruned < size.settled / 3).then_some(label.rounds)
}

/// Says that a folder's database is about to see so many rounds in all.
pub fn spend(folder: &Path, size: Size, rounds: u64) -> anyhow::Result<()> {
    Label { size, rounds }.write(folder)
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
    Label { size, rounds: 0 }.write(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_used_again_while_most_of_its_orders_are_left() {
        let folder = tempfile::tempdir().unwrap();
        let size = Size { settled: 10_000, open: 910 };
        assert_eq!(rounds_seen(folder.path(), size, 1), None);
        spend(folder.path(), size, 65).unwrap();
        assert_eq!(rounds_seen(folder.path(), size, 46), Some(65));
        assert_eq!(rounds_seen(folder.path(), size, 47), None);
        assert_eq!(rounds_seen(folder.path(), Size { open: 1, ..size }, 1), None);
    }
}
