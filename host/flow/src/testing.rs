//! What unit tests of the drivers share: a clock that they set, a store of pending requests in memory, and admissions
//! that fail on demand.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use crossdock_engine::view::{Inbound, PendingCount};
use crossdock_engine::{Accept, Accepted, Admit, Admitted, ClaimInbounds, Error, NewEvent, Request, Result};
use crossdock_model::connector::Problem;
use crossdock_model::event::Event;
use crossdock_model::time::{Clock, Millis, SystemClock};
use serde_json::json;

use crate::admissions::AdmitEvents;
use crate::pending::PendingInbounds;

/// The machine's clocks, and the time that the test skips.
#[derive(Default)]
pub(crate) struct SkippingClock(AtomicU64);

impl SkippingClock {
    pub fn skip(&self, span: Duration) {
        self.0.fetch_add(u64::try_from(span.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn skipped(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

impl Clock for SkippingClock {
    fn now(&self) -> Millis {
        SystemClock.now().plus(self.skipped())
    }

    fn monotonic(&self) -> Instant {
        Instant::now() + self.skipped()
    }
}

/// Waits until something holds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within ten seconds: {what}");
}

/// A stock adjustment, ready for admission.
pub(crate) fn new_event(id: &str) -> NewEvent {
    let event: Event = serde_json::from_value(json!({
        "entity": { "system": "pos", "tenant": "t", "kind": "stock", "id": id },
        "occurredAt": "2026-11-23T10:00:00Z",
        "fact": { "kind": "inventory.adjusted", "value": {
            "sku": "SKU-1", "location": "31", "delta": "-2", "reason": "sale", "at": "2026-11-23T10:00:00Z"
        } }
    }))
    .unwrap();
    NewEvent { source: "pos".into(), ..NewEvent::new(event, Millis(0)).unwrap() }
}

/// A request as it is accepted.
pub(crate) fn accept(connector: &str, dedupe: &str) -> Accept {
    Accept {
        connector: connector.into(),
        dedupe: dedupe.into(),
        request: Request::default(),
        received_at: SystemClock.now(),
        trace: String::new(),
        lease: None,
    }
}

#[derive(Clone, Debug, PartialEq)]
enum State {
    Pending,
    Quarantined(Problem),
    Done,
}

struct Row {
    inbound: Inbound,
    dedupe: String,
    due_at: Millis,
    leased: bool,
    state: State,
}

/// Pending requests in memory.
#[derive(Default)]
pub(crate) struct MemoryInbounds(Mutex<Rows>);

#[derive(Default)]
struct Rows {
    rows: BTreeMap<i64, Row>,
    claims: u32,
    claimed: usize,
    max_claimed: usize,
}

impl MemoryInbounds {
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().unwrap()
    }

    /// Stores requests that nobody has leased.
    pub fn add(&self, connector: &str, count: usize) {
        for _ in 0..count {
            self.rows().insert(&accept(connector, "added"), None);
        }
    }

    /// The events of a request are stored.
    pub fn finish(&self, inbound: i64) {
        self.rows().end(inbound, State::Done);
    }

    /// How many requests that were claimed are not finished: so many bodies are in memory because of claims; now, and
    /// at most.
    pub fn claimed(&self) -> (usize, usize) {
        let rows = self.rows();
        (rows.claimed, rows.max_claimed)
    }

    /// How many claims were made that found something.
    pub fn claims(&self) -> u32 {
        self.rows().claims
    }

    /// How many pending requests are leased.
    pub fn leased(&self) -> usize {
        self.rows().rows.values().filter(|row| row.state == State::Pending && row.leased).count()
    }

    pub fn pending(&self) -> usize {
        self.rows().rows.values().filter(|row| row.state == State::Pending).count()
    }

    /// The quarantined requests, each with its connector and the code of its problem.
    pub fn quarantined(&self) -> Vec<(String, String)> {
        let rows = self.rows();
        let quarantined = rows.rows.values().filter_map(|row| match &row.state {
            State::Quarantined(problem) => Some((row.inbound.connector.clone(), problem.code.clone())),
            State::Pending | State::Done => None,
        });
        quarantined.collect()
    }
}

impl Rows {
    fn insert(&mut self, accept: &Accept, lease: Option<Duration>) -> i64 {
        let id = self.rows.len() as i64 + 1;
        let inbound = Inbound {
            id,
            connector: accept.connector.clone(),
            received_at: accept.received_at,
            trace: accept.trace.clone(),
            attempts: 0,
            request: Some(accept.request.clone()),
        };
        let due_at = lease.map_or(accept.received_at, |lease| accept.received_at.plus(lease));
        let (dedupe, leased) = (accept.dedupe.clone(), lease.is_some());
        self.rows.insert(id, Row { inbound, dedupe, due_at, leased, state: State::Pending });
        id
    }

    fn end(&mut self, inbound: i64, state: State) {
        self.claimed = self.claimed.saturating_sub(1);
        self.rows.get_mut(&inbound).unwrap().state = state;
    }
}

#[async_trait]
impl PendingInbounds for MemoryInbounds {
    async fn accept(&self, accept: Accept, lease: Option<Duration>) -> Result<Accepted> {
        let mut rows = self.rows();
        if let Some((id, _)) = rows.rows.iter().find(|(_, row)| row.dedupe == accept.dedupe) {
            return Ok(Accepted { inbound: *id, duplicate: true });
        }
        Ok(Accepted { inbound: rows.insert(&accept, lease), duplicate: false })
    }

    async fn claim(&self, claim: ClaimInbounds) -> Result<Vec<Inbound>> {
        let mut rows = self.rows();
        let mut claimed = Vec::new();
        let due = rows.rows.values_mut().filter(|row| {
            row.state == State::Pending && row.inbound.connector == claim.connector && row.due_at <= claim.now
        });
        for row in due.take(claim.limit as usize) {
            (row.due_at, row.leased) = (claim.now.plus(claim.lease), true);
            claimed.push(row.inbound.clone());
        }
        rows.claims += u32::from(!claimed.is_empty());
        rows.claimed += claimed.len();
        rows.max_claimed = rows.max_claimed.max(rows.claimed);
        Ok(claimed)
    }

    async fn postpone(&self, inbound: i64, due_at: Millis, _: Problem, _: Millis) -> Result<()> {
        let mut rows = self.rows();
        rows.end(inbound, State::Pending);
        let row = rows.rows.get_mut(&inbound).unwrap();
        (row.due_at, row.leased) = (due_at, false);
        row.inbound.attempts += 1;
        Ok(())
    }

    async fn quarantine(&self, inbound: i64, why: Problem) -> Result<()> {
        self.rows().end(inbound, State::Quarantined(why));
        Ok(())
    }

    async fn reread(&self, inbound: i64, _: &str, now: Millis) -> Result<()> {
        let mut rows = self.rows();
        let row = rows.rows.get_mut(&inbound).unwrap();
        (row.due_at, row.leased, row.state) = (now, false, State::Pending);
        row.inbound.attempts = 0;
        Ok(())
    }

    async fn next_due(&self) -> Result<Vec<(String, Millis)>> {
        let mut first: BTreeMap<String, Millis> = BTreeMap::new();
        for row in self.rows().rows.values().filter(|row| row.state == State::Pending) {
            let due = first.entry(row.inbound.connector.clone()).or_insert(row.due_at);
            *due = (*due).min(row.due_at);
        }
        Ok(first.into_iter().collect())
    }

    async fn counts(&self) -> Result<Vec<PendingCount>> {
        Ok(Vec::new())
    }
}

/// Admissions that refuse events by their entity's id.
#[derive(Default)]
pub(crate) struct TestAdmissions {
    /// Refused for its content.
    pub refused: Option<&'static str>,
    /// The store fails at it.
    pub fault: Option<&'static str>,
    /// The ids of admitted events, and the cursors moved.
    pub admitted: Mutex<(Vec<String>, Vec<String>)>,
}

impl TestAdmissions {
    pub fn new(refused: Option<&'static str>, fault: Option<&'static str>) -> Arc<Self> {
        Arc::new(Self { refused, fault, ..Self::default() })
    }
}

#[async_trait]
impl AdmitEvents for TestAdmissions {
    async fn admit(&self, admit: Admit) -> Result<Admitted> {
        let ids: Vec<String> = admit.events.iter().map(|event| event.event.entity.id.clone()).collect();
        let has = |id: Option<&str>| id.is_some_and(|id| ids.iter().any(|known| known == id));
        if has(self.refused) {
            return Err(Error::Invalid { what: "event", id: "1".into(), reason: "refused".into() });
        }
        if has(self.fault) {
            return Err(Error::Transaction("UNIQUE constraint failed: event.key".into()));
        }
        let mut admitted = self.admitted.lock().unwrap();
        admitted.0.extend(ids);
        admitted.1.extend(admit.cursor.map(|cursor| cursor.to));
        Ok(Admitted::default())
    }
}
