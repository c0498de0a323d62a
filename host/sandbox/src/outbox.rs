//! The outbox of one call: files for the exchange folder, and the sequence numbers that the call used.

use std::collections::BTreeMap;

use crate::bindings::crossdock::host::files::Refusal;

/// The longest file name, in bytes.
const MAX_NAME_BYTES: usize = 200;

/// What a call produces besides its answer. It takes effect only when the answer is committed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outbox {
    /// Files for the partner: name and content, in order.
    pub files: Vec<(String, Vec<u8>)>,
    /// The last number used of each sequence.
    pub numbers: BTreeMap<String, u64>,
}

impl Outbox {
    /// Adds a file. `max_bytes` limits the contents of all files together; absent: there is no exchange folder.
    pub(crate) fn add_file(
        &mut self,
        max_bytes: Option<u64>,
        name: &str,
        content: Vec<u8>,
    ) -> Result<(), Refusal> {
        let max_bytes = max_bytes.ok_or(Refusal::NoFolder)?;
        if !is_plain(name) || self.files.iter().any(|(existing, _)| existing == name) {
            return Err(Refusal::BadName);
        }
        let bytes: u64 = self.files.iter().map(|(_, content)| content.len() as u64).sum();
        if bytes.saturating_add(content.len() as u64) > max_bytes {
            return Err(Refusal::TooLarge(max_bytes));
        }
        self.files.push((name.to_owned(), content));
        Ok(())
    }

    /// Records that a number of a sequence was used.
    pub(crate) fn use_number(&mut self, sequence: &str, number: u64) {
        let last = self.numbers.entry(sequence.to_owned()).or_default();
        *last = number.max(*last);
    }
}

/// True for a name that is valid on every system: no path, not hidden, no control characters.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && !name.starts_with(['.', '-'])
        && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_needs_a_plain_and_unique_name() {
        let mut outbox = Outbox::default();
        for name in ["", ".hidden", "../up", "a/b", "a\\b", "a b", "a\n", "-rf", "ä"] {
            let refused = outbox.add_file(Some(100), name, vec![1]);
            assert!(matches!(refused, Err(Refusal::BadName)), "{name:?}");
        }
        assert!(outbox.add_file(Some(100), "850_000001.edi", vec![1]).is_ok());
        let refused = outbox.add_file(Some(100), "850_000001.edi", vec![1]);
        assert!(matches!(refused, Err(Refusal::BadName)));
    }

    #[test]
    fn files_need_a_folder_and_are_limited_in_size() {
        let mut outbox = Outbox::default();
        assert!(matches!(outbox.add_file(None, "a", vec![]), Err(Refusal::NoFolder)));
        assert!(outbox.add_file(Some(3), "a", vec![1, 2]).is_ok());
        assert!(matches!(outbox.add_file(Some(3), "b", vec![1, 2]), Err(Refusal::TooLarge(3))));
        assert_eq!(outbox.files.len(), 1);
    }
}
