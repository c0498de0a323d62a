//! Interchanges, groups and transaction sets, believed only when every trailer agrees with its header.

use crossdock_sdk::connector::Problem;

use super::segment::Segment;
use super::separators::Separators;
use super::{foreign, group_of, header};

/// One interchange of a file.
#[derive(Clone, Debug)]
pub struct Interchange<'a> {
    /// Its `ISA`.
    pub header: Segment<'a>,
    /// What it is cut by.
    pub separators: Separators,
    /// `TA1` segments: words about interchanges that were sent.
    pub acknowledgements: Vec<Segment<'a>>,
    /// Its functional groups.
    pub groups: Vec<Group<'a>>,
}

/// A functional group.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// Its `GS`.
    pub header: Segment<'a>,
    /// Its transaction sets.
    pub sets: Vec<Set<'a>>,
}

/// A transaction set.
#[derive(Clone, Debug)]
pub struct Set<'a> {
    /// Its `ST`.
    pub header: Segment<'a>,
    /// What is between `ST` and `SE`.
    pub body: Vec<Segment<'a>>,
}

impl<'a> Interchange<'a> {
    /// Who sent it: qualifier and id.
    #[must_use]
    pub fn sender(&self) -> (&'a str, &'a str) {
        (self.header.raw(5), self.header.raw(6))
    }

    /// Who it is for: qualifier and id.
    #[must_use]
    pub fn receiver(&self) -> (&'a str, &'a str) {
        (self.header.raw(7), self.header.raw(8))
    }

    /// Its control number, as it is written.
    #[must_use]
    pub fn control(&self) -> &'a str {
        self.header.raw(13)
    }
}

impl<'a> Set<'a> {
    /// Which transaction set it is: `855`.
    #[must_use]
    pub fn kind(&self) -> &'a str {
        self.header.value(1)
    }

    /// The first segment of this name.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Segment<'a>> {
        self.body.iter().find(|segment| segment.id == id).copied()
    }

    /// The first segment of this name, which has to be there.
    ///
    /// # Errors
    /// `segment-missing`, with the transaction set.
    pub fn need(&self, id: &str) -> Result<Segment<'a>, Problem> {
        self.find(id).ok_or_else(|| {
            let (kind, number) = (self.kind(), self.header.number);
            let message = format!("transaction set {kind} (ST, segment {number}) has no {id}");
            self.header.problem(0, "segment-missing", message)
        })
    }
}

/// Reads a file: one interchange or several, one behind the other.
///
/// # Errors
/// Any of the codes of this room; see [the table](super).
pub fn parse(text: &str) -> Result<Vec<Interchange<'_>>, Problem> {
    let mut rest = blank(text);
    foreign::refuse(rest)?;
    let mut interchanges = Vec::new();
    let mut read = 0;
    while !rest.is_empty() {
        if !rest.starts_with("ISA") {
            let number = read + 1;
            let message = format!("something follows the last IEA that is no ISA (segment {number})");
            return Err(Problem::new("segment-misplaced", message).at(format!("segments[{number}]")));
        }
        let (header, separators, behind) = header::read(rest, read + 1)?;
        let mut segments = Segments { rest: behind, separators, read: read + 1, last: "ISA" };
        interchanges.push(interchange(header, &mut segments)?);
        (rest, read) = (blank(segments.rest), segments.read);
    }
    Ok(interchanges)
}

/// Line breaks and spaces between segments say nothing; some senders end a file with the end-of-file mark of
/// old systems.
fn blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\r', '\n', '\u{1a}', '\u{feff}'])
}

/// The segments of an interchange behind its header.
struct Segments<'a> {
    rest: &'a str,
    separators: Separators,
    /// How many were read of the file.
    read: usize,
    /// The name of the last one.
    last: &'a str,
}

impl<'a> Segments<'a> {
    fn next(&mut self) -> Result<Segment<'a>, Problem> {
        self.rest = blank(self.rest);
        let number = self.read + 1;
        let (text, rest, whole) = match self.rest.split_once(self.separators.segment) {
            Some((text, rest)) => (text, rest, true),
            None => (self.rest, "", false),
        };
        if text.is_empty() && !whole {
            let message = format!("the file ends after {} (segment {}), before IEA", self.last, self.read);
            return Err(Problem::new("interchange-truncated", message).at(format!("segments[{number}]")));
        }
        let segment = Segment::read(text, number, self.separators);
        // A last trailer without its terminator is whole when its numbers are right. Anything else is not.
        if !whole && segment.is_none_or(|segment| segment.id != "IEA") {
            let message = format!("the file ends within segment {number}, after {}, before IEA", self.last);
            return Err(Problem::new("interchange-truncated", message).at(format!("segments[{number}]")));
        }
        let Some(segment) = segment else {
            let message =
                format!("segment {number}, after {}, has no name of two or three capitals", self.last);
            return Err(Problem::new("segment-malformed", message).at(format!("segments[{number}]")));
        };
        self.rest = rest;
        self.read = number;
        self.last = segment.id;
        Ok(segment)
    }
}

