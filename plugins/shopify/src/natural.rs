//! The name that a sale has in every system that tells of it, where the shop's orders carry one.
//!
//! A till that books its sales into the shop prints `store/register/date/sequence` and leaves it with the order as
//! a note attribute. A sale that the till tells as well is known by it to be the same.

use crossdock_sdk::prelude::*;

/// The name of the note attribute, unless the settings say another.
const ATTRIBUTE: &str = "receipt_number";

/// The sale's name and the day it is booked on. None where no attribute has it, or it does not have the form:
/// what is no name would make different sales one.
///
/// # Errors
/// The setting is no text.
pub(crate) fn key(attributes: &[Attribute]) -> Result<Option<(String, String)>, Problem> {
    let name: Option<String> = config::find("natural-key-attribute")?;
    let name = name.as_deref().unwrap_or(ATTRIBUTE);
    let value =
        attributes.iter().find(|attribute| attribute.name == name).map(|attribute| attribute.value.trim());
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
    let parts: Vec<&str> = value.split('/').collect();
    let [store, register, date, sequence] = parts.as_slice() else {
        log::warn(format!("an order's `{name}` is no store/register/date/sequence"));
        return Ok(None);
    };
    let named = [store, register, sequence].iter().all(|part| !part.trim().is_empty());
    if !named || date.parse::<jiff::civil::Date>().is_err() || date.len() != 10 {
        log::warn(format!("an order's `{name}` is no store/register/date/sequence"));
        return Ok(None);
    }
    Ok(Some((value.to_owned(), (*date).to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_sdk::testing::Host;

    fn attribute(name: &str, value: &str) -> Vec<Attribute> {
        vec![Attribute { name: name.into(), value: value.into() }]
    }

    #[test]
    fn a_sale_is_named_by_its_receipt() {
        let host = Host::new().install();
        let named = key(&attribute("receipt_number", " 0042/3/2026-11-23/1187 ")).unwrap();
        assert_eq!(named, Some(("0042/3/2026-11-23/1187".into(), "2026-11-23".into())));
        assert_eq!(key(&attribute("receipt", "0042/3/2026-11-23/1187")).unwrap(), None);
        assert_eq!(key(&attribute("receipt_number", " ")).unwrap(), None);
        assert!(host.log().is_empty());
    }

    #[test]
    fn what_is_no_name_makes_no_two_sales_one() {
        let host = Host::new().install();
        for value in [
            "1187",
            "0042/3/1187",
            "0042//2026-11-23/1187",
            "0042/3/23.11.2026/1187",
            "0042/3/2026-02-30/1",
            "a/b/2026-11-23/c/d",
        ] {
            assert_eq!(key(&attribute("receipt_number", value)).unwrap(), None, "{value}");
        }
        assert_eq!(host.log().len(), 6, "somebody should look");
    }

    #[test]
    fn the_operator_says_where_it_stands() {
        let _host = Host::new().setting("natural-key-attribute", "till").install();
        assert!(key(&attribute("till", "0042/3/2026-11-23/1187")).unwrap().is_some());
        assert_eq!(key(&attribute("receipt_number", "0042/3/2026-11-23/1187")).unwrap(), None);
    }
}
