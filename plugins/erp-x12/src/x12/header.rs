//! The interchange header: 106 characters, each at its place, which say how the rest is to be read.

use crossdock_sdk::connector::Problem;

use super::segment::Segment;
use super::separators::Separators;

/// How long each of the sixteen elements is.
const WIDTHS: [usize; 16] = [2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1];

/// How many characters a header has, its terminator included.
pub(super) const LENGTH: usize = 106;

/// Reads the header that the text begins with. Answers it, its separators and the text behind it.
///
/// # Errors
/// `isa-malformed`, with the element that is too long or too short; `separators-unusable`.
pub(super) fn read(text: &str, number: usize) -> Result<(Segment<'_>, Separators, &str), Problem> {
    let wrong = |code: &str, field: &str, message: String| {
        Problem::new(code, message).at(format!("segments[{number}].{field}"))
    };
    let cut =
        || wrong("interchange-truncated", "ISA", format!("the file ends within ISA (segment {number})"));
    let mut characters = text.chars().take(LENGTH).skip(3);
    let element = characters.next().ok_or_else(cut)?;
    if text.chars().nth(LENGTH - 1).is_none() {
        return Err(cut());
    }
    for (at, width) in WIDTHS.into_iter().enumerate() {
        let name = format!("ISA{:02}", at + 1);
        let length = characters.by_ref().take(width).take_while(|one| *one != element).count();
        if length < width {
            let message = format!("{name} (segment {number}) has {length} characters and must have {width}");
            return Err(wrong("isa-malformed", &name, message));
        }
        if characters.next() != Some(element) && at + 1 < WIDTHS.len() {
            let message = format!("{name} (segment {number}) has more than its {width} characters");
            return Err(wrong("isa-malformed", &name, message));
        }
    }
    let mut tail = text.char_indices().skip(LENGTH - 2);
    let (component, (end, terminator)) = match (tail.next(), tail.next()) {
        (Some((_, component)), Some(end)) => (component, end),
        _ => return Err(cut()),
    };
    let head = text.get(..end).unwrap_or_default();
    let rest = text.get(end + terminator.len_utf8()..).unwrap_or_default();
    // Which character ISA11 is depends on the version, which is read with the separators that are known.
    let plain = Separators { element, component, repetition: None, segment: terminator };
    let at = |at: usize| head.split(element).nth(at).unwrap_or_default();
    let repeats = at(12) >= "00402";
    let repetition = at(11).chars().next().filter(|one| repeats && !one.is_alphanumeric() && *one != ' ');
    let separators = Separators { repetition, ..plain };
    if let Some(trouble) = separators.trouble() {
        let message = format!("the separators of ISA (segment {number}) cannot be used: {trouble}");
        return Err(wrong("separators-unusable", "ISA", message));
    }
    match Segment::read(head, number, separators) {
        Some(header) => Ok((header, separators, rest)),
        None => Err(wrong("isa-malformed", "ISA", format!("ISA (segment {number}) has no name"))),
    }
}
