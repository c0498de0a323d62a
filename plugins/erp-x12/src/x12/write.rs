//! Writes interchanges: exact widths, exact counts, and no separators in the data.

use super::separators::Separators;

/// A segment to write: its name and its elements.
pub type SegmentDraft = (&'static str, Vec<String>);

/// A transaction set to write: its kind and the segments between `ST` and `SE`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetDraft {
    /// The kind of transaction set (`850`).
    pub kind: &'static str,
    segments: Vec<SegmentDraft>,
}

/// A functional group to write.
#[derive(Clone, Debug, Default)]
pub struct GroupDraft {
    /// GS01.
    pub kind: &'static str,
    /// GS06.
    pub control: u64,
    /// The transaction sets; their control numbers are 1, 2, 3, … with at least four digits.
    pub sets: Vec<SetDraft>,
}

/// The values of an interchange's envelope.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    /// The separators.
    pub separators: Separators,
    /// Whether a line break follows each segment.
    pub line_breaks: bool,
    /// The sender's qualifier and id: ISA05 and ISA06.
    pub sender: (&'a str, &'a str),
    /// The receiver's qualifier and id: ISA07 and ISA08.
    pub receiver: (&'a str, &'a str),
    /// GS02 and GS03.
    pub applications: (&'a str, &'a str),
    /// The date, CCYYMMDD.
    pub date: &'a str,
    /// The time, HHMM.
    pub time: &'a str,
    /// GS08 (`004010`).
    pub version: &'a str,
    /// ISA13, of which at most nine digits are written.
    pub control: u64,
    /// Whether to request a TA1 (ISA14).
    pub request_ta1: bool,
    /// `P` or `T`.
    pub usage: &'a str,
}

impl SetDraft {
    /// A transaction set without segments.
    #[must_use]
    pub fn new(kind: &'static str) -> Self {
        Self { kind, segments: Vec::new() }
    }

    /// Adds a segment without its trailing empty elements, unless all its elements are empty.
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

/// Writes an interchange. `ta1` are the elements of `TA1` segments, which precede the groups.
#[must_use]
pub fn interchange(envelope: &Envelope<'_>, ta1: &[Vec<String>], groups: &[GroupDraft]) -> String {
    let mut writer = Writer { text: String::new(), envelope };
    let control = format!("{:09}", envelope.control % 1_000_000_000);
    writer.header(&control);
    for elements in ta1 {
        writer.segment("TA1", elements);
    }
    for group in groups {
        let number = (group.control % 1_000_000_000).to_string();
        let (from, to) = envelope.applications;
        let Envelope { date, time, version, .. } = *envelope;
        writer.segment("GS", &[group.kind, from, to, date, time, &number, "X", version]);
        for (at, set) in group.sets.iter().enumerate() {
            let number = format!("{:04}", at + 1);
            writer.segment("ST", &[set.kind, &number]);
            for (id, elements) in set.segments() {
                writer.segment(id, elements);
            }
            writer.segment("SE", &[(set.segments.len() + 2).to_string(), number]);
        }
        writer.segment("GE", &[group.sets.len().to_string(), number]);
    }
    writer.segment("IEA", &[groups.len().to_string(), control]);
    writer.text
}

/// The text written so far.
struct Writer<'a> {
    text: String,
    envelope: &'a Envelope<'a>,
}

impl Writer<'_> {
    /// Writes the `ISA`, whose elements have fixed widths and whose last one is the component separator.
    fn header(&mut self, control: &str) {
        let envelope = self.envelope;
        let separators = envelope.separators;
        let version = format!("{:0<5.5}", envelope.version);
        let repetition = separators.repetition.unwrap_or('U').to_string();
        let date = envelope.date.get(2..).unwrap_or_default();
        let request_ta1 = if envelope.request_ta1 { "1" } else { "0" };
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
            (date, 6),
            (envelope.time, 4),
            (&repetition, 1),
            (&version, 5),
            (control, 9),
            (request_ta1, 1),
            (envelope.usage, 1),
        ];
        self.text.push_str("ISA");
        for (at, (value, width)) in fields.into_iter().enumerate() {
            // ISA11 is the repetition separator itself.
            let value = if at == 10 { value.to_owned() } else { self.clean(value) };
            self.text.push(separators.element);
            self.text.push_str(&format!("{value:<width$.width$}"));
        }
        self.text.push(separators.element);
        self.text.push(separators.component);
        self.end_segment();
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
        self.end_segment();
    }

    fn end_segment(&mut self) {
        self.text.push(self.envelope.separators.segment);
        if self.envelope.line_breaks {
            self.text.push('\n');
        }
    }

    /// Replaces separators and control characters in data by spaces.
    fn clean(&self, value: &str) -> String {
        let separators = self.envelope.separators;
        let clean = |one: char| if separators.contains(one) || one.is_control() { ' ' } else { one };
        value.chars().map(clean).collect()
    }
}
