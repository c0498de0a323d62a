//! Reads from the real world, and records what is read.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_model::common::{Entity, Reference};
use crossdock_model::time::{Clock, Millis};
use http::header::HeaderMap;
use http::{Request, Response, request};
use tokio::time::Instant;

use super::interface::Recorder;
use super::lookup::{LookupFailed, References, StoreRecord, Tables};
use super::random::Randomness;
use super::transcript::{Detail, HttpCall, HttpResponse, Transcript};
use crate::budget::Budget;
use crate::client::Client;
use crate::error::Error;
use crate::headers::display_url;

/// HTTP calls per summary.
const MAX_SUMMARY_CALLS: usize = 50;

/// Bytes per full transcript.
const MAX_TRANSCRIPT_BYTES: usize = 16 << 20;

/// What the calls of one connector read from.
#[derive(Clone)]
pub struct Inputs {
    /// The HTTP client.
    pub client: Client,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Random numbers.
    pub randomness: Arc<dyn Randomness>,
    /// References.
    pub references: Arc<dyn References>,
    /// The operator's tables and the sequences.
    pub tables: Arc<dyn Tables>,
    /// The settings, each as JSON text.
    pub settings: Arc<BTreeMap<String, String>>,
}

/// Reads for one call, and records it.
pub struct Live {
    inputs: Inputs,
    budget: Budget,
    start: Instant,
    recording: Mutex<Recording>,
}

struct Recording {
    transcript: Transcript,
    /// What is left of [`MAX_TRANSCRIPT_BYTES`].
    bytes_left: usize,
}

impl Live {
    /// A recorder for one call.
    #[must_use]
    pub fn new(inputs: Inputs, detail: Detail) -> Self {
        let budget = inputs.client.budget();
        let transcript = Transcript { detail, ..Transcript::default() };
        let recording = Mutex::new(Recording { transcript, bytes_left: MAX_TRANSCRIPT_BYTES });
        Self { inputs, budget, start: Instant::now(), recording }
    }

    fn recording(&self) -> MutexGuard<'_, Recording> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records an entry of this size, if everything is to be recorded and there is space left.
    fn record(&self, size: usize, write: impl FnOnce(&mut Transcript)) {
        let mut recording = self.recording();
        if recording.transcript.detail == Detail::Full && recording.reserve(size) {
            write(&mut recording.transcript);
        }
    }

    /// Records a request before it is sent, so that a call that is aborted leaves it in the transcript.
    /// Returns its position, unless it was left out.
    fn record_request(&self, request: &Request<Bytes>) -> Option<usize> {
        let mut recording = self.recording();
        let full = recording.transcript.detail == Detail::Full;
        if full {
            if !recording.reserve(1024 + request.body().len()) {
                return None;
            }
        } else if recording.transcript.http_calls.len() >= MAX_SUMMARY_CALLS {
            recording.leave_out();
            return None;
        }
        recording.transcript.http_calls.push(HttpCall {
            method: request.method().to_string(),
            url: if full { request.uri().to_string() } else { display_url(request.uri()) },
            headers: if full { texts(request.headers()) } else { Vec::new() },
            bytes: request.body().len() as u64,
            body: if full { request.body().to_vec() } else { Vec::new() },
            millis: 0,
            response: None,
        });
        recording.transcript.http_calls.len().checked_sub(1)
    }

    fn record_response(
        &self,
        position: Option<usize>,
        millis: u64,
        response: &Result<Response<Bytes>, Error>,
    ) {
        let mut recording = self.recording();
        if let Err(error) = response
            && error.denied()
        {
            recording.transcript.denied = Some(error.clone());
        }
        let full = recording.transcript.detail == Detail::Full;
        let size = response.as_ref().map_or(0, |response| response.body().len());
        let with_body = full && recording.reserve(size);
        let Some(call) = position.and_then(|at| recording.transcript.http_calls.get_mut(at)) else { return };
        call.millis = millis;
        call.response = Some(response.as_ref().map_err(Clone::clone).map(|response| HttpResponse {
            status: response.status().as_u16(),
            bytes: response.body().len() as u64,
            headers: if full { texts(response.headers()) } else { Vec::new() },
            body: if with_body { response.body().to_vec() } else { Vec::new() },
        }));
    }
}

impl Recording {
    /// Reserves space for an entry. False when there is none left; the entry is then counted as left out, so
    /// that the transcript is not taken for complete.
    fn reserve(&mut self, size: usize) -> bool {
        let left = self.bytes_left.checked_sub(size);
        match left {
            Some(left) => self.bytes_left = left,
            None => self.leave_out(),
        }
        left.is_some()
    }

    fn leave_out(&mut self) {
        self.transcript.left_out = self.transcript.left_out.saturating_add(1);
    }
}

#[async_trait]
impl Recorder for Live {
    fn now(&self) -> Millis {
        let now = self.inputs.clock.now();
        self.record(8, |transcript| transcript.times.push(now.0));
        now
    }

    fn elapsed(&self) -> Duration {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.record(8, |transcript| transcript.elapsed.push(millis));
        Duration::from_millis(millis)
    }

    fn random(&self, fill: &mut [u8]) {
        self.inputs.randomness.fill(fill);
        self.record(fill.len(), |transcript| transcript.random.extend_from_slice(fill));
    }

    fn setting(&self, name: &str) -> Option<String> {
        let value = self.inputs.settings.get(name).cloned();
        let size = name.len() + value.as_ref().map_or(0, String::len);
        self.record(size, |transcript| {
            transcript.settings.insert(name.to_owned(), value.clone());
        });
        value
    }

    async fn references(&self, entity: &Entity) -> Result<Vec<Reference>, LookupFailed> {
        let found = self.inputs.references.find(entity).await?;
        self.record(256, |transcript| transcript.references.push((entity.clone(), found.clone())));
        Ok(found)
    }

    async fn entity(&self, kind: &str, id: &str) -> Result<Option<Entity>, LookupFailed> {
        let found = self.inputs.references.resolve(kind, id).await?;
        self.record(256, |transcript| {
            transcript.entities.push((kind.to_owned(), id.to_owned(), found.clone()))
        });
        Ok(found)
    }

    async fn mapping(&self, table: &str, value: &str) -> Result<Option<String>, LookupFailed> {
        let found = self.inputs.tables.mapping(table, value).await?;
        self.record(64, |transcript| {
            transcript.mappings.push((table.to_owned(), value.to_owned(), found.clone()))
        });
        Ok(found)
    }

    async fn store(&self, system: Option<&str>, code: &str) -> Result<Option<StoreRecord>, LookupFailed> {
        let found = self.inputs.tables.store(system, code).await?;
        self.record(256, |transcript| {
            transcript.stores.push((system.map(str::to_owned), code.to_owned(), found.clone()))
        });
        Ok(found)
    }

    async fn number(&self, sequence: &str) -> Result<u64, LookupFailed> {
        let number = self.inputs.tables.number(sequence).await?;
        self.record(32, |transcript| transcript.numbers.push((sequence.to_owned(), number)));
        Ok(number)
    }

    fn precheck(&self, head: &request::Parts) -> Result<(), Error> {
        self.inputs.client.precheck(head, &self.budget)
    }

    fn charge_bytes(&self, bytes: u64) -> Result<(), Error> {
        self.budget.charge_bytes(bytes)
    }

    async fn http(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let start = Instant::now();
        let position = self.record_request(&request);
        let response = self.inputs.client.send(request, &self.budget).await;
        let millis = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.record_response(position, millis, &response);
        response
    }

    fn transcript(&self) -> Transcript {
        std::mem::take(&mut self.recording().transcript)
    }
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}