fn interchange<'a>(header: Segment<'a>, segments: &mut Segments<'a>) -> Result<Interchange<'a>, Problem> {
    let separators = segments.separators;
    let mut whole = Interchange { header, separators, acknowledgements: Vec::new(), groups: Vec::new() };
    loop {
        let segment = segments.next()?;
        match segment.id {
            "GS" => {
                let group = group(segment, segments)?;
                let control = group.header.value(6);
                if whole.groups.iter().any(|other| same(other.header.value(6), control)) {
                    return Err(repeated(group.header, 6, control));
                }
                whole.groups.push(group);
            }
            "TA1" if whole.groups.is_empty() => whole.acknowledgements.push(segment),
            "IEA" => {
                count(segment, 1, whole.groups.len(), "functional groups")?;
                matches(segment, 2, header, 13)?;
                return Ok(whole);
            }
            "ISA" => {
                let number = segment.number;
                let message =
                    format!("a new ISA (segment {number}) begins before the interchange before it ended");
                return Err(segment.problem(0, "interchange-truncated", message));
            }
            _ => return Err(misplaced(segment, "outside of a functional group")),
        }
    }
}

fn group<'a>(header: Segment<'a>, segments: &mut Segments<'a>) -> Result<Group<'a>, Problem> {
    header.need(1, "the kind of the functional group")?;
    header.need(6, "the functional group's control number")?;
    let mut group = Group { header, sets: Vec::new() };
    loop {
        let segment = segments.next()?;
        match segment.id {
            "ST" => {
                let set = set(segment, header, segments)?;
                group.sets.push(set);
            }
            "GE" => {
                count(segment, 1, group.sets.len(), "transaction sets")?;
                matches(segment, 2, header, 6)?;
                distinct(&group.sets)?;
                return Ok(group);
            }
            _ => return Err(misplaced(segment, "outside of a transaction set")),
        }
    }
}

fn set<'a>(header: Segment<'a>, group: Segment<'a>, segments: &mut Segments<'a>) -> Result<Set<'a>, Problem> {
    let kind = header.need(1, "the kind of the transaction set")?;
    header.need(2, "the transaction set's control number")?;
    if let Some(right) = group_of(kind).filter(|right| *right != group.value(1)) {
        let message = format!(
            "transaction set {kind} (ST, segment {}) is in a functional group {} (GS, segment {}) and belongs in {right}",
            header.number,
            group.value(1),
            group.number
        );
        return Err(group.problem(1, "wrong-functional-group", message));
    }
    let mut set = Set { header, body: Vec::new() };
    loop {
        let segment = segments.next()?;
        match segment.id {
            "SE" => {
                count(segment, 1, set.body.len() + 2, "segments")?;
                matches(segment, 2, header, 2)?;
                return Ok(set);
            }
            "ISA" | "IEA" | "GS" | "GE" | "ST" => {
                return Err(misplaced(segment, "within a transaction set, before its SE"));
            }
            _ => set.body.push(segment),
        }
    }
}

fn misplaced(segment: Segment<'_>, place: &str) -> Problem {
    let message = format!("{} (segment {}) stands {place}", segment.id, segment.number);
    segment.problem(0, "segment-misplaced", message)
}

/// A trailer has to count what is there.
fn count(trailer: Segment<'_>, at: usize, found: usize, what: &str) -> Result<(), Problem> {
    let said = trailer.value(at);
    if said.parse() == Ok(found) {
        return Ok(());
    }
    let (name, number) = (trailer.name(at), trailer.number);
    let message = format!("{name} (segment {number}) says {said:?} {what}, and there are {found}");
    Err(trailer.problem(at, "count-mismatch", message))
}

/// A trailer has to have its header's control number.
fn matches(trailer: Segment<'_>, at: usize, header: Segment<'_>, header_at: usize) -> Result<(), Problem> {
    let (said, given) = (trailer.value(at), header.value(header_at));
    if same(said, given) {
        return Ok(());
    }
    let message = format!(
        "{} (segment {}) has the control number {said:?}, and {} (segment {}) has {given:?}",
        trailer.name(at),
        trailer.number,
        header.name(header_at),
        header.number
    );
    Err(trailer.problem(at, "control-number-mismatch", message))
}

/// Control numbers are numbers: some senders leave out the zeros before them.
fn same(one: &str, other: &str) -> bool {
    let number = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit()) && !text.is_empty();
    if number(one) && number(other) {
        one.trim_start_matches('0') == other.trim_start_matches('0')
    } else {
        one == other
    }
}

fn distinct(sets: &[Set<'_>]) -> Result<(), Problem> {
    let mut seen = std::collections::HashSet::new();
    for set in sets {
        let control = set.header.value(2);
        if !seen.insert(control.trim_start_matches('0')) {
            return Err(repeated(set.header, 2, control));
        }
    }
    Ok(())
}

fn repeated(header: Segment<'_>, at: usize, control: &str) -> Problem {
    let (name, number) = (header.name(at), header.number);
    let message = format!("{name} (segment {number}) has the control number {control:?} of one before it");
    header.problem(at, "control-number-repeated", message)
}
