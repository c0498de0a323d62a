//! The database itself, its transactions, and the faults that can be injected.

use std::future::poll_fn;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use async_trait::async_trait;
use crossdock_model::time::Millis;
use crossdock_rules::attributes::Fingerprint;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::changes::ChangeSet;
use crate::database::{Database, FirstIds, IdCounts, ReadSet, Rows, Transaction};
use crate::delivery::Delivery;
use crate::error::{Error, Result};
use crate::master_key::MasterKey;
use crate::view::Meta;

use super::append::append;
use super::digest::{Lens, Parts};
use super::questions::answer;
use super::state::State;

/// The secret of fingerprints. It is the same in every database, so that a test's digests are the same each time.
const FINGERPRINT_KEY: &[u8] = b"a secret that protects nobody: everything here is made up";

/// A database in memory.
///
/// A clone holds the same rows and shares nothing: what is written to one of them is not seen in the other. It costs
/// little, since tables are copied when they are changed.
///
/// One transaction is open at a time; [`begin`](Database::begin) waits for the one before. Queries wait for nobody.
#[derive(Debug)]
pub struct Memory {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    state: Arc<State>,
    /// True while a transaction is open.
    is_writing: bool,
    /// Those who wait for it to end.
    waiting: Vec<Waker>,
    /// The commit that fails, counted from 1 for the next one, and how.
    fault: Option<(u64, CommitFault)>,
}

/// How a commit fails: as a crash of the database would have it. The caller sees the same error, and cannot know
/// which it was. The database itself works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommitFault {
    /// Nothing was written.
    NotWritten,
    /// Everything was written durably; only the answer was lost.
    AnswerLost,
}

impl Memory {
    /// An empty database of this identity.
    #[must_use]
    pub fn new(meta: Meta) -> Self {
        Self::of(Arc::new(State::new(meta)), None)
    }

    fn of(state: Arc<State>, fault: Option<(u64, CommitFault)>) -> Self {
        Self { inner: Mutex::new(Inner { state, is_writing: false, waiting: Vec::new(), fault }) }
    }

    /// The same database, in which the n-th commit from now on fails, and none but that. 1 is the next one; 0 is
    /// none.
    #[must_use]
    pub fn failing_commit(self, n: u64, fault: CommitFault) -> Self {
        self.inner().fault = (n > 0).then_some((n, fault));
        self
    }

    /// True while a commit that is to fail is still to come.
    #[must_use]
    pub fn awaits_failure(&self) -> bool {
        self.inner().fault.is_some()
    }

    /// Everything that decides, as a number: two databases with the same digest answer the same commands alike,
    /// as seen from `now`.
    ///
    /// Moments count by their distance from `now`; a due time or the end of a lease that has passed counts like any
    /// other that has passed. Events and deliveries count by their keys. What only counts up, is only shown, or is
    /// looked at by retention alone is left out: serial numbers, fences, last numbers, when rows were stored and since
    /// when deliveries are as they are, reasons that only people read, attempts, conflicts, the audit, and histories of
    /// tables. The number is the same in every run of one build: another build may count otherwise.
    #[must_use]
    pub fn digest(&self, now: Millis) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.digest_parts(now, Lens::default()).hash(&mut hasher);
        hasher.finish()
    }

    /// As [`Self::digest`], a number for each root and one of what they share, without what the caller leaves out.
    #[must_use]
    pub fn digest_parts(&self, now: Millis, lens: Lens) -> Parts {
        super::digest::parts(&self.state(), now, lens)
    }

    /// All deliveries, open and settled, by number.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.state().deliveries.all().cloned().collect()
    }

    /// The master key that the database was last sealed with. Nothing is sealed; it is only remembered.
    #[must_use]
    pub fn master_key(&self) -> Option<MasterKey> {
        self.state().master_key.clone()
    }

    /// The rows as they are now.
    pub(super) fn state(&self) -> Arc<State> {
        Arc::clone(&self.inner().state)
    }

    /// Changes happen at once and cannot fail midway, so a panic elsewhere leaves whole rows behind.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An empty database of the node `memory`, in its first incarnation.
