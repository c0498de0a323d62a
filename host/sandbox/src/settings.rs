//! Checks a connector's settings against its plugin's manifest.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::load_error::LoadError;

/// The settings for the plugin: by name, each as JSON text, with the defaults of the schema.
pub(crate) fn check(schema: Option<&Value>, settings: &Value) -> Result<BTreeMap<String, String>, LoadError> {
    let invalid = |reason: String| LoadError::Settings { reason };
    let Value::Object(given) = settings else {
        return Err(invalid("they are not a table of names and values".to_owned()));
    };
    let mut given = given.clone();
    let Some(schema) = schema else {
        return match given.keys().next() {
            Some(name) => Err(invalid(format!("`{name}`: the plugin has no settings"))),
            None => Ok(BTreeMap::new()),
        };
    };
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if let Some(default) = property.get("default") {
            given.entry(name.clone()).or_insert_with(|| default.clone());
        }
    }
    let given = Value::Object(given);
    let validator = jsonschema::draft202012::new(schema).map_err(|e| invalid(e.to_string()))?;
    let errors: Vec<String> = validator
        .iter_errors(&given)
        .map(|error| match error.instance_path().to_string().trim_start_matches('/') {
            "" => error.to_string(),
            path => format!("{path}: {error}"),
        })
        .collect();
    if !errors.is_empty() {
        return Err(invalid(errors.join("; ")));
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
    fn an_invalid_setting_is_named() {
        let invalid = [
            (json!({}), "\"shop\" is a required property"),
            (json!({"shop": 1}), "shop: 1 is not of type \"string\""),
            (json!({"shop": "a", "pages": 0}), "pages: 0 is less than the minimum of 1"),
            (json!({"shop": "a", "shpo": "b"}), "shpo"),
            (json!([]), "not a table"),
        ];
        for (settings, reason) in invalid {
            let error = check(Some(&schema()), &settings).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_plugin_without_settings_accepts_none() {
        assert!(check(None, &json!({})).unwrap().is_empty());
        assert!(check(None, &json!({"a": 1})).is_err());
    }
}
