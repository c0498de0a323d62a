//! The store: an engine and the queries of its database, behind one handle.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crossdock_rules::safeguards::Safeguards;

use crate::applied::Applied;
use crate::command::{Command, Filter};
use crate::database::Database;
use crate::engine::{Apply, Engine};
use crate::error::Result;
use crate::queries::Queries;
use crate::view::Preview;

/// Everything durable, whatever the database is: commands are applied, and the database's [`Queries`] are asked
/// through it. Clones share one database.
#[derive(Clone)]
pub struct Store {
    engine: Arc<dyn Apply>,
    queries: Arc<dyn Queries>,
}

impl Store {
    /// A store over a database.
    #[must_use]
    pub fn new<D: Database, Q: Queries>(database: Arc<D>, queries: Arc<Q>, safeguards: Safeguards) -> Self {
        Self { engine: Arc::new(Engine::new(database, safeguards)), queries }
    }

    /// See [`Engine::apply`].
    ///
    /// # Errors
    /// See there.
    pub async fn apply(&self, commands: Vec<Command>) -> Result<Vec<Result<Applied>>> {
        self.engine.apply(commands).await
    }

    /// See [`Engine::preview`].
    ///
    /// # Errors
    /// See there.
    pub async fn preview(&self, filter: &Filter, generation: Option<u32>) -> Result<Preview> {
        self.engine.preview(filter, generation).await
    }
}

impl Deref for Store {
    type Target = dyn Queries;

    fn deref(&self) -> &Self::Target {
        &*self.queries
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}
