//! A connector's settings, checked against what its plugin's manifest asks for.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::load::Error;

/// The settings as the plugin gets them: by name, each as JSON text, defaults of the schema filled in.
pub(crate) fn check(schema: Option<&Value>, settings: &Value) -> Result<BTreeMap<String, String>, Error> {
    let wrong = |reason: String| Error::Settings { reason };
    let Value::Object(given) = settings else {
        return Err(wrong("they are no table of names and values".to_owned()));
    };
    let mut given = given.clone();
    let Some(schema) = schema else {
        return match given.keys().next() {
            Some(name) => Err(wrong(format!("`{name}`: the plugin has no settings"))),
            None => Ok(BTreeMap::new()),
        };
    };
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if let Some(default) = property.get("default") {
            given.entry(name.clone()).or_insert_with(|| default.clone());
        }
    }
    let given = Value::Object(given);
    let validator = jsonschema::draft202012::new(schema).map_err(|e| wrong(e.to_string()))?;
    let faults: Vec<String> = validator
        .iter_errors(&given)
        .map(|fault| match fault.instance_path().to_string().trim_start_matches('/') {
            "" => fault.to_string(),
            place => format!("{place}: {fault}"),
        })
        .collect();
    if !faults.is_empty() {
        return Err(wrong(faults.join("; ")));
    }
    let Value::Object(given) = given else { return Ok(BTreeMap::new()) };
    Ok(given.into_iter().map(|(name, value)| (name, value.to_string())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({
            "type": "object",
            "required": ["shop"],
            "additionalProperties": false,
            "properties": {
                "shop": {"type": "string"},
                "version": {"type": "string", "default": "2026-07"},
                "pages": {"type": "integer", "minimum": 1}
            }
        })
    }

    #[test]
    fn settings_are_json_text_with_defaults() {
        let settings = check(Some(&schema()), &json!({"shop": "acme", "pages": 3})).unwrap();
        let expected = [("pages", "3"), ("shop", "\"acme\""), ("version", "\"2026-07\"")];
        assert_eq!(settings, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let wrong = [
            (json!({}), "\"shop\" is a required property"),
            (json!({"shop": 1}), "shop: 1 is not of type \"string\""),
            (json!({"shop": "a", "pages": 0}), "pages: 0 is less than the minimum of 1"),
            (json!({"shop": "a", "shpo": "b"}), "shpo"),
            (json!([]), "no table"),
        ];
        for (settings, sentence) in wrong {
            let said = check(Some(&schema()), &settings).unwrap_err().to_string();
            assert!(said.contains(sentence), "{said}");
        }
    }

    #[test]
    fn a_plugin_without_settings_takes_none() {
        assert!(check(None, &json!({})).unwrap().is_empty());
        assert!(check(None, &json!({"a": 1})).is_err());
    }
}
