//! How an interchange is written: exact widths, exact counts, and nothing in the data that separates.

use super::separators::Separators;

/// A transaction set to be: its kind and what is between `ST` and `SE`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// Which transaction set it is (`850`).
    pub kind: &'static str,
    segments: Vec<(&'static str, Vec<String>)>,
}

/// A functional group to be.
#[derive(Clone, Debug, Default)]
pub struct GroupDraft {
    /// GS01.
    pub kind: &'static str,
    /// GS06.
    pub control: u64,
    /// Its transaction sets; their control numbers are 1, 2, 3, … as four digits at least.
    pub sets: Vec<Draft>,
}

/// What the envelope of an interchange says.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    /// What it is cut by.
    pub separators: Separators,
    /// True to end each line after a segment.
    pub line_breaks: bool,
    /// Qualifier and id of the sender: ISA05 and ISA06.
    pub sender: (&'a str, &'a str),
    /// Qualifier and id of the receiver: ISA07 and ISA08.
    pub receiver: (&'a str, &'a str),
    /// GS02 and GS03.
    pub applications: (&'a str, &'a str),
    /// The day, CCYYMMDD.
    pub date: &'a str,
    /// The time, HHMM.
    pub time: &'a str,
    /// GS08 (`004010`).
    pub version: &'a str,
    /// ISA13: at most nine digits are written.
    pub control: u64,
    /// True to ask for a TA1.
    pub acknowledge: bool,
    /// `P` or `T`.
    pub usage: &'a str,
}

impl Draft {
    /// An empty one.
    #[must_use]
    pub fn new(kind: &'static str) -> Self {
        Self { kind, segments: Vec::new() }
    }

    /// Adds a segment. Elements at its end that are empty are left out; so is a segment that has none left.
    pub fn push<T: AsRef<str>>(&mut self, id: &'static str, elements: impl IntoIterator<Item = T>) {
        let mut elements: Vec<String> =
            elements.into_iter().map(|element| element.as_ref().trim().to_owned()).collect();
        while elements.last().is_some_and(String::is_empty) {
            elements.pop();
        }
        if !elements.is_empty() {
            self.segments.push((id, elements));
        }
    }

    /// The segments: names and elements.
    pub fn segments(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        self.segments.iter().map(|(id, elements)| (*id, elements.as_slice()))
    }
}

/// Writes an interchange. `before` are `TA1` segments, which stand before the groups.
#[must_use]
pub fn interchange(envelope: &Envelope<'_>, before: &[Vec<String>], groups: &[GroupDraft]) -> String {
    let mut page = Page { text: String::new(), envelope };
    let control = format!("{:09}", envelope.control % 1_000_000_000);
    page.header(&control);
    for elements in before {
        page.segment("TA1", elements);
    }
    for group in groups {
        let number = (group.control % 1_000_000_000).to_string();
        let (from, to) = envelope.applications;
        let Envelope { date, time, version, .. } = *envelope;
        page.segment("GS", &[group.kind, from, to, date, time, &number, "X", version]);
        for (at, set) in group.sets.iter().enumerate() {
            let number = format!("{:04}", at + 1);
            page.segment("ST", &[set.kind, &number]);
            for (id, elements) in set.segments() {
                page.segment(id, elements);
            }
            page.segment("SE", &[(set.segments.len() + 2).to_string(), number]);
        }
        page.segment("GE", &[group.sets.len().to_string(), number]);
    }
    page.segment("IEA", &[groups.len().to_string(), control]);
    page.text
}

/// What is written so far.
struct Page<'a> {
    text: String,
    envelope: &'a Envelope<'a>,
}

impl Page<'_> {
    /// The one segment whose elements are as wide as they must be and whose last names a separator.
    fn header(&mut self, control: &str) {
        let envelope = self.envelope;
        let separators = envelope.separators;
        let version = format!("{:0<5.5}", envelope.version);
        let repetition = separators.repetition.unwrap_or('U').to_string();
        let day = envelope.date.get(2..).unwrap_or_default();
        let asks = if envelope.acknowledge { "1" } else { "0" };
        let (from, to) = (envelope.sender, envelope.receiver);
        let fields: [(&str, usize); 15] = [
            ("00", 2),
            ("", 10),
            ("00", 2),
            ("", 10),
            (from.0, 2),
            (from.1, 15),
            (to.0, 2),
            (to.1, 15),
            (day, 6),
            (envelope.time, 4),
            (&repetition, 1),
            (&version, 5),
            (control, 9),
            (asks, 1),
            (envelope.usage, 1),
        ];
        self.text.push_str("ISA");
        for (at, (value, width)) in fields.into_iter().enumerate() {
            // The repetition separator may stand here and nowhere else.
            let value = if at == 10 { value.to_owned() } else { self.clean(value) };
            self.text.push(separators.element);
            self.text.push_str(&format!("{value:<width$.width$}"));
        }
        self.text.push(separators.element);
        self.text.push(separators.component);
        self.end();
    }

    fn segment<T: AsRef<str>>(&mut self, id: &str, elements: &[T]) {
        self.text.push_str(id);
        let mut elements: Vec<String> =
            elements.iter().map(|element| self.clean(element.as_ref()).trim().to_owned()).collect();
        while elements.last().is_some_and(String::is_empty) {
            elements.pop();
        }
        for element in elements {
            self.text.push(self.envelope.separators.element);
            self.text.push_str(&element);
        }
        self.end();
    }

    fn end(&mut self) {
        self.text.push(self.envelope.separators.segment);
        if self.envelope.line_breaks {
            self.text.push('\n');
        }
    }

    /// Data without what separates and without control characters: a space instead of each.
    fn clean(&self, value: &str) -> String {
        let separators = self.envelope.separators;
        value.chars().map(|one| if separators.has(one) || one.is_control() { ' ' } else { one }).collect()
    }
}
