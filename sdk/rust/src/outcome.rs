//! Constructors of and conversions between the records of [`connector`](crate::connector).

use std::fmt;

use crate::common::Reference;
use crate::connector::{Failure, Found, Outcome, Page, Problem, Receipt, Work};

impl Work {
    /// The reference of this kind of the event's entity in the connector's system.
    #[must_use]
    pub fn reference(&self, kind: &str) -> Option<&Reference> {
        self.references.iter().find(|reference| reference.kind == kind)
    }

    /// The reference of this kind of the event's parent in the connector's system.
    #[must_use]
    pub fn parent_reference(&self, kind: &str) -> Option<&Reference> {
        self.parent_references.iter().find(|reference| reference.kind == kind)
    }
}

impl Receipt {
    /// A receipt with one reference.
    #[must_use]
    pub fn of(reference: Reference) -> Self {
        Self { references: vec![reference], written: Vec::new(), note: None }
    }
}

impl Page {
    /// A page without events: the cursor does not move.
    #[must_use]
    pub fn empty(cursor: Option<String>) -> Self {
        Self { events: Vec::new(), cursor: cursor.unwrap_or_default(), more: false }
    }
}

impl Problem {
    /// A problem that concerns the whole request: a code of lower-case words with hyphens, and a sentence for a person.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), field: None }
    }

    /// The problem, concerning one field (`lines[2].sku`).
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

/// `code: message (field)`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        match &self.field {
            Some(field) => write!(f, " ({field})"),
            None => Ok(()),
        }
    }
}

/// A problem that stops the work rejects it: a person must decide.
impl From<Problem> for Outcome {
    fn from(problem: Problem) -> Self {
        Self::Rejected(problem)
    }
}

/// As for [`Outcome`].
impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Rejected(problem)
    }
}

/// The look-up failed.
impl From<Failure> for Found {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The look-up could not be started.
impl From<Problem> for Found {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem.into())
    }
}
