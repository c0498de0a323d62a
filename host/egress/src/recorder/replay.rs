//! Reads what a recorded call read.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_model::common::{Entity, Reference};
use crossdock_model::time::Millis;
use http::{HeaderName, HeaderValue, Request, Response, request};

use super::interface::Recorder;
use super::lookup::{LookupFailed, StoreRecord};
use super::transcript::{Detail, HttpCall, Transcript};
use crate::error::Error;

/// A transcript that is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReplayable {
    /// Only a summary was recorded.
    #[error("only a summary of the call was recorded")]
    Summary,
    /// The call was too large to be recorded completely.
    #[error("the call was too large to be recorded completely")]
    LeftOut,
}

/// Replays a transcript to one call. It uses neither network nor clock.
pub struct Replay(Mutex<State>);

struct State {
    transcript: Transcript,
    http_calls: VecDeque<HttpCall>,
    times: VecDeque<i64>,
    elapsed: VecDeque<u64>,
    random: VecDeque<u8>,
    last_time: Millis,
    last_elapsed: Duration,
    divergence: Option<String>,
}

impl Replay {
    /// A recorder for one call.
    ///
    /// # Errors
    /// When the transcript is not complete.
    pub fn new(transcript: Transcript) -> Result<Self, NotReplayable> {
        if transcript.detail != Detail::Full {
            return Err(NotReplayable::Summary);
        }
        if transcript.left_out > 0 {
            return Err(NotReplayable::LeftOut);
        }
        Ok(Self::of(transcript))
    }

    /// A recorder that has nothing to read: every read diverges, and no request is sent.
    #[must_use]
    pub fn empty() -> Self {
        Self::of(Transcript::default())
    }

    fn of(transcript: Transcript) -> Self {
        Self(Mutex::new(State {
            last_time: Millis(transcript.times.first().copied().unwrap_or_default()),
            last_elapsed: Duration::ZERO,
            divergence: None,
            http_calls: transcript.http_calls.clone().into(),
            times: transcript.times.clone().into(),
            elapsed: transcript.elapsed.clone().into(),
            random: transcript.random.clone().into(),
            transcript,
        }))
    }

    /// Where the call first diverged from the recorded one. Absent when it did not.
    #[must_use]
    pub fn divergence(&self) -> Option<String> {
        self.state().divergence.clone()
    }

