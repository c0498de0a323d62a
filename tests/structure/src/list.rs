//! Lists of exceptions that may only shrink: an entry that is no longer needed has to leave, and none is ever added by
//! itself.
//!
//! A list is a text file: `#` begins a comment, an empty line ends a group.

use std::fs;
use std::path::Path;

use crate::{Error, Result};

/// A line of a list that is an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Counted from one.
    pub number: usize,
    /// Without blanks around it.
    pub text: &'a str,
}

/// What a check found, beside a list of exceptions.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What breaks the rule and is no exception.
    pub violations: Vec<String>,
    /// Exceptions that are no longer needed.
    pub obsolete: Vec<String>,
    /// The list without them.
    pub shrunk: String,
}

impl Report {
    /// What has to be changed, as sentences. With `update` the list in the file is replaced by the shrunk one, and
    /// exceptions that are no longer needed are not complained of.
    ///
    /// # Errors
    /// The list cannot be written.
    pub fn enforce(self, file: &Path, update: bool) -> Result<Vec<String>> {
        let mut sentences = self.violations;
        if update {
            fs::write(file, &self.shrunk)
                .map_err(|source| Error::Access { path: file.to_owned(), source })?;
        } else {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            sentences.extend(self.obsolete.iter().map(|sentence| {
                format!("{name}: {sentence} (`UPDATE=1 cargo test -p crossdock-structure` shrinks the list)")
            }));
        }
        Ok(sentences)
    }
}

/// Reads a list.
///
/// # Errors
/// The file cannot be read.
pub fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).map_err(|source| Error::Access { path: file.to_owned(), source })
}

/// The groups of a list.
pub fn groups(list: &str) -> Vec<Vec<Line<'_>>> {
    let mut groups: Vec<Vec<Line<'_>>> = vec![Vec::new()];
    for (index, text) in list.lines().enumerate() {
        let text = text.trim();
        if text.is_empty() {
            groups.push(Vec::new());
        } else if !text.starts_with('#')
            && let Some(group) = groups.last_mut()
        {
            group.push(Line { number: index + 1, text });
        }
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// The entries of a list, whatever their group.
pub fn entries(list: &str) -> Vec<Line<'_>> {
    groups(list).into_iter().flatten().collect()
}

/// A list without the lines of these numbers. Comments stay.
pub fn without(list: &str, numbers: &[usize]) -> String {
    let mut shrunk = String::new();
    for (_, line) in list.lines().enumerate().filter(|(index, _)| !numbers.contains(&(index + 1))) {
        shrunk.push_str(line);
        shrunk.push('\n');
    }
    shrunk
}

/// The comments that a list begins with.
pub fn header(list: &str) -> String {
    list.lines().take_while(|line| line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_groups_and_comments() {
        let list = "# header\n\na\nb\n# c\n\n\nd\n";
        let texts: Vec<Vec<&str>> =
            groups(list).into_iter().map(|group| group.into_iter().map(|line| line.text).collect()).collect();
        assert_eq!(texts, [vec!["a", "b"], vec!["d"]]);
        assert_eq!(without(list, &[3, 8]), "# header\n\nb\n# c\n\n\n");
        assert_eq!(header(list), "# header\n");
    }

    #[test]
    fn an_update_shrinks_the_list_and_forgives_no_violation() {
        let file = std::env::temp_dir().join(format!("crossdock-structure-list-{}.txt", std::process::id()));
        let report = || Report {
            violations: vec!["broken".to_owned()],
            obsolete: vec!["`b` is not needed".to_owned()],
            shrunk: "a\n".to_owned(),
        };
        fs::write(&file, "a\nb\n").unwrap();
        assert_eq!(report().enforce(&file, false).unwrap().len(), 2);
        assert_eq!(read(&file).unwrap(), "a\nb\n");
        assert_eq!(report().enforce(&file, true).unwrap(), ["broken"]);
        assert_eq!(read(&file).unwrap(), "a\n");
        fs::remove_file(&file).unwrap();
    }
}
