//! Names of files: which are read, which are written, which are nobody's business yet.

use crate::Error;

/// What names end in while their files are still being written.
const UNFINISHED: [&str; 3] = [".tmp", ".part", ".filepart"];

/// How this host marks a file in `in/` that it is about to archive.
const TAKEN: &str = ".crossdock-taken";

/// The longest name in bytes: with what is added to it while it is moved it must stay below 255.
const LONGEST: usize = 200;

/// What a name in `in/` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning<'a> {
    /// A file of the partner's.
    File,
    /// A file of the partner's of this name, which this host was about to archive.
    Taken(&'a str),
    /// Hidden, or still being written.
    Unfinished,
    /// A name that cannot be used.
    Unusable,
}

pub(crate) fn meaning(name: &str) -> Meaning<'_> {
    if let Some(taken) = name.strip_prefix('.').and_then(|rest| rest.strip_suffix(TAKEN)) {
        return if usable(taken).is_ok() { Meaning::Taken(taken) } else { Meaning::Unfinished };
    }
    let lower = name.to_ascii_lowercase();
    if name.starts_with('.') || UNFINISHED.iter().any(|ending| lower.ends_with(ending)) {
        return Meaning::Unfinished;
    }
    if usable(name).is_ok() { Meaning::File } else { Meaning::Unusable }
}

/// What a file of `in/` is called from being taken to being archived.
pub(crate) fn taken(name: &str) -> String {
    format!(".{name}{TAKEN}")
}

/// What a file is called while this host writes it.
pub(crate) fn unfinished(name: &str) -> String {
    format!(".{name}.tmp")
}

/// Whether a file can be put under this name.
pub(crate) fn check(name: &str) -> Result<(), Error> {
    let wrong = |why| Err(Error::Name { name: name.to_owned(), why });
    match meaning(name) {
        Meaning::File => Ok(()),
        Meaning::Unusable => usable(name).or_else(wrong),
        Meaning::Unfinished | Meaning::Taken(_) => wrong("partners take it for a file that is being written"),
    }
}

fn usable(name: &str) -> Result<(), &'static str> {
    if name.is_empty() || name == "." || name == ".." {
        return Err("it is empty");
    }
    if name.len() > LONGEST {
        return Err("it is longer than 200 bytes");
    }
    if name.contains(['/', '\\']) {
        return Err("it is a path");
    }
    if name.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
        return Err("it has characters that cannot be shown");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_and_half_written_files_are_nobodys_business() {
        for name in [".x", "a.tmp", "a.TMP", "a.part", "a.filepart", ".a.edi.swp", "..crossdock-taken"] {
            assert_eq!(meaning(name), Meaning::Unfinished, "{name}");
        }
        for name in ["a", "a.tmp.edi", "Aufträge 25.11..xml", "tmp"] {
            assert_eq!(meaning(name), Meaning::File, "{name}");
        }
    }

    #[test]
    fn a_taken_file_keeps_its_name() {
        assert_eq!(meaning(&taken("850.edi")), Meaning::Taken("850.edi"));
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let long = "x".repeat(201);
        for name in ["", "..", ".", "a/b", "a\\b", "a\nb", "a\u{fffd}", ".a", "a.tmp", &long] {
            assert!(check(name).is_err(), "{name:?}");
        }
        assert!(check("850_000001.edi").is_ok());
    }
}
