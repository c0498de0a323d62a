//! Whatever the order and number of arrivals, and whatever the target answers meanwhile: a small desk
//! keeps deliveries as storage does, admits by the rules, and tells a sink that writes down what it hears.

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::lane::head;

/// What happens at the desk.
#[derive(Clone, Debug)]
enum Step {
    /// This event of the history arrives (again).
    Arrives(usize),
    /// The head of the lane is tried, and the target answers so.
    Tried(Says),
}

#[derive(Clone, Copy, Debug)]
enum Says {
    Posted,
    Unavailable,
    /// No answer: it was done, or not.
    Lost {
        done: bool,
    },
    Rejected,
}

#[derive(Default)]
struct Desk {
    safeguards: Safeguards,
    keys: HashSet<String>,
    known: HashMap<String, Known>,
    rows: BTreeMap<i64, (Open, Incoming, bool)>,
    next: i64,
    heard: Vec<Incoming>,
}

impl Desk {
    fn arrive(&mut self, event: &Incoming) {
        if !self.keys.insert(event.key.clone()) && self.safeguards.dedupe() {
            return;
        }
        let lane: Vec<Open> = self.rows.values().map(|(open, ..)| open.clone()).collect();
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
            Admission::Wait { .. } => self.push(event, DeliveryState::Waiting),
            Admission::Stale { .. } | Admission::End { .. } => {}
            Admission::Join { delivery, effect, superseded, retries } => {
                known.annulled = false;
                for gone in superseded {
                    self.rows.remove(&gone).unwrap();
                }
                let (open, carried, _) = self.rows.get_mut(&delivery).unwrap();
                (open.effect, open.at) = (effect, event.stamp.at);
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
        let (effect, at, entity) = (event.effect, event.stamp.at, event.entity.clone());
        let open = Open { delivery: self.next, state, sent: Sent::No, effect, at, entity };
        self.rows.insert(self.next, (open, event.clone(), false));
    }

    fn attempt(&mut self, says: Says) {
        let Some(head) = head(self.rows.values().map(|(open, ..)| (open.delivery, open.state))) else {
            return;
        };
        let (open, carried, done) = self.rows.get_mut(&head).unwrap();
        if open.state == DeliveryState::Exception {
            return;
        }
        if open.sent == Sent::Maybe {
            // The next try asks, and the target knows.
            match *done {
                true => self.settle(head),
                false => open.sent = Sent::No,
            }
            return;
        }
        match says {
            Says::Posted => {
                self.heard.push(carried.clone());
                self.settle(head);
            }
            Says::Unavailable => {}
            Says::Lost { done: reached } => {
                open.sent = Sent::Maybe;
                *done = reached;
                if reached {
                    self.heard.push(carried.clone());
                }
            }
            Says::Rejected => open.state = DeliveryState::Exception,
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
                !(waits && newest.is_some_and(|newest| overtaken(row.effect, row.at, &newest)))
            });
            for (row, ..) in self.rows.values_mut().filter(|(row, ..)| row.state == DeliveryState::Waiting) {
                row.state = DeliveryState::Queued;
            }
        }
    }

    /// Everything goes well from here on, and a person retries what is stuck.
    fn finish(&mut self) {
        for _ in 0..200 {
            for (open, ..) in self.rows.values_mut().filter(|(row, ..)| row.state == DeliveryState::Exception)
            {
                open.state = DeliveryState::Queued;
            }
            self.attempt(Says::Posted);
        }
    }
}

