//! Problems of single fields, and of the elements of lists.

use crossdock_sdk::prelude::*;

use crate::text::List;

/// Reads each element of a list with its index. A problem names the element.
pub(crate) fn read_list<T, U>(
    list: List<T>,
    name: &str,
    read: impl Fn((T, usize)) -> Result<U, Problem>,
) -> Result<Vec<U>, Problem> {
    let mut elements = Vec::with_capacity(list.len());
    for (nth, element) in list.into_iter().enumerate() {
        elements.push(read((element, nth)).map_err(|problem| {
            let field = problem.field.as_deref().map(|field| format!(".{field}")).unwrap_or_default();
            Problem { field: Some(format!("{name}[{nth}]{field}")), ..problem }
        })?);
    }
    Ok(elements)
}

/// The problem of a value that this version does not support.
pub(crate) fn unknown_value(field: &str) -> Problem {
    Problem::new("unknown-word", format!("`{field}` has a value that this version does not support"))
        .at(field)
}
