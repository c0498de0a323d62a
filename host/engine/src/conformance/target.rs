//! A target that is only played: it books what it is sent, answers as its books are, and says what must never happen
//! to them. Random and exhaustive tests of the engine share it.

use std::collections::{BTreeMap, BTreeSet};

use crossdock_model::common::Entity;
use crossdock_model::connector::{Found, Outcome, Progress, Receipt};
use crossdock_model::event::{Event, Fact};
use crossdock_model::time::micros;
use crossdock_rules::lookup::Keys;

use crate::Claimed;

/// What a request asks the target to book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// A state of the order, by when the source dates it.
    State {
        /// In microseconds since 1970.
        at: i64,
        /// Whether the order is cancelled in it.
        cancelled: bool,
    },
    /// A refund of the order.
    Refund,
    /// A difference to the state of the order, by when the source dates it.
    Edit {
        /// In microseconds since 1970.
        at: i64,
    },
}

/// A request, as the target reads it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// The idempotency key.
    pub key: String,
    /// The identity of the order.
    pub order: String,
    /// The identity of what is booked: of the order, or of its refund.
    pub entity: String,
    /// What is booked.
    pub content: Content,
    /// True when it goes on from a resume token.
    pub resumed: bool,
}

impl Request {
    /// The request that a claimed delivery leads to.
    #[must_use]
    pub fn of(claimed: &Claimed) -> Self {
        Self {
            key: claimed.key.clone(),
            order: claimed.lane.clone(),
            entity: claimed.event.entity.to_string(),
            content: Content::of(&claimed.event),
            resumed: claimed.resume.is_some(),
        }
    }

    fn order_entity(&self) -> Entity {
        self.order.parse().expect("a lane is the identity of an order")
    }
}

impl Content {
    /// What an event asks a target to book.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        let at = event.version.as_ref().map_or(&event.occurred_at, |version| &version.at);
        let at = micros(at).expect("samples are dated by instants");
        match &event.fact {
            Fact::RefundIssued(_) => Self::Refund,
            Fact::OrderEdited(_) => Self::Edit { at },
            Fact::Order(change) => Self::State { at, cancelled: change.is_cancelled() },
            _ => Self::State { at, cancelled: false },
        }
    }
}

/// What the target has of one order, and what it was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Book {
    /// The state that was booked last: when the source dates it, and whether it is cancelled.
    pub state: Option<(i64, bool)>,
    /// How often each key was booked.
    pub booked: BTreeMap<String, u32>,
    /// How often each refund was booked.
    pub refunds: BTreeMap<String, u32>,
    /// The keys of which only a part is booked.
    parts: BTreeSet<String>,
    /// True once the target has refused any interest in the order: it then wants nothing that belongs to it.
    pub ignored: bool,
    /// True once somebody changed the order in the target itself: its state is no longer what was sent.
    pub changed_there: bool,
    /// True once the target has said that it has not got the order, which it has.
    pub denied: bool,
    /// True once a person had something sent that still awaited the order.
    pub forced: bool,
    /// The newest state that was sent, by entity.
    newest_sent: BTreeMap<String, i64>,
    /// The keys whose outcome is unknown, and which nobody has asked about since.
    in_doubt: BTreeSet<String>,
}

/// A target and its books.
#[derive(Clone, Debug)]
pub struct Target {
    /// What it offers against duplicates.
    pub keys: Keys,
    /// Its books, by the identity of the order.
    pub books: BTreeMap<String, Book>,
}

/// What must never happen, and happened.
pub type Violation = String;

impl Target {
    /// A target with empty books.
    #[must_use]
    pub fn new(keys: Keys) -> Self {
        Self { keys, books: BTreeMap::new() }
    }

    /// The book of an order.
    pub fn book(&mut self, order: &str) -> &mut Book {
        if !self.books.contains_key(order) {
            self.books.insert(order.to_owned(), Book::default());
        }
        self.books.get_mut(order).expect("it was put there")
    }

