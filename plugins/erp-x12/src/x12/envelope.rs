//! Reads interchanges, groups and transaction sets, and checks every trailer against its header.

use crossdock_sdk::connector::Problem;

use super::checks::{check_control_number, check_count, is_same_number, misplaced, repeated_control_number};
use super::functional_group::functional_group;
use super::header;
use super::other_format::refuse_other_formats;
use super::segment::Segment;
use super::separators::Separators;

/// One interchange of a file.
#[derive(Clone, Debug)]
pub struct Interchange<'a> {
    /// The `ISA`.
    pub header: Segment<'a>,
    /// The separators.
    pub separators: Separators,
    /// `TA1` segments: acknowledgements of interchanges.
    pub acknowledgements: Vec<Segment<'a>>,
    /// The functional groups.
    pub groups: Vec<Group<'a>>,
}

/// A functional group.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// The `GS`.
    pub header: Segment<'a>,
    /// The transaction sets.
    pub sets: Vec<Set<'a>>,
}

/// A transaction set.
#[derive(Clone, Debug)]
pub struct Set<'a> {
    /// The `ST`.
    pub header: Segment<'a>,
    /// The segments between `ST` and `SE`.
    pub body: Vec<Segment<'a>>,
}

impl<'a> Interchange<'a> {
    /// The sender: qualifier and id.
    #[must_use]
    pub fn sender(&self) -> (&'a str, &'a str) {
        (self.header.raw(5), self.header.raw(6))
    }

    /// The receiver: qualifier and id.
    #[must_use]
    pub fn receiver(&self) -> (&'a str, &'a str) {
        (self.header.raw(7), self.header.raw(8))
    }

    /// The control number, as it is in the file.
    #[must_use]
    pub fn control(&self) -> &'a str {
        self.header.raw(13)
    }
}

impl<'a> Set<'a> {
    /// The kind of transaction set: `855`.
    #[must_use]
    pub fn kind(&self) -> &'a str {
        self.header.value(1)
    }

    /// The first segment with this name.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Segment<'a>> {
        self.body.iter().find(|segment| segment.id == id).copied()
    }

    /// The first segment with this name, which is mandatory.
    ///
    /// # Errors
    /// `segment-missing`, with the transaction set.
    pub fn require(&self, id: &str) -> Result<Segment<'a>, Problem> {
        self.find(id).ok_or_else(|| {
            let (kind, number) = (self.kind(), self.header.number);
            let message = format!("transaction set {kind} (ST, segment {number}) has no {id}");
            self.header.problem(0, "segment-missing", message)
        })
    }
}

/// Reads a file: one or more interchanges in sequence.
///
/// # Errors
/// Any of the codes in [the table](super).
pub fn parse(text: &str) -> Result<Vec<Interchange<'_>>, Problem> {
    let mut rest = skip_blank(text);
    refuse_other_formats(rest)?;
    let mut interchanges = Vec::new();
    let mut count = 0;
    while !rest.is_empty() {
        if !rest.starts_with("ISA") {
            let number = count + 1;
            let message = format!("the text after the last IEA does not begin with ISA (segment {number})");
            return Err(Problem::new("segment-misplaced", message).at(format!("segments[{number}]")));
        }
        let (header, separators, body) = header::read(rest, count + 1)?;
        let mut segments = Segments { rest: body, separators, count: count + 1, last: "ISA" };
        interchanges.push(interchange(header, &mut segments)?);
        (rest, count) = (skip_blank(segments.rest), segments.count);
    }
    Ok(interchanges)
}

/// Skips line breaks and spaces between segments, and the end-of-file character that some senders append.
fn skip_blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\r', '\n', '\u{1a}', '\u{feff}'])
}

/// The segments of an interchange after its header.
struct Segments<'a> {
    rest: &'a str,
    separators: Separators,
    /// The number of segments read from the file.
    count: usize,
    /// The name of the last segment.
    last: &'a str,
}

