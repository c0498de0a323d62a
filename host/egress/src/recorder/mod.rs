//! The one seam through which a plugin is told anything: HTTP answers, the time, random numbers, settings,
//! references, the operator's tables and the numbers it is allotted.
//!
//! A call that runs [`Live`] can write a [`Transcript`] of everything it was told; a call that runs
//! [`Replay`] is told the same again, without the network, at any later time. A plugin has no other source
//! of information, so the replayed call ends as the recorded one did.

mod live;
mod replay;
mod tables;
mod transcript;

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_model::common::{Entity, Reference};
use crossdock_model::time::Millis;
use http::{Request, Response, request};
use rand::rngs::SmallRng;
use rand::{RngCore, SeedableRng};

use crate::error::Error;

pub use live::{Live, Sources};
pub use replay::{NotReplayable, Replay};
pub use tables::{NoTables, StoreRecord, Tables};
pub use transcript::{Answer, Detail, Exchange, Transcript};

/// Everything that one call of a plugin is told.
#[async_trait]
pub trait Recorder: Send + Sync + 'static {
    /// What time it is.
    fn now(&self) -> Millis;

    /// How long the call has been running, in whole milliseconds: a finer clock would let a guest measure
    /// what it has no business to know.
    fn elapsed(&self) -> Duration;

    /// Fills with random bytes.
    fn random(&self, fill: &mut [u8]);

    /// A setting as JSON text. Absent when not set.
    fn setting(&self, name: &str) -> Option<String>;

    /// What the connector's system calls the entity.
    ///
    /// # Errors
    /// When the host could not look.
    async fn references(&self, entity: &Entity) -> Result<Vec<Reference>, LookupFailed>;

    /// The entity that the connector's system calls so.
    ///
    /// # Errors
    /// When the host could not look.
    async fn entity(&self, kind: &str, id: &str) -> Result<Option<Entity>, LookupFailed>;

    /// What the operator's table maps a value to.
    ///
    /// # Errors
    /// When the host could not look.
    async fn mapping(&self, table: &str, value: &str) -> Result<Option<String>, LookupFailed>;

    /// The store of this id or, with a system, the one that the system calls so.
    ///
    /// # Errors
    /// When the host could not look.
    async fn store(&self, system: Option<&str>, code: &str) -> Result<Option<StoreRecord>, LookupFailed>;

    /// The next number of a sequence.
    ///
    /// # Errors
    /// When the host could not look.
    async fn number(&self, sequence: &str) -> Result<u64, LookupFailed>;

    /// Admits a request before its body is there, and counts it. What was decided travels with the request,
    /// as its [`Admission`](crate::Admission).
    ///
    /// # Errors
    /// Why it will not be sent.
    fn admit(&self, head: &request::Parts) -> Result<(), Error>;

    /// Counts a piece of the body of a request that was admitted, before it is kept.
    ///
    /// # Errors
    /// When the call has used up its bytes.
    fn carry(&self, bytes: u64) -> Result<(), Error>;

    /// Sends a request and answers with the whole answer.
    ///
    /// # Errors
    /// Why there is no answer; [`Error::sent`] tells whether the target may have seen the request.
    async fn http(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error>;

    /// What has been told so far. Empties the recorder.
    fn transcript(&self) -> Transcript;
}

/// The host's own records could not be asked.
#[derive(Clone, Debug, thiserror::Error)]
#[error("it cannot be looked up: {reason}")]
pub struct LookupFailed {
    /// Why.
    pub reason: String,
}

/// What entities are called in the connector's system; the host's storage stands behind it.
#[async_trait]
pub trait References: Send + Sync + 'static {
    /// What the connector's system calls the entity. Empty when nothing is known.
    ///
    /// # Errors
    /// When the host could not look.
    async fn find(&self, entity: &Entity) -> Result<Vec<Reference>, LookupFailed>;

    /// The entity that the connector's system calls so. Absent when none is known.
    ///
    /// # Errors
    /// When the host could not look.
    async fn resolve(&self, kind: &str, id: &str) -> Result<Option<Entity>, LookupFailed>;
}

/// Knows no references.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoReferences;

#[async_trait]
impl References for NoReferences {
    async fn find(&self, _: &Entity) -> Result<Vec<Reference>, LookupFailed> {
        Ok(Vec::new())
    }

    async fn resolve(&self, _: &str, _: &str) -> Result<Option<Entity>, LookupFailed> {
        Ok(None)
    }
}

/// Where random numbers come from.
pub trait Randomness: Send + Sync + 'static {
    /// Fills with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// Random numbers nobody can foretell.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// Random numbers that a seed determines, for tests and simulations.
#[derive(Debug)]
pub struct SeededRandomness(Mutex<SmallRng>);

impl SeededRandomness {
    /// The numbers of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(SmallRng::seed_from_u64(seed)))
    }
}

impl Randomness for SeededRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).fill_bytes(bytes);
    }
}
