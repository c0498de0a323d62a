//! The real world, written down as it is told.

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

use super::transcript::{Answer, Detail, Exchange, Transcript};
use super::{LookupFailed, Randomness, Recorder, References, StoreRecord, Tables};
use crate::client::{Budget, Client, shown};
use crate::error::Error;

/// The most requests that a summary tells of.
const SUMMARY: usize = 50;

/// The most that a full transcript holds, in bytes.
const FULL: usize = 16 << 20;

/// The real world of one connector.
#[derive(Clone)]
pub struct Sources {
    /// The way out.
    pub client: Client,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Random numbers.
    pub randomness: Arc<dyn Randomness>,
    /// References.
    pub references: Arc<dyn References>,
    /// The operator's tables, and numbers.
    pub tables: Arc<dyn Tables>,
    /// The settings, each as JSON text.
    pub settings: Arc<BTreeMap<String, String>>,
}

/// Tells one call about the real world, and keeps a transcript.
pub struct Live {
    sources: Sources,
    budget: Budget,
    start: Instant,
    kept: Mutex<Kept>,
}

struct Kept {
    transcript: Transcript,
    room: usize,
}

impl Live {
    /// For one call.
    #[must_use]
    pub fn new(sources: Sources, detail: Detail) -> Self {
        let budget = sources.client.budget();
        let transcript = Transcript { detail, ..Transcript::default() };
        let kept = Mutex::new(Kept { transcript, room: FULL });
        Self { sources, budget, start: Instant::now(), kept }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps something of a size, in a full transcript that has room for it.
    fn keep(&self, size: usize, write: impl FnOnce(&mut Transcript)) {
        let mut kept = self.kept();
        if kept.transcript.detail == Detail::Full && kept.take(size) {
            write(&mut kept.transcript);
        }
    }
}

impl Kept {
    /// Takes room; what finds none is counted, so that nobody believes the transcript to be whole.
    fn take(&mut self, size: usize) -> bool {
        let left = self.room.checked_sub(size);
        match left {
            Some(left) => self.room = left,
            None => self.transcript.left_out = self.transcript.left_out.saturating_add(1),
        }
        left.is_some()
    }
}

#[async_trait]
impl Recorder for Live {
    fn now(&self) -> Millis {
        let now = self.sources.clock.now();
        self.keep(8, |transcript| transcript.times.push(now.0));
        now
    }

    fn elapsed(&self) -> Duration {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.keep(8, |transcript| transcript.elapsed.push(millis));
        Duration::from_millis(millis)
    }

    fn random(&self, fill: &mut [u8]) {
        self.sources.randomness.fill(fill);
        self.keep(fill.len(), |transcript| transcript.random.extend_from_slice(fill));
    }

    fn setting(&self, name: &str) -> Option<String> {
        let value = self.sources.settings.get(name).cloned();
        let size = name.len() + value.as_ref().map_or(0, String::len);
        self.keep(size, |transcript| {
            transcript.settings.insert(name.to_owned(), value.clone());
        });
        value
    }

    async fn references(&self, entity: &Entity) -> Result<Vec<Reference>, LookupFailed> {
        let found = self.sources.references.find(entity).await?;
        self.keep(256, |transcript| transcript.references.push((entity.clone(), found.clone())));
        Ok(found)
    }

    async fn entity(&self, kind: &str, id: &str) -> Result<Option<Entity>, LookupFailed> {
        let found = self.sources.references.resolve(kind, id).await?;
        self.keep(256, |transcript| {
            transcript.entities.push((kind.to_owned(), id.to_owned(), found.clone()))
        });
        Ok(found)
    }

    async fn mapping(&self, table: &str, value: &str) -> Result<Option<String>, LookupFailed> {
        let found = self.sources.tables.mapping(table, value).await?;
        self.keep(64, |transcript| {
            transcript.mappings.push((table.to_owned(), value.to_owned(), found.clone()))
        });
        Ok(found)
    }

    async fn store(&self, system: Option<&str>, code: &str) -> Result<Option<StoreRecord>, LookupFailed> {
        let found = self.sources.tables.store(system, code).await?;
        self.keep(256, |transcript| {
            transcript.stores.push((system.map(str::to_owned), code.to_owned(), found.clone()))
        });
        Ok(found)
    }

    async fn number(&self, sequence: &str) -> Result<u64, LookupFailed> {
        let number = self.sources.tables.number(sequence).await?;
        self.keep(32, |transcript| transcript.numbers.push((sequence.to_owned(), number)));
        Ok(number)
    }

    fn admit(&self, head: &request::Parts) -> Result<(), Error> {
        self.sources.client.admit(head, &self.budget)
    }

    fn carry(&self, bytes: u64) -> Result<(), Error> {
        self.budget.carry(bytes)
    }

    async fn http(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let start = Instant::now();
        // Written before it is sent: a call that is broken off leaves the request in the transcript.
        let place = self.begin(&request);
        let answer = self.sources.client.send(request, &self.budget).await;
        let millis = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.end(place, millis, &answer);
        answer
    }

    fn transcript(&self) -> Transcript {
        std::mem::take(&mut self.kept().transcript)
    }
}

impl Live {
    fn begin(&self, request: &Request<Bytes>) -> Option<usize> {
        let mut kept = self.kept();
        let full = kept.transcript.detail == Detail::Full;
        let room = if full {
            kept.take(1024 + request.body().len())
        } else if kept.transcript.exchanges.len() < SUMMARY {
            true
        } else {
            kept.transcript.left_out = kept.transcript.left_out.saturating_add(1);
            false
        };
        if !room {
            return None;
        }
        kept.transcript.exchanges.push(Exchange {
            method: request.method().to_string(),
            url: if full { request.uri().to_string() } else { shown(request.uri()) },
            headers: if full { texts(request.headers()) } else { Vec::new() },
            bytes: request.body().len() as u64,
            body: if full { request.body().to_vec() } else { Vec::new() },
            millis: 0,
            answer: None,
        });
        kept.transcript.exchanges.len().checked_sub(1)
    }

    fn end(&self, place: Option<usize>, millis: u64, answer: &Result<Response<Bytes>, Error>) {
        let mut kept = self.kept();
        if let Err(error) = answer
            && error.denied()
        {
            kept.transcript.denied = Some(error.clone());
        }
        let full = kept.transcript.detail == Detail::Full;
        let size = answer.as_ref().map_or(0, |answer| answer.body().len());
        let whole = full && kept.take(size);
        let Some(exchange) = place.and_then(|place| kept.transcript.exchanges.get_mut(place)) else { return };
        exchange.millis = millis;
        exchange.answer = Some(answer.as_ref().map_err(Clone::clone).map(|answer| Answer {
            status: answer.status().as_u16(),
            bytes: answer.body().len() as u64,
            headers: if full { texts(answer.headers()) } else { Vec::new() },
            body: if whole { answer.body().to_vec() } else { Vec::new() },
        }));
    }
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}
