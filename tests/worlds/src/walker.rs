//! The walk: everything that can happen next, in every order, until nothing can.
//!
//! The walker knows no orders and no engine. It goes depth first and visits each state once; two states are the same
//! when their digests are. It is deterministic: the same world gives the same counts, and the same story.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::ops::AddAssign;

/// What must never happen, and happened.
pub type Violation = String;

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

    /// A number that is the same for states from which the same can happen.
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

/// A state on the way that the walk goes.
struct Visit<W: World> {
    state: W::State,
    number: u32,
    steps: std::vec::IntoIter<W::Step>,
    /// The step that is under way.
    step: Option<W::Step>,
}

/// A walk and what it remembers of it.
struct Walk<'w, W: World> {
    world: &'w W,
    known: HashMap<u64, u32>,
    /// From which state to which, by number.
    transitions: Vec<(u32, u32)>,
    rests: Vec<u32>,
}

/// Walks a world to its end, and makes sure that every state of it leads to rest.
///
/// # Errors
/// The way to the first violation, which is not the shortest: see [`shortest`].
pub fn walk<W: World>(world: &W) -> Result<Counts, Story> {
    let mut walk = Walk { world, known: HashMap::new(), transitions: Vec::new(), rests: Vec::new() };
    let mut path = Vec::new();
    if let Err(violation) = walk.go(&mut path) {
        let steps = path
            .iter()
            .filter_map(|visit| visit.step.as_ref().map(|step| world.describe(&visit.state, step)));
        return Err(Story { steps: steps.collect(), violation });
    }
    let counts = Counts {
        worlds: 1,
        states: walk.known.len() as u64,
        transitions: walk.transitions.len() as u64,
        rests: walk.rests.len() as u64,
    };
    match walk.restless() {
        None => Ok(counts),
        Some(digest) => Err(way_to(world, digest)),
    }
}

impl<W: World> Walk<'_, W> {
    fn go(&mut self, path: &mut Vec<Visit<W>>) -> Result<(), Violation> {
        let start = self.world.start();
        let digest = self.world.digest(&start);
        self.enter(start, digest, path)?;
        while let Some(visit) = path.last_mut() {
            visit.step = visit.steps.next();
            let Some(step) = &visit.step else {
                path.pop();
                continue;
            };
            let (from, next) = (visit.number, self.world.play(&visit.state, step)?);
            let digest = self.world.digest(&next);
            let to = match self.known.get(&digest) {
                Some(known) => *known,
                None => self.enter(next, digest, path)?,
            };
            self.transitions.push((from, to));
        }
        Ok(())
    }

    /// Visits a new state. Answers its number.
    fn enter(&mut self, state: W::State, digest: u64, path: &mut Vec<Visit<W>>) -> Result<u32, Violation> {
        let number = u32::try_from(self.known.len()).map_err(|_| "the world is too large".to_owned())?;
        self.known.insert(digest, number);
        self.world.check(&state)?;
        let steps = self.world.steps(&state);
        if steps.is_empty() {
            self.world.check_at_rest(&state)?;
            self.rests.push(number);
        }
        path.push(Visit { state, number, steps: steps.into_iter(), step: None });
        Ok(number)
    }

    /// The digest of a state from which no rest can be reached, if there is one.
    fn restless(&self) -> Option<u64> {
        let mut before: Vec<Vec<u32>> = vec![Vec::new(); self.known.len()];
        for (from, to) in &self.transitions {
            if let Some(of) = before.get_mut(*to as usize) {
                of.push(*from);
            }
        }
        let mut leads_to_rest = vec![false; self.known.len()];
        let mut next = self.rests.clone();
        while let Some(number) = next.pop() {
            if let Some(known) = leads_to_rest.get_mut(number as usize)
                && !std::mem::replace(known, true)
            {
                next.extend(before.get(number as usize).into_iter().flatten());
            }
        }
        let restless = |number: &u32| leads_to_rest.get(*number as usize) == Some(&false);
        // The one that was found first, so that the answer is always the same.
        let first =
            self.known.iter().filter(|(_, number)| restless(number)).min_by_key(|(_, number)| **number);
        first.map(|(digest, _)| *digest)
    }
}

/// A search for the shortest way to something.
struct Search<'w, W: World> {
    world: &'w W,
    /// Each state's predecessor, by number, and the step from there in words.
    ways: Vec<(usize, String)>,
}

impl<W: World> Search<'_, W> {
    fn story(&self, mut number: usize, last: Option<String>, violation: Violation) -> Story {
        let mut steps: Vec<String> = last.into_iter().collect();
        while let Some((before, step)) = self.ways.get(number).filter(|_| number > 0) {
            steps.push(step.clone());
            number = *before;
        }
        steps.reverse();
        Story { steps, violation }
    }

    /// Goes breadth first, until `found` says that a state is what is searched for, or something is violated.
    fn go(&mut self, most: usize, found: impl Fn(u64) -> Option<Violation>) -> Option<Story> {
        let start = self.world.start();
        let mut known = std::collections::HashSet::from([self.world.digest(&start)]);
        self.ways.push((0, String::new()));
        let mut next = VecDeque::from([(start, 0)]);
        while let Some((state, number)) = next.pop_front() {
            let steps = self.world.steps(&state);
            let mut checked = self.world.check(&state);
            if steps.is_empty() {
                checked = checked.and_then(|()| self.world.check_at_rest(&state));
            }
            if let Err(violation) = checked {
                return Some(self.story(number, None, violation));
            }
            for step in steps {
                let words = || self.world.describe(&state, &step);
                let after = match self.world.play(&state, &step) {
                    Ok(after) => after,
                    Err(violation) => return Some(self.story(number, Some(words()), violation)),
                };
                let digest = self.world.digest(&after);
                if !known.insert(digest) {
                    continue;
                }
                let words = words();
                self.ways.push((number, words));
                let to = self.ways.len() - 1;
                if let Some(violation) = found(digest) {
                    return Some(self.story(to, None, violation));
                }
                if self.ways.len() < most {
                    next.push_back((after, to));
                }
            }
        }
        None
    }
}

/// The shortest way to a violation, of those that lead through at most so many states.
pub fn shortest<W: World>(world: &W, most: usize) -> Option<Story> {
    Search { world, ways: Vec::new() }.go(most, |_| None)
}

fn way_to<W: World>(world: &W, digest: u64) -> Story {
    let violation = || "from here nothing ever comes to rest".to_owned();
    let found = |at: u64| (at == digest).then(violation);
    let story = Search { world, ways: Vec::new() }.go(usize::MAX, found);
    story.unwrap_or_else(|| Story { steps: Vec::new(), violation: violation() })
}
