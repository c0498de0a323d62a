//! The engine: units of work over a database.

use std::sync::Arc;

use async_trait::async_trait;
use crossdock_rules::safeguards::Safeguards;

use crate::applied::{Applied, Tally};
use crate::command::{Command, Filter, Replay};
use crate::database::{Database, Transaction};
use crate::decide::{decide, prefetch};
use crate::error::{Error, Result};
use crate::state::{State, Stop};
use crate::view::Preview;

/// How many times one command may ask for more rows before the unit is given up.
const MAX_ROUNDS: u32 = 1000;
/// How many deliveries a preview looks at in one go.
const PREVIEW_PAGE: u32 = 1000;

/// Decides commands over a database.
pub struct Engine<D> {
    database: Arc<D>,
    safeguards: Safeguards,
}

/// What the engine does for its callers, whatever the database is.
#[async_trait]
pub(crate) trait Apply: Send + Sync + 'static {
    async fn apply(&self, commands: Vec<Command>) -> Result<Vec<Result<Applied>>>;
    async fn preview(&self, filter: &Filter, generation: Option<u32>) -> Result<Preview>;
}

impl<D: Database> Engine<D> {
    /// An engine over a database.
    #[must_use]
    pub fn new(database: Arc<D>, safeguards: Safeguards) -> Self {
        Self { database, safeguards }
    }

    /// Does the commands in their order and answers each. Commands go into one physical transaction together,
    /// but for those whose bulk changes stand alone ([`Command::is_exclusive`]). A command that is refused changes
    /// nothing and leaves the others alone. When this returns, what was done is durable.
    /// Where a group fails as a whole, its commands are done again one by one, so that each answer has its own error.
    ///
    /// # Errors
    /// None today: what fails stands in the answers.
    pub async fn apply(&self, commands: Vec<Command>) -> Result<Vec<Result<Applied>>> {
        let mut answers = Vec::with_capacity(commands.len());
        for group in commands.chunk_by(|a, b| !a.is_exclusive() && !b.is_exclusive()) {
            match self.unit(group).await {
                Ok(done) => answers.extend(done),
                Err(error) if group.len() == 1 => answers.push(Err(error)),
                Err(error) => {
                    // One of them is at fault: each on its own, so that it harms itself alone.
                    tracing::warn!(%error, commands = group.len(), "a group failed; its commands are done one by one");
                    for command in group {
                        let done = self.unit(std::slice::from_ref(command)).await;
                        answers.push(done.and_then(|mut done| done.pop().unwrap_or(Err(Error::Closed))));
                    }
                }
            }
        }
        Ok(answers)
    }

    /// What a replay would do.
    ///
    /// # Errors
    /// When the database fails, or the filter names a state that no delivery can have.
    pub async fn preview(&self, filter: &Filter, generation: Option<u32>) -> Result<Preview> {
        let mut preview = Preview::default();
        let mut after = None;
        loop {
            let left = filter
                .limit
                .map(|limit| limit.saturating_sub(u32::try_from(preview.count).unwrap_or(u32::MAX)));
            let replay = Replay {
                filter: Filter { limit: left, ..filter.clone() },
                generation,
                after,
                page: PREVIEW_PAGE,
                by: String::new(),
                now: Default::default(),
            };
            let tally = self.dry_run(Command::Replay(replay)).await?;
            preview.count += tally.count;
            preview.skipped += tally.skipped;
            preview.pruned += tally.pruned;
            after = tally.next;
            if after.is_none() || left.is_some_and(|left| u64::from(left) <= tally.count) {
                return Ok(preview);
            }
        }
    }

    /// Decides a command and throws its changes away.
    async fn dry_run(&self, command: Command) -> Result<Tally> {
        let fingerprint = |personal: &[u8]| self.database.fingerprint(personal);
        let mut state = State::new(self.safeguards, &fingerprint);
        let mut transaction = self.database.begin().await?;
        let answer = one(&mut *transaction, &mut state, &command).await;
        transaction.roll_back().await?;
        match answer? {
            Ok(Applied::Tally(tally)) => Ok(tally),
            Ok(_) => Ok(Tally::default()),
            Err(error) => Err(error),
        }
    }

    async fn unit(&self, commands: &[Command]) -> Result<Vec<Result<Applied>>> {
        let fingerprint = |personal: &[u8]| self.database.fingerprint(personal);
        let mut state = State::new(self.safeguards, &fingerprint);
        let mut transaction = self.database.begin().await?;
        let mut answers = Vec::with_capacity(commands.len());
        for read_ahead in [prefetch::first, prefetch::second] {
            for command in commands {
                read_ahead(&state, command);
            }
            load(&mut *transaction, &mut state).await?;
        }
        for command in commands {
            answers.push(one(&mut *transaction, &mut state, command).await?);
        }
        let changes = state.into_changes();
        if changes.is_empty() {
            transaction.roll_back().await?;
            return Ok(answers);
        }
        let rows = transaction.commit(&changes).await?;
        if let [Ok(Applied::Tally(tally))] = answers.as_mut_slice()
            && commands.iter().all(Command::counts_rows)
        {
            tally.count += rows;
            if let [Command::ApplyRetention(retention)] = commands {
                tally.more |= rows >= u64::from(retention.limit);
            }
        }
        Ok(answers)
    }
}

/// Decides one command: again and again, until all rows that it asks for have been read.
async fn one(
    transaction: &mut dyn Transaction,
    state: &mut State<'_>,
    command: &Command,
) -> Result<Result<Applied>> {
    for _ in 0..MAX_ROUNDS {
        state.begin();
        match decide(state, command) {
            Ok(applied) => {
                state.keep();
                return Ok(Ok(applied));
            }
            Err(Stop::Refused(error)) => {
                state.undo();
                return if error.is_fault() { Err(error) } else { Ok(Err(error)) };
            }
            Err(Stop::Missing) => {
                state.undo();
                load(transaction, state).await?;
            }
        }
    }
    Err(Error::Endless { rounds: MAX_ROUNDS })
}

async fn load(transaction: &mut dyn Transaction, state: &mut State<'_>) -> Result<()> {
    let wanted = state.take_wanted();
    if !wanted.is_empty() {
        let rows = transaction.load(&wanted).await?;
        state.load(&wanted, rows);
    }
    Ok(())
}

#[async_trait]
impl<D: Database> Apply for Engine<D> {
    async fn apply(&self, commands: Vec<Command>) -> Result<Vec<Result<Applied>>> {
        Self::apply(self, commands).await
    }

    async fn preview(&self, filter: &Filter, generation: Option<u32>) -> Result<Preview> {
        Self::preview(self, filter, generation).await
    }
}
