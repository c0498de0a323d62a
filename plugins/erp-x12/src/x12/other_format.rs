//! Recognises other formats by the beginning of the file: "the file is EDIFACT" helps a person more than "the file
//! does not begin with ISA".

use crossdock_sdk::connector::Problem;

/// Refuses a file that does not begin with an `ISA`.
///
/// # Errors
/// `empty-file`, `edifact-refused`, `idoc-refused`, `tradacoms-refused` or `not-x12`.
pub(super) fn refuse_other_formats(text: &str) -> Result<(), Problem> {
    if text.starts_with("ISA") {
        return Ok(());
    }
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| text.starts_with(prefix));
    let (code, format) = if text.is_empty() {
        return Err(Problem::new("empty-file", "the file is empty"));
    } else if starts(&["UNA", "UNB", "UNH"]) {
        ("edifact-refused", "EDIFACT")
    } else if starts(&["EDI_DC"]) {
        ("idoc-refused", "an SAP IDoc")
    } else if starts(&["STX="]) {
        ("tradacoms-refused", "TRADACOMS")
    } else if starts(&["<"]) {
        ("not-x12", "XML")
    } else if starts(&["{", "["]) {
        ("not-x12", "JSON")
    } else if starts(&["GS", "ST"]) {
        ("not-x12", "a part of an X12 interchange without its ISA header")
    } else {
        let message = "the file is not an X12 interchange: it does not begin with ISA (segment 1)";
        return Err(Problem::new("not-x12", message));
    };
    let message = format!(
        "the file is {format}; this connector reads X12 interchanges, which begin with ISA (segment 1)"
    );
    Err(Problem::new(code, message))
}
