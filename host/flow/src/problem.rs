//! Makes the problems that the flow itself reports.

use crossdock_model::connector::Problem;

/// A problem without a field.
pub(crate) fn problem(code: &str, message: impl Into<String>) -> Problem {
    Problem { code: code.to_owned(), message: message.into(), field: None }
}