impl Default for Memory {
    fn default() -> Self {
        Self::new(Meta { incarnation: Uuid::nil(), node: "memory".to_owned() })
    }
}

/// A clone has the rows that are committed, and the faults that are to come.
impl Clone for Memory {
    fn clone(&self) -> Self {
        let inner = self.inner();
        Self::of(Arc::clone(&inner.state), inner.fault)
    }
}

#[async_trait]
impl Database for Memory {
    async fn begin(&self) -> Result<Box<dyn Transaction + '_>> {
        let state = poll_fn(|context| {
            let mut inner = self.inner();
            if inner.is_writing {
                inner.waiting.push(context.waker().clone());
                return Poll::Pending;
            }
            inner.is_writing = true;
            Poll::Ready(Arc::clone(&inner.state))
        });
        let state = state.await;
        Ok(Box::new(Open { writing: Writing(self), state, allotted: IdCounts::default() }))
    }

    fn fingerprint(&self, personal: &[u8]) -> Fingerprint {
        let hash = Sha256::new().chain_update(FINGERPRINT_KEY).chain_update(personal).finalize();
        let mut fingerprint = Fingerprint::default();
        for (to, from) in fingerprint.iter_mut().zip(hash) {
            *to = from;
        }
        fingerprint
    }
}

/// The right to write, until it is dropped.
struct Writing<'m>(&'m Memory);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        let mut inner = self.0.inner();
        inner.is_writing = false;
        let waiting = std::mem::take(&mut inner.waiting);
        drop(inner);
        waiting.into_iter().for_each(Waker::wake);
    }
}

/// An open transaction.
struct Open<'m> {
    writing: Writing<'m>,
    /// The rows at its beginning.
    state: Arc<State>,
    /// The numbers that it was allotted so far.
    allotted: IdCounts,
}

impl Open<'_> {
    fn allot(&mut self, counts: IdCounts) -> FirstIds {
        let first = self.state.allot(self.allotted);
        let IdCounts { inbounds, events, deliveries, files } = &mut self.allotted;
        *inbounds += counts.inbounds;
        *events += counts.events;
        *deliveries += counts.deliveries;
        *files += counts.files;
        first
    }
}

#[async_trait]
impl Transaction for Open<'_> {
    async fn load(&mut self, wanted: &ReadSet) -> Result<Rows> {
        let mut rows = Rows { ids: self.allot(wanted.ids), ..Rows::default() };
        self.state.load(wanted, &mut rows);
        for question in &wanted.questions {
            rows.answers.push((question.clone(), answer(&self.state, question)?));
        }
        Ok(rows)
    }

    async fn commit(self: Box<Self>, changes: &ChangeSet) -> Result<u64> {
        let Self { writing, state, allotted: _ } = *self;
        state.check(changes)?;
        // Unless a clone or a query shares the rows too, they are changed in place.
        drop(state);
        let mut inner = writing.0.inner();
        let fault = inner.fault.take();
        inner.fault = fault.filter(|(n, _)| *n > 1).map(|(n, fault)| (n - 1, fault));
        let fault = fault.filter(|(n, _)| *n == 1).map(|(_, fault)| fault);
        if fault == Some(CommitFault::NotWritten) {
            return Err(failed());
        }
        let state = Arc::make_mut(&mut inner.state);
        state.apply(&changes.changed);
        let touched = changes.appended.iter().map(|row| append(state, row)).sum();
        state.count(changes);
        match fault {
            None => Ok(touched),
            Some(_) => Err(failed()),
        }
    }

    async fn roll_back(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

fn failed() -> Error {
    Error::Database { operation: "committing", source: "the commit was made to fail".into() }
}
