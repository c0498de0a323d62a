//! A segment: a name and its elements, which are split on access.

use crossdock_sdk::connector::Problem;

use super::separators::Separators;

/// One segment of a file.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// The number in the file, from 1.
    pub number: usize,
    /// The name (`PO1`).
    pub id: &'a str,
    /// The text after the name, without the first separator.
    elements: &'a str,
    separators: Separators,
}

impl<'a> Segment<'a> {
    /// Reads the text between two terminators as a segment. None when it has no name.
    pub(super) fn read(text: &'a str, number: usize, separators: Separators) -> Option<Self> {
        let (id, elements) = text.split_once(separators.element).unwrap_or((text, ""));
        let id = id.trim_end();
        let mut letters = id.chars();
        let is_named = (2..=3).contains(&id.len())
            && letters.next().is_some_and(|first| first.is_ascii_uppercase())
            && letters.all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit());
        is_named.then_some(Self { number, id, elements, separators })
    }

    /// The elements as they are in the file.
    pub fn elements(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.elements.split(self.separators.element)
    }

    /// An element as it is in the file, by its number from 1, without surrounding spaces. Empty when absent.
    #[must_use]
    pub fn raw(&self, at: usize) -> &'a str {
        at.checked_sub(1).and_then(|at| self.elements().nth(at)).unwrap_or_default().trim()
    }

    /// An element's value: its first component, without surrounding spaces. Empty when absent.
    #[must_use]
    pub fn value(&self, at: usize) -> &'a str {
        self.component(at, 1)
    }

    /// A component of an element, both by their numbers from 1. Empty when absent.
    #[must_use]
    pub fn component(&self, at: usize, component: usize) -> &'a str {
        let mut components = self.raw(at).split(self.separators.component);
        component.checked_sub(1).and_then(|component| components.nth(component)).unwrap_or_default().trim()
    }

    /// An element's value. Absent when empty.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<&'a str> {
        Some(self.value(at)).filter(|value| !value.is_empty())
    }

    /// The value of a mandatory element.
    ///
    /// # Errors
    /// `element-missing`, with the segment and the element.
    pub fn require(&self, at: usize, what: &str) -> Result<&'a str, Problem> {
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

    /// The name of an element: `SE01`.
    #[must_use]
    pub fn name(&self, at: usize) -> String {
        if at == 0 { self.id.to_owned() } else { format!("{}{at:02}", self.id) }
    }
}