    /// Whether the target has booked a key.
    #[must_use]
    pub fn has_booked(&self, request: &Request) -> bool {
        self.books.get(&request.order).is_some_and(|book| book.booked.contains_key(&request.key))
    }

    /// Whether the target would book a request, if it reached it now.
    #[must_use]
    pub fn would_book(&self, request: &Request) -> bool {
        let book = self.books.get(&request.order);
        if book.is_some_and(|book| book.ignored) || (self.keys == Keys::Honoured && self.has_booked(request))
        {
            return false;
        }
        matches!(request.content, Content::State { .. }) || book.is_some_and(|book| book.state.is_some())
    }

    /// A request leaves for the target.
    ///
    /// # Errors
    /// When it must not: its outcome is in doubt, a newer state was sent, or its order has yet to be sent.
    pub fn note_sent(&mut self, request: &Request) -> Result<(), Violation> {
        let keys = self.keys;
        let book = self.book(&request.order);
        if keys != Keys::Honoured && book.in_doubt.contains(&request.key) {
            return Err(format!("{} was sent again though nobody had asked what became of it", request.key));
        }
        match request.content {
            Content::State { at, .. } => {
                let newest = book.newest_sent.entry(request.entity.clone()).or_insert(at);
                if *newest > at {
                    return Err(format!(
                        "{} was sent after a newer state of {}",
                        request.key, request.entity
                    ));
                }
                *newest = at;
            }
            Content::Refund | Content::Edit { .. } => {
                let known = book.forced || book.state.is_some() || !book.newest_sent.is_empty();
                if !known {
                    return Err(format!("{} was sent before anything of its order", request.key));
                }
            }
        }
        Ok(())
    }

    /// Nobody knows what became of a request.
    pub fn note_doubt(&mut self, request: &Request) {
        self.book(&request.order).in_doubt.insert(request.key.clone());
    }

    /// The target was asked about a request, or a person has looked: there is no more doubt.
    pub fn note_certain(&mut self, request: &Request) {
        self.book(&request.order).in_doubt.remove(&request.key);
    }

    /// Carries a request out, and answers truly.
    ///
    /// # Errors
    /// When the books are wrong by it.
    pub fn deliver(&mut self, request: &Request) -> Result<Outcome, Violation> {
        let book = self.books.get(&request.order);
        if self.keys == Keys::Honoured && self.has_booked(request) {
            return Ok(Outcome::AlreadyThere(receipt()));
        }
        if book.is_some_and(|book| book.ignored) {
            return Ok(Outcome::Ignored("of no use here".to_owned()));
        }
        if !self.would_book(request) {
            return Ok(Outcome::NotYet(request.order_entity()));
        }
        self.carry_out(request)?;
        Ok(Outcome::Posted(receipt()))
    }

    /// A request reaches the target; nobody hears the answer.
    ///
    /// # Errors
    /// When the books are wrong by it.
    pub fn carry_out(&mut self, request: &Request) -> Result<(), Violation> {
        if !self.would_book(request) {
            return Ok(());
        }
        self.book(&request.order).book(request)
    }

    /// A request is carried out in part.
    pub fn carry_out_in_part(&mut self, request: &Request) {
        self.book(&request.order).parts.insert(request.key.clone());
    }

    /// Answers truly what became of a request.
    #[must_use]
    pub fn find(&self, request: &Request) -> Found {
        match self.books.get(&request.order) {
            Some(book) if book.booked.contains_key(&request.key) => Found::Present(receipt()),
            Some(book) if book.parts.contains(&request.key) => Found::Partial(half()),
            _ => Found::Absent,
        }
    }
}

/// A receipt that says nothing more.
#[must_use]
pub fn receipt() -> Receipt {
    Receipt { references: Vec::new(), written: Vec::new(), note: None }
}

