//! Tryton's REST interface: the requests that the connector sends.
//!
//! Tryton 8.2 responds with 400 and a message for the user when it refuses a request, 401 for a wrong key, 404 for
//! a missing record, and 500 with an HTML page for unknown models and fields and for locks that it did not obtain in
//! time. Each request is one transaction: a refused request had no effect. So the SDK's default interpretation of
//! status codes holds without exception.

use crossdock_sdk::http::{Error, Request};
use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::value::encode_query;

/// One Tryton database.
pub struct Rest {
    client: http::Client,
    base: String,
}

impl Rest {
    /// The database, at the configured URL.
    ///
    /// # Errors
    /// The setting is missing.
    pub fn new(database: &str) -> Result<Self, Problem> {
        Ok(Self { client: http::Client::from_setting("url")?, base: format!("/{database}/rest/model") })
    }

    /// One record.
    ///
    /// # Errors
    /// `NotFound`, or the request failed.
    pub fn read(&self, model: &str, id: i64, fields: &[&str]) -> Result<Value, Error> {
        with_fields(self.client.get(self.path(&[model, &id.to_string()]).as_str()), fields).call()
    }

    /// All records of a domain.
    ///
    /// # Errors
    /// The request failed.
    pub fn search(&self, model: &str, domain: &Value, fields: &[&str]) -> Result<Vec<Value>, Error> {
        with_fields(self.client.get(self.path(&[model]).as_str()), fields)
            .query("d", encode_query(domain))
            .call()
    }

    /// All records of a domain, in a context that some fields depend on.
    ///
    /// # Errors
    /// The request failed.
    pub fn search_in_context(
        &self,
        context: &Value,
        model: &str,
        domain: &Value,
        fields: &[&str],
    ) -> Result<Vec<Value>, Error> {
        with_fields(self.client.get(self.path(&[model]).as_str()), fields)
            .query("d", encode_query(domain))
            .header("x-tryton-context", encode_query(context))
            .call()
    }

    /// The first `limit` records of a domain, in an order and, where a field depends on one, in a context.
    ///
    /// # Errors
    /// The request failed.
    pub fn search_page(
        &self,
        limit: u32,
        context: Option<&Value>,
        model: &str,
        domain: &Value,
        order: &Value,
        fields: &[&str],
    ) -> Result<Vec<Value>, Error> {
        let request = with_fields(self.client.get(self.path(&[model]).as_str()), fields)
            .query("d", encode_query(domain))
            .query("o", encode_query(order))
            .query("s", limit.to_string());
        match context {
            Some(context) => request.header("x-tryton-context", encode_query(context)).call(),
            None => request.call(),
        }
    }

    /// Creates a record.
    ///
    /// # Errors
    /// `Rejected` with Tryton's message; `Unknown`; or the request was not sent.
    pub fn create(&self, model: &str, record: &Value, fields: &[&str]) -> Result<Value, Error> {
        with_fields(self.client.post(self.path(&[model]).as_str()), fields).json(record).call()
    }

    /// Updates a record.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn write(&self, model: &str, id: i64, change: &Value, fields: &[&str]) -> Result<Value, Error> {
        with_fields(self.client.put(self.path(&[model, &id.to_string()]).as_str()), fields)
            .json(change)
            .call()
    }

    /// Calls a button of a record. Tryton refuses a button that the record's state does not have.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn call_button(&self, model: &str, id: i64, button: &str, fields: &[&str]) -> Result<Value, Error> {
        let path = self.path(&[model, &id.to_string(), button]);
        with_fields(self.client.post(path.as_str()), fields).json(&json!({})).call()
    }

    /// Calls a button of a record and skips the warnings that a user could dismiss.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn call_button_skipping_warnings(
        &self,
        model: &str,
        id: i64,
        button: &str,
        fields: &[&str],
    ) -> Result<Value, Error> {
        let path = self.path(&[model, &id.to_string(), button]);
        with_fields(self.client.post(path.as_str()), fields)
            .header("x-tryton-context", encode_query(&json!({ "_skip_warnings": true })))
            .json(&json!({}))
            .call()
    }

    fn path(&self, segments: &[&str]) -> String {
        format!("{}/{}", self.base, segments.join("/"))
    }
}

fn with_fields(request: Request, fields: &[&str]) -> Request {
    fields.iter().fold(request, |request, field| request.query("f", field))
}
