//! The natural key of a sale, where the shop's order has one.
//!
//! A till that books its sales into the shop stores the receipt's `store/register/date/sequence` in a note attribute of
//! the order. It identifies the order with the sale that the till itself reports.

use crossdock_sdk::prelude::*;

/// The default name of the note attribute.
const DEFAULT_ATTRIBUTE: &str = "receipt_number";

/// The natural key and the business date in it. None where the attribute is absent or does not have the form of a key:
/// an arbitrary text could identify different sales with each other.
///
/// # Errors
/// The setting is not text.
pub(crate) fn natural_key(attributes: &[Attribute]) -> Result<Option<(String, String)>, Problem> {
    let name: Option<String> = config::find("natural-key-attribute")?;
    let name = name.as_deref().unwrap_or(DEFAULT_ATTRIBUTE);
    let value =
        attributes.iter().find(|attribute| attribute.name == name).map(|attribute| attribute.value.trim());
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
    let parts: Vec<&str> = value.split('/').collect();
    let [store, register, date, sequence] = parts.as_slice() else {
        log::warn(format!("an order's `{name}` does not have the form store/register/date/sequence"));
        return Ok(None);
    };
    let is_complete = [store, register, sequence].iter().all(|part| !part.trim().is_empty());
    if !is_complete || date.parse::<jiff::civil::Date>().is_err() || date.len() != 10 {
        log::warn(format!("an order's `{name}` does not have the form store/register/date/sequence"));
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
    fn the_receipt_number_is_the_natural_key() {
        let host = Host::new().install();
        let key = natural_key(&attribute("receipt_number", " 0042/3/2026-11-23/1187 ")).unwrap();
        assert_eq!(key, Some(("0042/3/2026-11-23/1187".into(), "2026-11-23".into())));
        assert_eq!(natural_key(&attribute("receipt", "0042/3/2026-11-23/1187")).unwrap(), None);
        assert_eq!(natural_key(&attribute("receipt_number", " ")).unwrap(), None);
        assert!(host.log().is_empty());
    }

    #[test]
    fn a_text_of_another_form_is_logged_and_ignored() {
        let host = Host::new().install();
        for value in [
            "1187",
            "0042/3/1187",
            "0042//2026-11-23/1187",
            "0042/3/23.11.2026/1187",
            "0042/3/2026-02-30/1",
            "a/b/2026-11-23/c/d",
        ] {
            assert_eq!(natural_key(&attribute("receipt_number", value)).unwrap(), None, "{value}");
        }
        assert_eq!(host.log().len(), 6, "one warning per text");
    }

    #[test]
    fn the_attribute_is_configurable() {
        let _host = Host::new().setting("natural-key-attribute", "till").install();
        assert!(natural_key(&attribute("till", "0042/3/2026-11-23/1187")).unwrap().is_some());
        assert_eq!(natural_key(&attribute("receipt_number", "0042/3/2026-11-23/1187")).unwrap(), None);
    }
}
