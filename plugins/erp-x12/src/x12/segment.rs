//! A segment: a name and its elements, cut when they are asked for.

use crossdock_sdk::connector::Problem;

use super::separators::Separators;

/// One segment of a file.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Its place in the file, from 1.
    pub number: usize,
    /// Its name (`PO1`).
    pub id: &'a str,
    /// What follows the name, without the first separator.
    rest: &'a str,
    separators: Separators,
}

impl<'a> Segment<'a> {
    /// Reads a segment: the text between two terminators. None when it has no name.
    pub(super) fn read(text: &'a str, number: usize, separators: Separators) -> Option<Self> {
        let (id, rest) = text.split_once(separators.element).unwrap_or((text, ""));
        let id = id.trim_end();
        let mut letters = id.chars();
        let named = (2..=3).contains(&id.len())
            && letters.next().is_some_and(|first| first.is_ascii_uppercase())
            && letters.all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit());
        named.then_some(Self { number, id, rest, separators })
    }

    /// The elements as they are written, from the first.
    pub fn elements(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.rest.split(self.separators.element)
    }

    /// An element as it is written, from 1, without spaces around it. Empty when it is not there.
    #[must_use]
    pub fn raw(&self, at: usize) -> &'a str {
        at.checked_sub(1).and_then(|at| self.elements().nth(at)).unwrap_or_default().trim()
    }

    /// An element's value: its first component, without spaces around it. Empty when it is not there.
    #[must_use]
    pub fn value(&self, at: usize) -> &'a str {
        self.component(at, 1)
    }

    /// A component of an element, both from 1. Empty when it is not there.
    #[must_use]
    pub fn component(&self, at: usize, part: usize) -> &'a str {
        let parts = self.raw(at).split(self.separators.component);
        part.checked_sub(1).and_then(|part| parts.into_iter().nth(part)).unwrap_or_default().trim()
    }

    /// An element's value. Absent when it is not there.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&'a str> {
        Some(self.value(at)).filter(|value| !value.is_empty())
    }

    /// An element that has to be there.
    ///
    /// # Errors
    /// `element-missing`, with the segment and the element.
    pub fn need(&self, at: usize, what: &str) -> Result<&'a str, Problem> {
        self.get(at).ok_or_else(|| {
            let name = self.name(at);
            let number = self.number;
            self.problem(
                at,
                "element-missing",
                format!("{what} is missing: {name} (segment {number}) is empty"),
            )
        })
    }

    /// A problem with an element of this segment; with the segment as a whole when `at` is 0. Its field is the
    /// segment's number and the element's name (`segments[12].SE01`).
    #[must_use]
    pub fn problem(&self, at: usize, code: &str, message: impl Into<String>) -> Problem {
        Problem::new(code, message).at(format!("segments[{}].{}", self.number, self.name(at)))
    }

    /// What an element is called: `SE01`.
    #[must_use]
    pub fn name(&self, at: usize) -> String {
        if at == 0 { self.id.to_owned() } else { format!("{}{at:02}", self.id) }
    }
}