/// Snapshots of one order (placed first), told under two kinds now and then; a refund; an edit; and
/// perhaps a cancel at the end.
fn history(changes: usize, edited: bool, cancelled: bool) -> Vec<Incoming> {
    let mut events = vec![incoming(Effect::Create, 10)];
    for change in 1..=changes {
        // Every other change falls into the second of the one before: progress tells them apart.
        let at = 10 + 10 * i64::try_from(change.div_ceil(2)).unwrap();
        let progress = u32::try_from(change).unwrap();
        let digest = format!("change {change}");
        let key = format!("{ORDER}/updated@{at}~{change}");
        let told = incoming(Effect::Change, at);
        events.push(Incoming { stamp: Stamp { progress, ..told.stamp }, digest, key, ..told });
    }
    if changes > 0 {
        // The last state once more, as another kind.
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
    let says = prop_oneof![
        3 => Just(Says::Posted),
        1 => Just(Says::Unavailable),
        1 => any::<bool>().prop_map(|done| Says::Lost { done }),
        1 => Just(Says::Rejected),
    ];
    (0usize..5, any::<bool>(), any::<bool>()).prop_flat_map(move |(changes, edited, cancelled)| {
        let events = history(changes, edited, cancelled);
        let count = events.len();
        // Every event arrives at least once, in any order; some again; tries fall anywhere between.
        let all = Just((0..count).map(Step::Arrives).collect::<Vec<_>>());
        let more = prop::collection::vec(
            prop_oneof![(0..count).prop_map(Step::Arrives), says.clone().prop_map(Step::Tried)],
            0..25,
        );
        let steps = (all, more).prop_map(|(all, more)| [all, more].concat()).prop_shuffle();
        (Just(events), steps)
    })
}

/// Runs a scenario and says what went wrong with what the sink heard.
fn judge(events: &[Incoming], steps: Vec<Step>, safeguards: Safeguards) -> Result<(), TestCaseError> {
    let mut desk = Desk { safeguards, ..Desk::default() };
    for step in steps {
        match step {
            Step::Arrives(event) => desk.arrive(&events[event]),
            Step::Tried(says) => desk.attempt(says),
        }
    }
    desk.finish();
    prop_assert!(desk.rows.is_empty(), "stuck: {:?}", desk.rows);

    let heard = &desk.heard;
    let states: Vec<&Incoming> = heard.iter().filter(|told| told.effect.is_snapshot()).collect();
    let order = &desk.known[ORDER];
    if order.annulled {
        prop_assert!(heard.is_empty(), "annulled, but heard {heard:?}");
        prop_assert!(!order.exists);
        return Ok(());
    }
    // Nothing stale is sent, nothing twice.
    for pair in states.windows(2) {
        prop_assert!(pair[0].stamp.place(&pair[1].stamp).is_lt(), "{:?} before {:?}", pair[0], pair[1]);
    }
    // The last thing told is the newest there is, and the order itself comes first.
    let snapshots = events.iter().filter(|event| event.effect.is_snapshot()).map(|event| event.stamp);
    let newest = snapshots.max_by(Stamp::place);
    prop_assert_eq!(states.last().map(|told| told.stamp), newest);
    prop_assert!(heard[0].effect.is_snapshot());
    // The refund is told once.
    prop_assert_eq!(heard.iter().filter(|told| told.effect == Effect::Once).count(), 1);
    // An edit is never told after a state that contains it.
    if let Some(edit) = heard.iter().position(|told| told.effect == Effect::Difference) {
        let at = heard[edit].stamp.at;
        for told in heard[..edit].iter().filter(|told| told.effect.is_snapshot()) {
            prop_assert!(told.stamp.at < at);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_the_arrivals_the_sink_hears_each_state_once_in_order_and_the_newest_last(
        (events, steps) in scenario(),
    ) {
        judge(&events, steps, Safeguards::default())?;
    }
}

/// The test of the test: each safeguard is needed.
#[cfg(feature = "faults")]
#[test]
fn without_the_version_gate_or_dedupe_the_same_scenarios_go_wrong() {
    let on = Safeguards::default();
    for off in [on.without_version_gate(), on.without_dedupe()] {
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) };
        let mut runner = proptest::test_runner::TestRunner::new(config);
        let ran = runner.run(&scenario(), |(events, steps)| judge(&events, steps, off));
        assert!(ran.is_err(), "{off:?} made no difference");
    }
}