/// Half of the work is done.
#[must_use]
pub fn half() -> Progress {
    Progress { resume: "half".to_owned(), references: Vec::new() }
}

impl Book {
    fn book(&mut self, request: &Request) -> Result<(), Violation> {
        let times = self.booked.entry(request.key.clone()).or_default();
        *times += 1;
        if *times > 1 {
            return Err(format!("{} was booked {times} times", request.key));
        }
        self.parts.remove(&request.key);
        match request.content {
            Content::State { at, cancelled } => {
                match self.state {
                    Some((newest, _)) if newest > at => {
                        return Err(format!("{} was booked over a newer state", request.key));
                    }
                    Some((newest, _)) if newest == at => {
                        return Err(format!("{} was booked though the same state was there", request.key));
                    }
                    _ => {}
                }
                self.state = Some((at, cancelled));
            }
            Content::Refund => {
                let times = self.refunds.entry(request.entity.clone()).or_default();
                *times += 1;
                if *times > 1 {
                    return Err(format!("{} was given back {times} times", request.entity));
                }
            }
            Content::Edit { at } => {
                if self.state.is_some_and(|(state, _)| state >= at) {
                    return Err(format!("{} was booked though the order's state contains it", request.key));
                }
            }
        }
        Ok(())
    }
}

/// What was reported of one order, as the books are compared with it at rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reported {
    /// Its states: when the source dates each, and whether it is cancelled.
    pub states: BTreeSet<(i64, bool)>,
    /// The identities of its refunds.
    pub refunds: BTreeSet<String>,
    /// Its edits: key, and when the source dates it.
    pub edits: BTreeSet<(String, i64)>,
    /// True when a person gave the order up: then only duplicates count.
    pub given_up: bool,
}

impl Reported {
    /// Takes an event in, under its key.
    pub fn add(&mut self, key: &str, event: &Event) {
        match Content::of(event) {
            Content::State { at, cancelled } => {
                self.states.insert((at, cancelled));
            }
            Content::Refund => {
                self.refunds.insert(event.entity.to_string());
            }
            Content::Edit { at } => {
                self.edits.insert((key.to_owned(), at));
            }
        }
    }

    /// Takes out what a person gave up: a refund or an edit by its key, or the order itself.
    pub fn give_up(&mut self, key: Option<&str>) {
        let Some(key) = key else {
            self.given_up = true;
            return;
        };
        self.refunds.retain(|refund| !key.starts_with(refund.as_str()));
        self.edits.retain(|(edit, _)| edit != key);
    }

    /// Compares a book with what was reported, once everything is at rest. `annulled`: the order was cancelled before
    /// it was sent.
    ///
    /// # Errors
    /// When something is missing, or is there that must not be.
    pub fn compare(&self, book: &Book, annulled: bool) -> Result<(), Violation> {
        if self.given_up || book.ignored || book.changed_there {
            return Ok(());
        }
        let newest = self.states.last().copied();
        if annulled {
            let cancelled = newest.is_some_and(|(_, cancelled)| cancelled);
            let empty = book.booked.is_empty() && book.refunds.is_empty();
            return match (cancelled, empty) {
                (false, _) => Err("an order was annulled whose newest state is not cancelled".to_owned()),
                (true, false) => Err(format!("an annulled order is in the books: {book:?}")),
                (true, true) => Ok(()),
            };
        }
        if book.state != newest {
            return Err(format!("the books have the state {:?}, the newest is {newest:?}", book.state));
        }
        for refund in &self.refunds {
            if newest.is_some() && !book.refunds.contains_key(refund) {
                return Err(format!("{refund} was never given back"));
            }
        }
        for (key, at) in &self.edits {
            let contained = newest.is_some_and(|(newest, _)| newest >= *at);
            if newest.is_some() && !contained && !book.booked.contains_key(key) {
                return Err(format!("{key} was never booked, and no state contains it"));
            }
        }
        Ok(())
    }
}