impl<'a> Segments<'a> {
    fn next(&mut self) -> Result<Segment<'a>, Problem> {
        self.rest = skip_blank(self.rest);
        let number = self.count + 1;
        let (text, rest, is_terminated) = match self.rest.split_once(self.separators.segment) {
            Some((text, rest)) => (text, rest, true),
            None => (self.rest, "", false),
        };
        if text.is_empty() && !is_terminated {
            let message = format!("the file ends after {} (segment {}), before IEA", self.last, self.count);
            return Err(Problem::new("interchange-truncated", message).at(format!("segments[{number}]")));
        }
        let segment = Segment::read(text, number, self.separators);
        // Only the last IEA may lack its terminator.
        if !is_terminated && segment.is_none_or(|segment| segment.id != "IEA") {
            let message = format!("the file ends within segment {number}, after {}, before IEA", self.last);
            return Err(Problem::new("interchange-truncated", message).at(format!("segments[{number}]")));
        }
        let Some(segment) = segment else {
            let message = format!(
                "segment {number}, after {}, has no name of two or three capital letters or digits",
                self.last
            );
            return Err(Problem::new("segment-malformed", message).at(format!("segments[{number}]")));
        };
        self.rest = rest;
        self.count = number;
        self.last = segment.id;
        Ok(segment)
    }
}

fn interchange<'a>(header: Segment<'a>, segments: &mut Segments<'a>) -> Result<Interchange<'a>, Problem> {
    let separators = segments.separators;
    let mut interchange =
        Interchange { header, separators, acknowledgements: Vec::new(), groups: Vec::new() };
    loop {
        let segment = segments.next()?;
        match segment.id {
            "GS" => {
                let group = group(segment, segments)?;
                let control = group.header.value(6);
                if interchange.groups.iter().any(|other| is_same_number(other.header.value(6), control)) {
                    return Err(repeated_control_number(group.header, 6, control));
                }
                interchange.groups.push(group);
            }
            "TA1" if interchange.groups.is_empty() => interchange.acknowledgements.push(segment),
            "IEA" => {
                check_count(segment, 1, interchange.groups.len(), "functional groups")?;
                check_control_number(segment, 2, header, 13)?;
                return Ok(interchange);
            }
            "ISA" => {
                let number = segment.number;
                let message =
                    format!("a new ISA (segment {number}) begins before the end of the previous interchange");
                return Err(segment.problem(0, "interchange-truncated", message));
            }
            _ => return Err(misplaced(segment, "outside of a functional group")),
        }
    }
}

fn group<'a>(header: Segment<'a>, segments: &mut Segments<'a>) -> Result<Group<'a>, Problem> {
    header.require(1, "the kind of the functional group")?;
    header.require(6, "the functional group's control number")?;
    let mut group = Group { header, sets: Vec::new() };
    loop {
        let segment = segments.next()?;
        match segment.id {
            "ST" => {
                let set = set(segment, header, segments)?;
                group.sets.push(set);
            }
            "GE" => {
                check_count(segment, 1, group.sets.len(), "transaction sets")?;
                check_control_number(segment, 2, header, 6)?;
                check_distinct(&group.sets)?;
                return Ok(group);
            }
            _ => return Err(misplaced(segment, "outside of a transaction set")),
        }
    }
}

fn set<'a>(header: Segment<'a>, group: Segment<'a>, segments: &mut Segments<'a>) -> Result<Set<'a>, Problem> {
    let kind = header.require(1, "the kind of the transaction set")?;
    header.require(2, "the transaction set's control number")?;
    if let Some(expected) = functional_group(kind).filter(|expected| *expected != group.value(1)) {
        let message = format!(
            "transaction set {kind} (ST, segment {}) is in a functional group {} (GS, segment {}) and belongs in {expected}",
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
                check_count(segment, 1, set.body.len() + 2, "segments")?;
                check_control_number(segment, 2, header, 2)?;
                return Ok(set);
            }
            "ISA" | "IEA" | "GS" | "GE" | "ST" => {
                return Err(misplaced(segment, "within a transaction set, before its SE"));
            }
            _ => set.body.push(segment),
        }
    }
}

fn check_distinct(sets: &[Set<'_>]) -> Result<(), Problem> {
    let mut seen = std::collections::HashSet::new();
    for set in sets {
        let control = set.header.value(2);
        if !seen.insert(control.trim_start_matches('0')) {
            return Err(repeated_control_number(set.header, 2, control));
        }
    }
    Ok(())
}
