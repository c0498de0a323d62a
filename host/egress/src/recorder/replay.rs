//! A recorded call's world, told again.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_model::common::{Entity, Reference};
use crossdock_model::time::Millis;
use http::{HeaderName, HeaderValue, Request, Response, request};

use super::transcript::{Detail, Exchange, Transcript};
use super::{LookupFailed, Recorder, StoreRecord};
use crate::error::Error;

/// A transcript that does not hold everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotReplayable {
    /// Only a summary was kept.
    #[error("only a summary of the call was kept")]
    Summary,
    /// The call was too large to be kept as a whole.
    #[error("the call was too large to be kept as a whole")]
    LeftOut,
}

/// Tells one call what the recorded call was told. It touches neither network nor clock.
pub struct Replay(Mutex<State>);

struct State {
    transcript: Transcript,
    exchanges: VecDeque<Exchange>,
    times: VecDeque<i64>,
    elapsed: VecDeque<u64>,
    random: VecDeque<u8>,
    last: (Millis, Duration),
    diverged: Option<String>,
}

impl Replay {
    /// For one call.
    ///
    /// # Errors
    /// When the transcript does not hold everything.
    pub fn new(transcript: Transcript) -> Result<Self, NotReplayable> {
        if transcript.detail != Detail::Full {
            return Err(NotReplayable::Summary);
        }
        if transcript.left_out > 0 {
            return Err(NotReplayable::LeftOut);
        }
        let last = (Millis(transcript.times.first().copied().unwrap_or_default()), Duration::ZERO);
        Ok(Self(Mutex::new(State {
            exchanges: transcript.exchanges.clone().into(),
            times: transcript.times.clone().into(),
            elapsed: transcript.elapsed.clone().into(),
            random: transcript.random.clone().into(),
            transcript,
            last,
            diverged: None,
        })))
    }

    /// Where the call left the recorded way first. Absent when it followed it.
    #[must_use]
    pub fn diverged(&self) -> Option<String> {
        self.state().diverged.clone()
    }

    /// The call asked for something that the recorded one did not ask for.
    fn strayed(&self, what: String) -> LookupFailed {
        LookupFailed { reason: self.state().diverge(format!("it asked for {what}")).to_string() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the first that fits.
fn take<T>(recorded: &mut Vec<T>, fits: impl Fn(&T) -> bool) -> Option<T> {
    recorded.iter().position(fits).map(|place| recorded.remove(place))
}

impl State {
    fn diverge(&mut self, reason: String) -> Error {
        self.diverged.get_or_insert_with(|| reason.clone());
        Error::Diverged { reason }
    }

    /// The recorded exchange of a request, when it is the one that comes next.
    fn next(&mut self, request: &Request<Bytes>) -> Result<Exchange, Error> {
        let (method, url) = (request.method().as_str(), request.uri().to_string());
        let Some(recorded) = self.exchanges.pop_front() else {
            return Err(self.diverge(format!("it sent one more request, {method} {url}")));
        };
        // The body of a request that was refused before it was there was not kept.
        let unkept = matches!(&recorded.answer, Some(Err(error)) if error.refused());
        let same = unkept || recorded.body == request.body().as_ref();
        if recorded.method == method && recorded.url == url && same {
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
            Some(millis) => state.last.0 = Millis(millis),
            None => drop(state.diverge("it asked for the time once more".to_owned())),
        }
        state.last.0
    }

    fn elapsed(&self) -> Duration {
        let mut state = self.state();
        match state.elapsed.pop_front() {
            Some(millis) => state.last.1 = Duration::from_millis(millis),
            // A guest that waits asks how long it has waited, as often as it wakes up: no divergence.
            None => state.last.1 += Duration::from_millis(1),
        }
        state.last.1
    }

    fn random(&self, fill: &mut [u8]) {
        let mut state = self.state();
        for byte in fill {
            *byte = match state.random.pop_front() {
                Some(byte) => byte,
                None => {
                    drop(state.diverge("it asked for more random numbers".to_owned()));
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
                drop(state.diverge(format!("it asked for the setting `{name}`")));
                None
            }
        }
    }

    async fn references(&self, entity: &Entity) -> Result<Vec<Reference>, LookupFailed> {
        let found = take(&mut self.state().transcript.references, |(asked, _)| asked == entity);
        found.map(|(_, found)| found).ok_or_else(|| self.strayed(format!("the references of {entity}")))
    }

    async fn entity(&self, kind: &str, id: &str) -> Result<Option<Entity>, LookupFailed> {
        let found = take(&mut self.state().transcript.entities, |(k, i, _)| k == kind && i == id);
        found.map(|(_, _, found)| found).ok_or_else(|| self.strayed(format!("the entity of {kind} {id}")))
    }

    async fn mapping(&self, table: &str, value: &str) -> Result<Option<String>, LookupFailed> {
        let found = take(&mut self.state().transcript.mappings, |(t, v, _)| t == table && v == value);
        found
            .map(|(_, _, found)| found)
            .ok_or_else(|| self.strayed(format!("the mapping of {table} {value}")))
    }

    async fn store(&self, system: Option<&str>, code: &str) -> Result<Option<StoreRecord>, LookupFailed> {
        let same = |(s, c, _): &(Option<String>, String, _)| s.as_deref() == system && c == code;
        let found = take(&mut self.state().transcript.stores, same);
        found.map(|(_, _, found)| found).ok_or_else(|| self.strayed(format!("the store {code}")))
    }

    async fn number(&self, sequence: &str) -> Result<u64, LookupFailed> {
        let found = take(&mut self.state().transcript.numbers, |(asked, _)| asked == sequence);
        found.map(|(_, number)| number).ok_or_else(|| self.strayed(format!("a number of {sequence}")))
    }

    fn admit(&self, _: &request::Parts) -> Result<(), Error> {
        Ok(())
    }

    fn carry(&self, _: u64) -> Result<(), Error> {
        Ok(())
    }

    async fn http(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let recorded = self.state().next(&request)?;
        let Some(answer) = recorded.answer else {
            // The recorded call was broken off here; so is this one, by its deadline.
            return std::future::pending().await;
        };
        let answer = answer?;
        let mut response = Response::new(Bytes::from(answer.body));
        *response.status_mut() = answer.status.try_into().unwrap_or_default();
        for (name, value) in answer.headers {
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
