//! Admission under every order and number of arrivals, and every answer of the target: a small model of storage holds
//! deliveries, admits by the rules, and sends to a sink that records what it receives.

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::lane::{LaneEntry, next_ready};

/// One step of a scenario.
#[derive(Clone, Debug)]
enum Step {
    /// This event of the history arrives (again).
    Arrives(usize),
    /// The next delivery of the lane is sent, and the target gives this reply.
    Sends(Reply),
}

#[derive(Clone, Copy, Debug)]
enum Reply {
    Posted,
    Unavailable,
    /// No answer: the request was carried out, or not.
    Lost {
        done: bool,
    },
    Rejected,
}

#[derive(Default)]
struct Model {
    safeguards: Safeguards,
    keys: HashSet<String>,
    known: HashMap<String, EntityState>,
    rows: BTreeMap<i64, (OpenDelivery, Incoming, bool)>,
    next: i64,
    received: Vec<Incoming>,
}

impl Model {
    fn arrive(&mut self, event: &Incoming) {
        if !self.keys.insert(event.key.clone()) && self.safeguards.dedupe() {
            return;
        }
        let lane: Vec<OpenDelivery> = self.rows.values().map(|(open, ..)| open.clone()).collect();
        let entity = self.known.get(&event.entity).cloned().unwrap_or_default();
        let parent = event.parent.as_ref().map(|parent| self.known.get(parent).cloned().unwrap_or_default());
        let decided = admit(event, &entity, parent.as_ref(), &lane, self.safeguards);
        if matches!(decided, Admission::Stale { .. }) {
            return;
        }
        let known = self.known.entry(event.entity.clone()).or_default();
        if event.effect.advances() {
            known.newest = Some((event.stamp, event.digest.clone()));
        }
        match decided {
            Admission::Enqueue => {
                known.annulled = false;
                self.push(event, DeliveryState::Queued);
            }
            Admission::AwaitParent { .. } => self.push(event, DeliveryState::Waiting),
            Admission::Stale { .. } | Admission::End { .. } => {}
            Admission::Join { delivery, effect, superseded, retries } => {
                known.annulled = false;
                for gone in superseded {
                    self.rows.remove(&gone).unwrap();
                }
                let (open, carried, _) = self.rows.get_mut(&delivery).unwrap();
                (open.effect, open.moment) = (effect, event.stamp.moment());
                if retries && open.state == DeliveryState::Exception {
                    open.state = DeliveryState::Queued;
                }
                *carried = event.clone();
            }
            Admission::Annul { deliveries } => {
                for gone in deliveries {
                    self.rows.remove(&gone).unwrap();
                }
                self.known.entry(event.lane.clone()).or_default().annulled = true;
            }
        }
    }

    fn push(&mut self, event: &Incoming, state: DeliveryState) {
        self.next += 1;
        let (effect, moment, entity) = (event.effect, event.stamp.moment(), event.entity.clone());
        let open = OpenDelivery { delivery: self.next, state, sent: Sent::No, effect, moment, entity };
        self.rows.insert(self.next, (open, event.clone(), false));
    }

    fn attempt(&mut self, reply: Reply) {
        let lane = self.rows.values().map(|(open, ..)| LaneEntry {
            delivery: open.delivery,
            state: open.state,
            until_posted: false,
            reason_code: None,
            awaits: open.state == DeliveryState::Waiting,
        });
        let Some(head) = next_ready(lane) else { return };
        let (open, carried, done) = self.rows.get_mut(&head).unwrap();
        if open.sent == Sent::Maybe {
            // The next attempt looks it up, and the target knows.
            match *done {
                true => self.settle(head),
                false => open.sent = Sent::No,
            }
            return;
        }
        match reply {
            Reply::Posted => {
                self.received.push(carried.clone());
                self.settle(head);
            }
            Reply::Unavailable => {}
            Reply::Lost { done: reached } => {
                open.sent = Sent::Maybe;
                *done = reached;
                if reached {
                    self.received.push(carried.clone());
                }
            }
            Reply::Rejected => open.state = DeliveryState::Exception,
        }
    }

    fn settle(&mut self, delivery: i64) {
        let (open, ..) = self.rows.remove(&delivery).unwrap();
        let known = self.known.entry(open.entity.clone()).or_default();
        known.exists = true;
        let newest = known.newest.as_ref().map(|(stamp, _)| *stamp);
        if open.effect.is_snapshot() {
            self.rows.retain(|_, (row, ..)| {
                let waits = row.state == DeliveryState::Waiting;
                !(waits
                    && newest.is_some_and(|newest| is_contained_in(row.effect, row.moment, newest.moment())))
            });
            for (row, ..) in self.rows.values_mut().filter(|(row, ..)| row.state == DeliveryState::Waiting) {
                row.state = DeliveryState::Queued;
            }
        }
    }

