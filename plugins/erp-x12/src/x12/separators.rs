//! The separators of an interchange.

/// The separators, which every interchange defines in its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Separators {
    /// Between elements: the character after `ISA`.
    pub element: char,
    /// Between the components of an element: ISA16.
    pub component: char,
    /// Between the repetitions of an element: ISA11 from version 00402 on. Absent before.
    pub repetition: Option<char>,
    /// After a segment: the character after ISA16.
    pub segment: char,
}

impl Separators {
    /// Why the separators cannot be used, if so: two are the same, or one is a letter, a digit or a space.
    #[must_use]
    pub fn conflict(&self) -> Option<String> {
        let named = [
            ("element", Some(self.element)),
            ("component", Some(self.component)),
            ("repetition", self.repetition),
            ("segment", Some(self.segment)),
        ];
        let used = named.into_iter().filter_map(|(name, separator)| separator.map(|it| (name, it)));
        for (at, (name, separator)) in used.clone().enumerate() {
            if separator.is_alphanumeric() || separator == ' ' {
                return Some(format!("{separator:?} cannot be the {name} separator"));
            }
            if let Some((other, _)) = used.clone().take(at).find(|(_, earlier)| *earlier == separator) {
                return Some(format!("{separator:?} is both the {other} and the {name} separator"));
            }
        }
        None
    }

    /// Whether a character is a separator, which data must not contain.
    #[must_use]
    pub fn contains(&self, character: char) -> bool {
        [self.element, self.component, self.segment].contains(&character)
            || self.repetition == Some(character)
    }
}
