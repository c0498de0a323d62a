//! Orders do not touch each other: what the walks of one order rely on, checked wherever several are walked together.
//!
//! A state has a part for each order and one that they share (pauses, mappings, the clock). While several orders are
//! walked, every step is held to two rules:
//!
//! - **It touches no other order.** A step of one order leaves the parts of the others as they were.
//! - **It depends on no other order.** What a step makes of an order's part follows from that part, the shared part
//!   and the step: wherever the three are the same, whatever the other orders are, so is what becomes of it.
//!
//! Hence the steps of a run of several orders that concern one of them, with those that concern all, are a run of that
//! order alone.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::digest::Parts;
use crate::step::{Fate, Step};
use crate::walker::{Budget, Violation, World};
use crate::world::{Call, SmallWorld, State};

/// A world whose steps are held to the rules above.
pub struct Independent<'w> {
    world: &'w SmallWorld,
    /// What became of an order's part, by that part, the shared one and the step.
    seen: RefCell<HashMap<(u64, u64, u64), u64>>,
}

/// A state with its parts.
pub struct Parted {
    state: State,
    parts: Parts,
}

impl<'w> Independent<'w> {
    /// The world.
    #[must_use]
    pub fn new(world: &'w SmallWorld) -> Self {
        Self { world, seen: RefCell::default() }
    }

    /// How many different steps of an order's part have been seen.
    pub fn steps_seen(&self) -> usize {
        self.seen.borrow().len()
    }

    fn parted(&self, state: State) -> Parted {
        let parts = self.world.parts(&state);
        Parted { state, parts }
    }

    fn hold(&self, before: &Parted, step: &Step, after: &Parts) -> Result<(), Violation> {
        let concerned = self.world.concerned(&before.state, step);
        for (order, (part, then)) in before.parts.orders.iter().zip(&after.orders).enumerate() {
            if concerned.is_some_and(|concerned| concerned != order) {
                if part != then {
                    return Err(format!("order {} was touched by what concerns another", order + 1));
                }
                continue;
            }
            // Which of several that are due is claimed first is a matter of all of them.
            if matches!(step, Step::Claim { .. }) && part == then {
                continue;
            }
            let words = self.world.words_for(&before.state, step, order);
            let mut hasher = DefaultHasher::new();
            (order, words).hash(&mut hasher);
            match self.seen.borrow_mut().entry((*part, before.parts.shared, hasher.finish())) {
                Entry::Vacant(vacant) => {
                    vacant.insert(*then);
                }
                Entry::Occupied(known) if known.get() == then => {}
                Entry::Occupied(_) => {
                    return Err(format!("what became of order {} depends on another order", order + 1));
                }
            }
        }
        Ok(())
    }
}

impl World for Independent<'_> {
    type State = Parted;
    type Step = Step;

    fn start(&self) -> Parted {
        self.parted(self.world.start())
    }

    fn steps(&self, state: &Parted) -> Vec<Step> {
        self.world.steps(&state.state)
    }

    fn play(&self, state: &Parted, step: &Step) -> Result<Parted, Violation> {
        let after = self.parted(self.world.play(&state.state, step)?);
        self.hold(state, step, &after.parts)?;
        Ok(after)
    }

    fn budget(&self, state: &Parted) -> Budget {
        self.world.budget(&state.state)
    }

    fn goes_wrong(&self, state: &Parted, step: &Step) -> bool {
        self.world.goes_wrong(&state.state, step)
    }

    fn digest(&self, state: &Parted) -> u64 {
        let mut hasher = DefaultHasher::new();
        state.parts.hash(&mut hasher);
        hasher.finish()
    }

    fn check(&self, state: &Parted) -> Result<(), Violation> {
        self.world.check(&state.state)
    }

    fn check_at_rest(&self, state: &Parted) -> Result<(), Violation> {
        self.world.check_at_rest(&state.state)
    }

    fn describe(&self, state: &Parted, step: &Step) -> String {
        self.world.describe(&state.state, step)
    }
}

impl SmallWorld {
    /// The order that a step concerns. None: all of them.
    fn concerned(&self, state: &State, step: &Step) -> Option<usize> {
        match step {
            Step::Arrive(arrival) | Step::ArriveUnheard(arrival) => Some(self.arrivals[*arrival].order),
            Step::CarryOut(call) | Step::Answer(call, _) => Some(state.calls[*call].order),
            Step::TakeEffect(late) => Some(state.late[*late].order),
            Step::Document(letter) => Some(state.letters[*letter].order),
            Step::Retry(delivery) | Step::Discard { delivery, .. } | Step::Map(delivery) => {
                let rows = state.memory.deliveries();
                rows.iter().find(|row| row.id == *delivery).map(|row| self.order(&row.lane))
            }
            Step::Claim { .. }
            | Step::Sweep(_)
            | Step::Overdue(_)
            | Step::Tick
            | Step::Crash(_)
            | Step::Resume(_)
            | Step::PausedByAnother(_) => None,
        }
    }

    /// A step in words, as far as it is a matter of one order.
    fn words_for(&self, state: &State, step: &Step, order: usize) -> String {
        let own = |calls: Vec<&Call>, fates: &[Fate]| {
            let own = calls.iter().zip(fates).filter(|(call, _)| call.order == order);
            own.map(|(call, fate)| format!("{} {fate:?}", call.request.key)).collect::<Vec<_>>().join("; ")
        };
        match step {
            Step::Claim { connector, .. } => format!("claimed at {connector}"),
            Step::Sweep(fates) => {
                let lost = state.calls.iter().filter(|call| call.claimed.lease_until <= state.now);
                format!("swept: {}", own(lost.collect(), fates))
            }
            Step::Crash(fates) => format!("killed: {}", own(state.calls.iter().collect(), fates)),
            _ => self.describe_step(state, step),
        }
    }
}
