//! A refresh token that is replaced with each use.
//!
//! Whoever shows a used one again may lose the whole authorisation, so one refresh happens at a time: within
//! the host because one is made for all who wait, between hosts because it is claimed in the store before
//! the endpoint is asked. What is stored under the token's name is the record of both tokens, so who loses a
//! compare-and-set reads the winner's token instead of refreshing again.
//!
//! 1. Read the record. An access token that is still good is used.
//! 2. Claim: put the record with a claim, if it is still the one that was read. Who is told no, or finds
//!    a claim, waits and reads again.
//! 3. Ask the endpoint.
//! 4. Put the new record, durably. Only then is the new access token used.
//!
//! What remains: a host that dies between 3 and 4 loses the new refresh token. The claim lapses, the old
//! token is shown again, and whether it still counts is the endpoint's affair (many allow a second use for
//! a while). If it does not, the connector is unauthorized, the reason says when a refresh was begun and not
//! ended, and a person authorises it again. A store that is down at 4 loses nothing as long as the host
//! lives: the record is put when the store is back, before anything else.

use std::sync::PoisonError;
use std::time::Duration;

use crossdock_model::time::Millis;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

use super::door::TOTAL;
use super::endpoint::Given;
use super::oauth2::{Inner, Token};
use crate::error::Error;
use crate::secret::{Secret, Slot};
use crate::stored::StoreFailed;

/// How long a claim holds: longer than the endpoint may take and the store may be tried.
const CLAIM: Duration = Duration::from_secs(90);

/// How long to wait before looking again at what somebody else has claimed.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How long to wait before a record is put again that the store did not take.
const PUT_AGAIN: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// A record that could not be stored, and the refresh token that it replaces.
pub(crate) struct Unsaved {
    spent: Secret,
    record: Record,
}

/// What is stored: JSON, or the refresh token alone where a person put it there.
#[derive(Clone)]
struct Record {
    refresh: Secret,
    access: Option<Secret>,
    fresh_until: Option<Millis>,
    claim: Option<Claim>,
    /// When a refresh began whose answer was not kept.
    unfinished: Option<Millis>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Claim {
    began: Millis,
    until: Millis,
}

/// The record's JSON form.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    refresh: Zeroized,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access: Option<Zeroized>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fresh_until: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claim: Option<Claim>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unfinished: Option<Millis>,
}

/// A text on its way into or out of a record.
struct Zeroized(Secret);

impl Serialize for Zeroized {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for Zeroized {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Secret::new(text)))
    }
}

impl Record {
    fn first(refresh: Secret) -> Self {
        Self { refresh, access: None, fresh_until: None, claim: None, unfinished: None }
    }

    fn read(text: &Secret) -> Self {
        match serde_json::from_str::<Written>(text.expose()) {
            Ok(written) => Self {
                refresh: written.refresh.0,
                access: written.access.map(|access| access.0),
                fresh_until: written.fresh_until,
                claim: written.claim,
                unfinished: written.unfinished,
            },
            Err(_) => Self::first(text.clone()),
        }
    }

    fn write(&self) -> Result<Zeroizing<String>, Error> {
        let written = Written {
            refresh: Zeroized(self.refresh.clone()),
            access: self.access.clone().map(Zeroized),
            fresh_until: self.fresh_until,
            claim: self.claim,
            unfinished: self.unfinished,
        };
        let text = serde_json::to_string(&written).map(Zeroizing::new);
        text.map_err(|_| Error::Unauthorized { reason: "the tokens cannot be written down".to_owned() })
    }

    /// The access token, if it is another one than `refused` and still good.
    fn token(&self, refused: Option<&Secret>, now: Millis) -> Option<Token> {
        let access =
            self.access.clone().filter(|access| refused.is_none_or(|refused| !same(refused, access)))?;
        let token = Token { access, refresh: Some(self.refresh.clone()), fresh_until: self.fresh_until };
        token.fresh(now).then_some(token)
    }
}

fn same(one: &Secret, other: &Secret) -> bool {
    one.expose() == other.expose()
}

fn down(error: StoreFailed) -> Error {
    Error::CredentialsUnavailable { reason: error.to_string() }
}

