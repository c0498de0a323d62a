//! The four characters that an interchange is cut by.

/// What separates. Every interchange names its own in its header.
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
    /// Why these cannot separate, if they cannot: one stands for two things, or is a letter, digit or space,
    /// which data are full of.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let named = [
            ("element", Some(self.element)),
            ("component", Some(self.component)),
            ("repetition", self.repetition),
            ("segment", Some(self.segment)),
        ];
        let used = named.into_iter().filter_map(|(name, one)| one.map(|one| (name, one)));
        for (at, (name, one)) in used.clone().enumerate() {
            if one.is_alphanumeric() || one == ' ' {
                return Some(format!("{one:?} cannot be the {name} separator"));
            }
            if let Some((other, _)) = used.clone().take(at).find(|(_, earlier)| *earlier == one) {
                return Some(format!("{one:?} is both the {other} and the {name} separator"));
            }
        }
        None
    }

    /// True for a character that data must not have.
    #[must_use]
    pub fn has(&self, one: char) -> bool {
        [self.element, self.component, self.segment].contains(&one) || self.repetition == Some(one)
    }
}