    /// A look-up that the recorded call did not make.
    fn not_recorded(&self, what: String) -> LookupFailed {
        LookupFailed { reason: self.state().diverge(format!("it looked up {what}")).to_string() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the first entry that matches.
fn take<T>(recorded: &mut Vec<T>, matches: impl Fn(&T) -> bool) -> Option<T> {
    recorded.iter().position(matches).map(|at| recorded.remove(at))
}

impl State {
    fn diverge(&mut self, reason: String) -> Error {
        self.divergence.get_or_insert_with(|| reason.clone());
        Error::Diverged { reason }
    }

    /// The next recorded HTTP call, if the request is the recorded one.
    fn next(&mut self, request: &Request<Bytes>) -> Result<HttpCall, Error> {
        let (method, url) = (request.method().as_str(), request.uri().to_string());
        let Some(recorded) = self.http_calls.pop_front() else {
            return Err(self.diverge(format!("it sent one more request, {method} {url}")));
        };
        // A request that was refused before its body was read was recorded without the body.
        let has_no_body = matches!(&recorded.response, Some(Err(error)) if error.refused_before_body());
        let same_body = has_no_body || recorded.body == request.body().as_ref();
        if recorded.method == method && recorded.url == url && same_body {
            return Ok(recorded);
        }
        let reason = format!(
            "it sent {method} {url} with {} bytes where {} {} with {} bytes was recorded",
            request.body().len(),
            recorded.method,
            recorded.url,
            recorded.bytes
        );
        Err(self.diverge(reason))
    }
}

#[async_trait]
impl Recorder for Replay {
    fn now(&self) -> Millis {
        let mut state = self.state();
        match state.times.pop_front() {
            Some(millis) => state.last_time = Millis(millis),
            None => drop(state.diverge("it read the time once more".to_owned())),
        }
        state.last_time
    }

    fn elapsed(&self) -> Duration {
        let mut state = self.state();
        match state.elapsed.pop_front() {
            Some(millis) => state.last_elapsed = Duration::from_millis(millis),
            // A waiting guest reads the elapsed time whenever it wakes up, any number of times: no divergence.
            None => state.last_elapsed += Duration::from_millis(1),
        }
        state.last_elapsed
    }

    fn random(&self, fill: &mut [u8]) {
        let mut state = self.state();
        for byte in fill {
            *byte = match state.random.pop_front() {
                Some(byte) => byte,
                None => {
                    drop(state.diverge("it read more random numbers".to_owned()));
                    0
                }
            };
        }
    }

    fn setting(&self, name: &str) -> Option<String> {
        let mut state = self.state();
        match state.transcript.settings.get(name) {
            Some(value) => value.clone(),
            None => {
                drop(state.diverge(format!("it read the setting `{name}`")));
                None
            }
        }
    }

    async fn references(&self, entity: &Entity) -> Result<Vec<Reference>, LookupFailed> {
        let found = take(&mut self.state().transcript.references, |(recorded, _)| recorded == entity);
        found.map(|(_, found)| found).ok_or_else(|| self.not_recorded(format!("the references of {entity}")))
    }

    async fn entity(&self, kind: &str, id: &str) -> Result<Option<Entity>, LookupFailed> {
        let found = take(&mut self.state().transcript.entities, |(k, i, _)| k == kind && i == id);
        found
            .map(|(_, _, found)| found)
            .ok_or_else(|| self.not_recorded(format!("the entity of {kind} {id}")))
    }

    async fn mapping(&self, table: &str, value: &str) -> Result<Option<String>, LookupFailed> {
        let found = take(&mut self.state().transcript.mappings, |(t, v, _)| t == table && v == value);
        found
            .map(|(_, _, found)| found)
            .ok_or_else(|| self.not_recorded(format!("the mapping of {table} {value}")))
    }

    async fn store(&self, system: Option<&str>, code: &str) -> Result<Option<StoreRecord>, LookupFailed> {
        let same = |(s, c, _): &(Option<String>, String, _)| s.as_deref() == system && c == code;
        let found = take(&mut self.state().transcript.stores, same);
        found.map(|(_, _, found)| found).ok_or_else(|| self.not_recorded(format!("the store {code}")))
    }

    async fn number(&self, sequence: &str) -> Result<u64, LookupFailed> {
        let found = take(&mut self.state().transcript.numbers, |(recorded, _)| recorded == sequence);
        found.map(|(_, number)| number).ok_or_else(|| self.not_recorded(format!("a number of {sequence}")))
    }

    fn precheck(&self, _: &request::Parts) -> Result<(), Error> {
        Ok(())
    }

    fn charge_bytes(&self, _: u64) -> Result<(), Error> {
        Ok(())
    }

    async fn http(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let recorded = self.state().next(&request)?;
        let Some(result) = recorded.response else {
            // The recorded call was aborted here; so is this one, by its deadline.
            return std::future::pending().await;
        };
        let recorded = result?;
        let mut response = Response::new(Bytes::from(recorded.body));
        *response.status_mut() = recorded.status.try_into().unwrap_or_default();
        for (name, value) in recorded.headers {
            if let (Ok(name), Ok(value)) =
                (name.parse::<HeaderName>(), HeaderValue::from_bytes(value.as_bytes()))
            {
                response.headers_mut().append(name, value);
            }
        }
        Ok(response)
    }

    fn transcript(&self) -> Transcript {
        self.state().transcript.clone()
    }
}
