//! The walk: everything that can happen next, in every order, until nothing can.
//!
//! The walker knows no orders and no engine. Two states are the same when their digests are. Of the same states that
//! differ in how much may still go wrong, only those are visited that allow most: whatever can happen from the others can
//! happen from these. It is deterministic: the same world gives the same counts, and the same story.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::ops::AddAssign;

/// What must never happen, and happened.
pub type Violation = String;

/// How much may still happen that need not, by kind: wrong answers, kills, …
pub type Budget = [u8; 4];

/// A world that can be walked.
pub trait World {
    /// Everything that decides what can happen next.
    type State;
    /// One thing that happens.
    type Step: Clone;

    /// Where it begins.
    fn start(&self) -> Self::State;

    /// Everything that can happen next, always in the same order. Nothing: the world is at rest.
    fn steps(&self, state: &Self::State) -> Vec<Self::Step>;

    /// What a step makes of a state.
    ///
    /// # Errors
    /// When something happens in it that must never happen.
    fn play(&self, state: &Self::State, step: &Self::Step) -> Result<Self::State, Violation>;

    /// How much may still go wrong. What may is never less with more of it.
    fn budget(&self, state: &Self::State) -> Budget;

    /// Whether something goes wrong in a step: it spends of the budget.
    fn goes_wrong(&self, state: &Self::State, step: &Self::Step) -> bool;

    /// A number that is the same for states from which the same can happen, but for the budget.
    fn digest(&self, state: &Self::State) -> u64;

    /// Looks at a state that is visited for the first time.
    ///
    /// # Errors
    /// When it breaks an invariant.
    fn check(&self, state: &Self::State) -> Result<(), Violation>;

    /// Looks at a state in which nothing can happen any more.
    ///
    /// # Errors
    /// When it is not as it should be in the end.
    fn check_at_rest(&self, state: &Self::State) -> Result<(), Violation>;

    /// A step in plain words.
    fn describe(&self, state: &Self::State, step: &Self::Step) -> String;
}

/// What a walk has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Worlds walked.
    pub worlds: u64,
    /// Different states.
    pub states: u64,
    /// Steps from a state to another.
    pub transitions: u64,
    /// States in which nothing can happen any more.
    pub rests: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.worlds += other.worlds;
        self.states += other.states;
        self.transitions += other.transitions;
        self.rests += other.rests;
    }
}

/// How a world came to what must never happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// What happened, in plain words.
    pub steps: Vec<String>,
    /// What must never happen.
    pub violation: Violation,
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:3}. {step}", number + 1)?;
        }
        write!(f, "  => {}", self.violation)
    }
}

/// A visited state from which something may go wrong.
struct Visited<W: World> {
    state: W::State,
    number: u32,
    /// What goes wrong, each with its place among the steps.
    wrong: Vec<(u32, W::Step)>,
}

/// A walk and what it remembers of it.
struct Walk<'w, W: World> {
    world: &'w W,
    /// The states by their digests: of each digest those that allow more than any other.
    known: HashMap<u64, Vec<(Budget, u32)>>,
    /// From where each state was reached first, and by which of the steps there.
    ways: Vec<(u32, u32)>,
    /// From which state to which, by number, where nothing goes wrong.
    transitions: Vec<(u32, u32)>,
    /// How many steps something went wrong in.
    wrong: u64,
    rests: Vec<u32>,
}

/// A violation and where: the state, and the step that led from it.
type At = (u32, Option<u32>, Violation);

/// Walks a world to its end, and makes sure that every state of it leads to rest without anything going wrong.
///
/// # Errors
/// The way to the first violation, which need not be the shortest.
pub fn walk<W: World>(world: &W) -> Result<Counts, Story> {
    let mut walk = Walk {
        world,
        known: HashMap::new(),
        ways: Vec::new(),
        transitions: Vec::new(),
        wrong: 0,
        rests: Vec::new(),
    };
    let done = walk.go(world.start(), (0, 0)).and_then(|()| match walk.restless() {
        None => Ok(()),
        Some(number) => Err((number, None, "from here nothing ever comes to rest".to_owned())),
    });
    match done {
        Ok(()) => Ok(Counts {
            worlds: 1,
            states: walk.ways.len() as u64,
            transitions: walk.transitions.len() as u64 + walk.wrong,
            rests: walk.rests.len() as u64,
        }),
        Err((number, step, violation)) => Err(Story { steps: walk.way_to(number, step), violation }),
    }
}

