//! What a plugin hands over besides its answer: files for its exchange folder, and the numbers it used up.

use std::collections::BTreeMap;

/// What a call hands over. It counts once the call's answer is kept, and only then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handed {
    /// Files for the partner: name and content, in the order in which they were handed over.
    pub files: Vec<(String, Vec<u8>)>,
    /// The last number of each sequence that was allotted.
    pub numbers: BTreeMap<String, u64>,
}

/// Why a file is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    NoFolder,
    BadName,
    TooLarge(u64),
}

impl Handed {
    /// Takes a file, when there is a folder that takes files of so many bytes altogether.
    pub(crate) fn file(&mut self, folder: Option<u64>, name: &str, content: Vec<u8>) -> Result<(), Refused> {
        let most = folder.ok_or(Refused::NoFolder)?;
        if !is_plain(name) || self.files.iter().any(|(known, _)| known == name) {
            return Err(Refused::BadName);
        }
        let held: u64 = self.files.iter().map(|(_, content)| content.len() as u64).sum();
        if held.saturating_add(content.len() as u64) > most {
            return Err(Refused::TooLarge(most));
        }
        self.files.push((name.to_owned(), content));
        Ok(())
    }

    pub(crate) fn number(&mut self, sequence: &str, number: u64) {
        let last = self.numbers.entry(sequence.to_owned()).or_default();
        *last = number.max(*last);
    }
}

/// True for a name that is a file's on every system: no path, nothing hidden, no control characters.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.is_empty() && name.len() <= 200 && !name.starts_with(['.', '-']) && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_taken_and_each_once() {
        let mut handed = Handed::default();
        for name in ["", ".hidden", "../up", "a/b", "a\\b", "a b", "a\n", "-rf", "ä"] {
            assert_eq!(handed.file(Some(100), name, vec![1]), Err(Refused::BadName), "{name:?}");
        }
        assert_eq!(handed.file(Some(100), "850_000001.edi", vec![1]), Ok(()));
        assert_eq!(handed.file(Some(100), "850_000001.edi", vec![1]), Err(Refused::BadName));
    }

    #[test]
    fn what_is_too_much_or_has_nowhere_to_go_is_refused() {
        let mut handed = Handed::default();
        assert_eq!(handed.file(None, "a", vec![]), Err(Refused::NoFolder));
        assert_eq!(handed.file(Some(3), "a", vec![1, 2]), Ok(()));
        assert_eq!(handed.file(Some(3), "b", vec![1, 2]), Err(Refused::TooLarge(3)));
        assert_eq!(handed.files.len(), 1);
    }
}
