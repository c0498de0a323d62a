//! The interchange header: 106 characters at fixed positions, which define how the rest is read.

use crossdock_sdk::connector::Problem;

use super::segment::Segment;
use super::separators::Separators;

/// The lengths of the sixteen elements.
const WIDTHS: [usize; 16] = [2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1];

/// The length of a header in characters, its terminator included.
pub(super) const LENGTH: usize = 106;

/// Reads the header at the beginning of the text. Returns it, its separators and the text after it.
///
/// # Errors
/// `isa-malformed`, with the element that is too long or too short; `interchange-truncated`; `separators-unusable`.
pub(super) fn read(text: &str, number: usize) -> Result<(Segment<'_>, Separators, &str), Problem> {
    let problem = |code: &str, field: &str, message: String| {
        Problem::new(code, message).at(format!("segments[{number}].{field}"))
    };
    let truncated =
        || problem("interchange-truncated", "ISA", format!("the file ends within ISA (segment {number})"));
    let mut characters = text.chars().take(LENGTH).skip(3);
    let element = characters.next().ok_or_else(truncated)?;
    if text.chars().nth(LENGTH - 1).is_none() {
        return Err(truncated());
    }
    for (at, width) in WIDTHS.into_iter().enumerate() {
        let name = format!("ISA{:02}", at + 1);
        let length = characters.by_ref().take(width).take_while(|character| *character != element).count();
        if length < width {
            let message = format!("{name} (segment {number}) has {length} characters and must have {width}");
            return Err(problem("isa-malformed", &name, message));
        }
        if characters.next() != Some(element) && at + 1 < WIDTHS.len() {
            let message = format!("{name} (segment {number}) has more than its {width} characters");
            return Err(problem("isa-malformed", &name, message));
        }
    }
    let mut tail = text.char_indices().skip(LENGTH - 2);
    let (component, (end, terminator)) = match (tail.next(), tail.next()) {
        (Some((_, component)), Some(end)) => (component, end),
        _ => return Err(truncated()),
    };
    let segment = text.get(..end).unwrap_or_default();
    let rest = text.get(end + terminator.len_utf8()..).unwrap_or_default();
    // ISA11 is the repetition separator from version 00402 on.
    let known = Separators { element, component, repetition: None, segment: terminator };
    let value = |at: usize| segment.split(element).nth(at).unwrap_or_default();
    let has_repetition = value(12) >= "00402";
    let repetition = value(11)
        .chars()
        .next()
        .filter(|separator| has_repetition && !separator.is_alphanumeric() && *separator != ' ');
    let separators = Separators { repetition, ..known };
    if let Some(conflict) = separators.conflict() {
        let message = format!("the separators of ISA (segment {number}) cannot be used: {conflict}");
        return Err(problem("separators-unusable", "ISA", message));
    }
    match Segment::read(segment, number, separators) {
        Some(header) => Ok((header, separators, rest)),
        None => Err(problem("isa-malformed", "ISA", format!("ISA (segment {number}) has no name"))),
    }
}
