//! File names: which are read, which are written, and which mark a file as claimed or unfinished.

use crate::error::Error;

/// Endings of names whose files are still being written.
const UNFINISHED_ENDINGS: [&str; 3] = [".tmp", ".part", ".filepart"];

/// The ending that this host gives a file in `in/` before it archives it.
const CLAIMED_ENDING: &str = ".crossdock-taken";

/// With the endings that are added while it is moved, a name must stay below 255 bytes.
const MAX_NAME_BYTES: usize = 200;

/// What a name in `in/` says about its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileName<'a> {
    /// A partner's file.
    Plain,
    /// A partner's file of this name, claimed by a host that was about to archive it.
    Claimed(&'a str),
    /// Hidden, or still being written.
    Unfinished,
    /// A name that cannot be used.
    Unusable,
}

pub(crate) fn classify(name: &str) -> FileName<'_> {
    if let Some(original) = name.strip_prefix('.').and_then(|rest| rest.strip_suffix(CLAIMED_ENDING)) {
        return if usable(original).is_ok() { FileName::Claimed(original) } else { FileName::Unfinished };
    }
    let lower = name.to_ascii_lowercase();
    if name.starts_with('.') || UNFINISHED_ENDINGS.iter().any(|ending| lower.ends_with(ending)) {
        return FileName::Unfinished;
    }
    if usable(name).is_ok() { FileName::Plain } else { FileName::Unusable }
}

/// The name of a file in `in/` while it is claimed.
pub(crate) fn claimed(name: &str) -> String {
    format!(".{name}{CLAIMED_ENDING}")
}

/// The name of a file while this host writes it.
pub(crate) fn unfinished(name: &str) -> String {
    format!(".{name}.tmp")
}

/// Checks the name of a file to be written.
pub(crate) fn check(name: &str) -> Result<(), Error> {
    let invalid = |reason| Err(Error::InvalidName { name: name.to_owned(), reason });
    match classify(name) {
        FileName::Plain => Ok(()),
        FileName::Unusable => usable(name).or_else(invalid),
        FileName::Unfinished | FileName::Claimed(_) => {
            invalid("partners take it for the name of an unfinished file")
        }
    }
}

fn usable(name: &str) -> Result<(), &'static str> {
    if name.is_empty() || name == "." || name == ".." {
        return Err("it is empty");
    }
    if name.len() > MAX_NAME_BYTES {
        return Err("it is longer than 200 bytes");
    }
    if name.contains(['/', '\\']) {
        return Err("it is a path");
    }
    if name.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
        return Err("it has unprintable characters");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_and_unfinished_files_are_recognised() {
        for name in [".x", "a.tmp", "a.TMP", "a.part", "a.filepart", ".a.edi.swp", "..crossdock-taken"] {
            assert_eq!(classify(name), FileName::Unfinished, "{name}");
        }
        for name in ["a", "a.tmp.edi", "Aufträge 25.11..xml", "tmp"] {
            assert_eq!(classify(name), FileName::Plain, "{name}");
        }
    }

    #[test]
    fn a_claimed_file_keeps_its_name() {
        assert_eq!(classify(&claimed("850.edi")), FileName::Claimed("850.edi"));
    }

    #[test]
    fn invalid_names_are_refused() {
        let long = "x".repeat(201);
        for name in ["", "..", ".", "a/b", "a\\b", "a\nb", "a\u{fffd}", ".a", "a.tmp", &long] {
            assert!(check(name).is_err(), "{name:?}");
        }
        assert!(check("850_000001.edi").is_ok());
    }
}
