//! The interface through which a plugin call reads from the host.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_model::common::{Entity, Reference};
use crossdock_model::time::Millis;
use http::{Request, Response, request};

use super::lookup::{LookupFailed, StoreRecord};
use super::transcript::Transcript;
use crate::error::Error;

/// Everything that one plugin call reads from the host.
#[async_trait]
pub trait Recorder: Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> Millis;

    /// How long the call has been running, in whole milliseconds: a finer clock would allow timing attacks.
    fn elapsed(&self) -> Duration;

    /// Fills with random bytes.
    fn random(&self, fill: &mut [u8]);

    /// A setting as JSON text. Absent when not set.
    fn setting(&self, name: &str) -> Option<String>;

    /// The references of an entity in the connector's system.
    ///
    /// # Errors
    /// When the look-up failed.
    async fn references(&self, entity: &Entity) -> Result<Vec<Reference>, LookupFailed>;

    /// The entity with this reference in the connector's system.
    ///
    /// # Errors
    /// When the look-up failed.
    async fn entity(&self, kind: &str, id: &str) -> Result<Option<Entity>, LookupFailed>;

    /// What an operator's table maps a value to.
    ///
    /// # Errors
    /// When the look-up failed.
    async fn mapping(&self, table: &str, value: &str) -> Result<Option<String>, LookupFailed>;

    /// The store with this id or, with a system, with this code in that system.
    ///
    /// # Errors
    /// When the look-up failed.
    async fn store(&self, system: Option<&str>, code: &str) -> Result<Option<StoreRecord>, LookupFailed>;

    /// The next number of a sequence.
    ///
    /// # Errors
    /// When the look-up failed.
    async fn number(&self, sequence: &str) -> Result<u64, LookupFailed>;

    /// Checks a request and charges it, before its body is read. The result is passed on with the request, as
    /// its [`Precheck`](crate::Precheck).
    ///
    /// # Errors
    /// Why the request will not be sent.
    fn precheck(&self, head: &request::Parts) -> Result<(), Error>;

    /// Charges bytes of a request's body, before they are buffered.
    ///
    /// # Errors
    /// When the call has used up its bytes.
    fn charge_bytes(&self, bytes: u64) -> Result<(), Error>;

    /// Sends a request and returns the whole response.
    ///
    /// # Errors
    /// Why there is no response; [`Error::sent`] says whether the target may have seen the request.
    async fn http(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error>;

    /// Takes the transcript of the call so far.
    fn transcript(&self) -> Transcript;
}