impl<W: World> Walk<'_, W> {
    /// Visits a state and all that it leads to: first without anything going wrong, since whatever else allows less.
    fn go(&mut self, state: W::State, way: (u32, u32)) -> Result<(), At> {
        for Visited { state, number, wrong } in self.follow(state, way)? {
            for (place, step) in wrong {
                self.wrong += 1;
                let next = self.play(&state, number, (place, &step))?;
                self.go(next, (number, place))?;
            }
        }
        Ok(())
    }

    fn play(&self, state: &W::State, number: u32, (place, step): (u32, &W::Step)) -> Result<W::State, At> {
        self.world.play(state, step).map_err(|violation| (number, Some(place), violation))
    }

    /// Visits a state and all that it leads to without anything going wrong. Answers from where something may.
    fn follow(&mut self, state: W::State, way: (u32, u32)) -> Result<Vec<Visited<W>>, At> {
        let mut visited = Vec::new();
        let mut next = Vec::new();
        if let (number, true) = self.number(&state, way) {
            next.push((state, number));
        }
        while let Some((state, number)) = next.pop() {
            self.world.check(&state).map_err(|violation| (number, None, violation))?;
            let steps = self.world.steps(&state);
            if steps.iter().all(|step| self.world.goes_wrong(&state, step)) {
                self.world.check_at_rest(&state).map_err(|violation| (number, None, violation))?;
                self.rests.push(number);
            }
            let mut wrong = Vec::new();
            for (place, step) in (0..).zip(steps) {
                if self.world.goes_wrong(&state, &step) {
                    wrong.push((place, step));
                    continue;
                }
                let after = self.play(&state, number, (place, &step))?;
                let (to, is_new) = self.number(&after, (number, place));
                self.transitions.push((number, to));
                if is_new {
                    next.push((after, to));
                }
            }
            if !wrong.is_empty() {
                visited.push(Visited { state, number, wrong });
            }
        }
        Ok(visited)
    }

    /// The number of a state, or of one from which the same can happen and more; and whether it is a new one.
    fn number(&mut self, state: &W::State, way: (u32, u32)) -> (u32, bool) {
        let budget = self.world.budget(state);
        let same = self.known.entry(self.world.digest(state)).or_default();
        let allows = |of: &Budget| of.iter().zip(budget).all(|(of, this)| *of >= this);
        if let Some((_, number)) = same.iter().find(|(of, _)| allows(of)) {
            return (*number, false);
        }
        let number = u32::try_from(self.ways.len()).expect("a world has less than 2^32 states");
        same.push((budget, number));
        self.ways.push(way);
        (number, true)
    }

    /// A state from which no rest can be reached unless something goes wrong, if there is one.
    fn restless(&self) -> Option<u32> {
        let mut before: Vec<Vec<u32>> = vec![Vec::new(); self.ways.len()];
        for (from, to) in &self.transitions {
            if let Some(of) = before.get_mut(*to as usize) {
                of.push(*from);
            }
        }
        let mut leads_to_rest = vec![false; self.ways.len()];
        let mut next = self.rests.clone();
        while let Some(number) = next.pop() {
            if let Some(known) = leads_to_rest.get_mut(number as usize)
                && !std::mem::replace(known, true)
            {
                next.extend(before.get(number as usize).into_iter().flatten());
            }
        }
        // The one that was found first, so that the answer is always the same.
        let first = leads_to_rest.iter().position(|leads| !leads);
        first.and_then(|first| u32::try_from(first).ok())
    }

    /// The way to a state in words, and one step more.
    fn way_to(&self, mut number: u32, last: Option<u32>) -> Vec<String> {
        let mut places: Vec<u32> = last.into_iter().collect();
        while let Some((before, place)) = self.ways.get(number as usize).filter(|_| number > 0) {
            places.push(*place);
            number = *before;
        }
        let mut state = self.world.start();
        let mut words = Vec::new();
        for place in places.into_iter().rev() {
            let steps = self.world.steps(&state);
            let Some(step) = steps.get(place as usize) else { break };
            words.push(self.world.describe(&state, step));
            match self.world.play(&state, step) {
                Ok(next) => state = next,
                Err(_) => break,
            }
        }
        words
    }
}