    /// Every request succeeds from here on, and a person retries the exceptions.
    fn finish(&mut self) {
        for _ in 0..200 {
            for (open, ..) in self.rows.values_mut().filter(|(row, ..)| row.state == DeliveryState::Exception)
            {
                open.state = DeliveryState::Queued;
            }
            self.attempt(Reply::Posted);
        }
    }
}

/// Snapshots of one order (placed first), the last one reported under two operations; a refund; perhaps an edit, and a
/// cancel at the end.
fn history(changes: usize, edited: bool, cancelled: bool) -> Vec<Incoming> {
    let mut events = vec![incoming(Effect::Create, 10)];
    for change in 1..=changes {
        // Every other change falls into the second of the one before: progress orders them.
        let at = 10 + 10 * i64::try_from(change.div_ceil(2)).unwrap();
        let progress = u32::try_from(change).unwrap();
        let digest = format!("change {change}");
        let key = format!("{ORDER}/updated@{at}~{change}");
        let change = incoming(Effect::Change, at);
        events.push(Incoming { stamp: Stamp { progress, ..change.stamp }, digest, key, ..change });
    }
    if changes > 0 {
        // The last state once more, under another operation.
        let mut again = events.last().unwrap().clone();
        again.key = format!("{ORDER}/paid@{}", again.stamp.at);
        events.push(again);
    }
    if edited {
        events.push(incoming(Effect::Difference, 15));
    }
    events.push(refund(17));
    if cancelled {
        events.push(incoming(Effect::Cancel, 1_000));
    }
    events
}

fn scenario() -> impl Strategy<Value = (Vec<Incoming>, Vec<Step>)> {
    let reply = prop_oneof![
        3 => Just(Reply::Posted),
        1 => Just(Reply::Unavailable),
        1 => any::<bool>().prop_map(|done| Reply::Lost { done }),
        1 => Just(Reply::Rejected),
    ];
    (0usize..5, any::<bool>(), any::<bool>()).prop_flat_map(move |(changes, edited, cancelled)| {
        let events = history(changes, edited, cancelled);
        let count = events.len();
        // Every event arrives at least once, in any order; some again; sends happen anywhere between.
        let all = Just((0..count).map(Step::Arrives).collect::<Vec<_>>());
        let more = prop::collection::vec(
            prop_oneof![(0..count).prop_map(Step::Arrives), reply.clone().prop_map(Step::Sends)],
            0..25,
        );
        let steps = (all, more).prop_map(|(all, more)| [all, more].concat()).prop_shuffle();
        (Just(events), steps)
    })
}

/// Runs a scenario and verifies what the sink received.
fn verify(events: &[Incoming], steps: Vec<Step>, safeguards: Safeguards) -> Result<(), TestCaseError> {
    let mut model = Model { safeguards, ..Model::default() };
    for step in steps {
        match step {
            Step::Arrives(event) => model.arrive(&events[event]),
            Step::Sends(reply) => model.attempt(reply),
        }
    }
    model.finish();
    prop_assert!(model.rows.is_empty(), "stuck: {:?}", model.rows);

    let received = &model.received;
    let states: Vec<&Incoming> = received.iter().filter(|event| event.effect.is_snapshot()).collect();
    let order = &model.known[ORDER];
    if order.annulled {
        prop_assert!(received.is_empty(), "annulled, but received {received:?}");
        prop_assert!(!order.exists);
        return Ok(());
    }
    // Nothing stale is sent, nothing twice.
    for pair in states.windows(2) {
        prop_assert!(pair[0].stamp.compare(&pair[1].stamp).is_lt(), "{:?} before {:?}", pair[0], pair[1]);
    }
    // The last state received is the newest one, and the order itself is received first.
    let snapshots = events.iter().filter(|event| event.effect.is_snapshot()).map(|event| event.stamp);
    let newest = snapshots.max_by(Stamp::compare);
    prop_assert_eq!(states.last().map(|event| event.stamp), newest);
    prop_assert!(received[0].effect.is_snapshot());
    // The refund is received once.
    prop_assert_eq!(received.iter().filter(|event| event.effect == Effect::Once).count(), 1);
    // An edit is never received after a state that contains it.
    if let Some(edit) = received.iter().position(|event| event.effect == Effect::Difference) {
        let at = received[edit].stamp.at;
        for event in received[..edit].iter().filter(|event| event.effect.is_snapshot()) {
            prop_assert!(event.stamp.at < at);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_the_arrivals_the_sink_receives_each_state_once_in_order_and_the_newest_last(
        (events, steps) in scenario(),
    ) {
        verify(&events, steps, Safeguards::default())?;
    }
}

/// The test notices when a safeguard is off.
#[cfg(feature = "faults")]
#[test]
fn without_the_version_gate_or_dedupe_the_same_scenarios_fail() {
    let on = Safeguards::default();
    for off in [on.without(Safeguard::VersionGate), on.without(Safeguard::Dedupe)] {
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) };
        let mut runner = proptest::test_runner::TestRunner::new(config);
        let ran = runner.run(&scenario(), |(events, steps)| verify(&events, steps, off));
        assert!(ran.is_err(), "{off:?} made no difference");
    }
}
