//! Every small world, walked to its end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tools of tests: they may fail"
)]

mod check;
mod digest;
mod documents;
pub mod histories;
pub mod independence;
mod play;
mod ready;
mod step;
pub mod walker;
mod words;
pub mod world;

use crate::step::{Reply, Step};
use crate::walker::{Budget, Violation, World};
use crate::world::{SmallWorld, State};

impl World for SmallWorld {
    type State = State;
    type Step = Step;

    fn start(&self) -> State {
        self.begin()
    }

    fn steps(&self, state: &State) -> Vec<Step> {
        self.next_steps(state)
    }

    fn play(&self, state: &State, step: &Step) -> Result<State, Violation> {
        self.step(state, step)
    }

    fn budget(&self, state: &State) -> Budget {
        [state.wrong_answers_left, state.kills_left, state.redeliveries_left, state.discards_left]
    }

    fn goes_wrong(&self, state: &State, step: &Step) -> bool {
        match step {
            Step::Answer(_, reply) => *reply != Reply::Truth,
            Step::ArriveUnheard(_) | Step::Crash(_) | Step::PausedByAnother(_) => true,
            Step::Sweep(fates) => !fates.is_empty(),
            Step::Arrive(arrival) => state.arrived[*arrival],
            Step::Discard { orphan, .. } => !orphan,
            _ => false,
        }
    }

    fn digest(&self, state: &State) -> u64 {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let mut hasher = DefaultHasher::new();
        self.parts(state).hash(&mut hasher);
        hasher.finish()
    }

    fn check(&self, state: &State) -> Result<(), Violation> {
        self.check_always(state)
    }

    fn check_at_rest(&self, state: &State) -> Result<(), Violation> {
        self.check_rest(state)
    }

    fn describe(&self, state: &State, step: &Step) -> String {
        self.describe_step(state, step)
    }
}