/// A token, had in the order that the module tells.
pub(super) async fn renew(tokens: &Inner, slot: &Slot, refused: Option<&Secret>) -> Result<Token, Error> {
    settle(tokens, slot).await?;
    let give_up = Instant::now() + CLAIM + TOTAL;
    loop {
        let now = tokens.clock.now();
        let (found, version) = slot.get().await.map_err(down)?;
        let record = match found.or_else(|| slot.seed().filter(|_| version.is_none())) {
            Some(text) => Record::read(&text),
            None => {
                let reason = "no refresh token is stored: authorise the connector and store the one you are \
                              given";
                return Err(Error::Unauthorized { reason: reason.to_owned() });
            }
        };
        if let Some(token) = record.token(refused, now) {
            return Ok(token);
        }
        if Instant::now() > give_up {
            let reason = "another node is renewing the token and does not come to an end";
            return Err(Error::CredentialsUnavailable { reason: reason.to_owned() });
        }
        if record.claim.is_some_and(|claim| now < claim.until) {
            sleep(LOOK_AGAIN).await;
            continue;
        }
        // A claim that has lapsed was made by somebody who did not live to end it.
        let unfinished = record.claim.map(|claim| claim.began).or(record.unfinished);
        let claim = Claim { began: now, until: now.plus(CLAIM) };
        let claimed = Record { claim: Some(claim), unfinished, ..record.clone() };
        if !slot.put(claimed.write()?, version).await.map_err(down)? {
            continue;
        }
        let failure = match tokens.ask(Some(&record.refresh)).await {
            Ok(given) => match replace(tokens, slot, record.refresh, given).await? {
                Some(token) => return Ok(token),
                // Somebody put another token in the meantime: that one counts.
                None => continue,
            },
            Err(failure) => failure,
        };
        let refused_for_good = matches!(failure.error, Error::Unauthorized { .. });
        let mark = if failure.perhaps && !refused_for_good { Some(now) } else { unfinished };
        let replaced = release(slot, &record.refresh, mark).await;
        if refused_for_good && replaced {
            continue;
        }
        return Err(explained(failure.error, unfinished));
    }
}

/// What a person has to know about a refusal.
fn explained(error: Error, unfinished: Option<Millis>) -> Error {
    let Error::Unauthorized { mut reason } = error else { return error };
    match unfinished {
        Some(began) => reason.push_str(&format!(
            "; a refresh that began at {began} did not come to its end, and its new token may be lost: \
             authorise the connector again and store the refresh token that you are given"
        )),
        None => reason.push_str(
            "; if the refresh token has expired or was used elsewhere, authorise the connector again and \
             store the one that you are given",
        ),
    }
    Error::Unauthorized { reason }
}

/// Puts what the endpoint gave. Absent when somebody had put another refresh token.
async fn replace(tokens: &Inner, slot: &Slot, spent: Secret, given: Given) -> Result<Option<Token>, Error> {
    let record = Record {
        refresh: given.refresh.unwrap_or_else(|| spent.clone()),
        access: Some(given.access.clone()),
        fresh_until: given.fresh_until,
        claim: None,
        unfinished: None,
    };
    let token =
        Token { access: given.access, refresh: Some(record.refresh.clone()), fresh_until: given.fresh_until };
    *tokens.unsaved.lock().unwrap_or_else(PoisonError::into_inner) = Some(Unsaved { spent, record });
    Ok(settle(tokens, slot).await?.then_some(token))
}

/// Puts what is unsaved, again and again if need be. False when it no longer counts.
async fn settle(tokens: &Inner, slot: &Slot) -> Result<bool, Error> {
    let unsaved = tokens.unsaved.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(unsaved) = unsaved else { return Ok(false) };
    let mut pauses = PUT_AGAIN.into_iter();
    loop {
        match keep(slot, &unsaved).await {
            Ok(kept) => return Ok(kept),
            Err(error) => {
                tracing::warn!(%error, "a new refresh token cannot be stored yet");
                let Some(pause) = pauses.next() else {
                    // It is put before anything else the next time a token is wanted.
                    *tokens.unsaved.lock().unwrap_or_else(PoisonError::into_inner) = Some(unsaved);
                    let reason = format!("a new refresh token cannot be stored: {error}");
                    return Err(Error::CredentialsUnavailable { reason });
                };
                sleep(pause).await;
            }
        }
    }
}

/// Puts a record in the place of the refresh token that it replaces. False when another one is there: somebody
/// else's, or this one, put by a store that failed only afterwards. Either is read then.
async fn keep(slot: &Slot, unsaved: &Unsaved) -> Result<bool, Error> {
    let Unsaved { spent, record } = unsaved;
    loop {
        let (found, version) = slot.get().await.map_err(down)?;
        let Some(there) = found.as_ref().map(Record::read) else { return Ok(false) };
        if !same(&there.refresh, spent) {
            return Ok(false);
        }
        if slot.put(record.write()?, version).await.map_err(down)? {
            return Ok(true);
        }
    }
}

/// Gives a claim up, so that nobody waits for it to lapse. True when another refresh token is there.
async fn release(slot: &Slot, spent: &Secret, unfinished: Option<Millis>) -> bool {
    loop {
        // If it cannot be given up it lapses.
        let Ok((Some(text), version)) = slot.get().await else { return false };
        let there = Record::read(&text);
        if !same(&there.refresh, spent) {
            return true;
        }
        let Ok(text) = (Record { claim: None, unfinished, ..there }).write() else { return false };
        if slot.put(text, version).await.unwrap_or(true) {
            return false;
        }
    }
}
