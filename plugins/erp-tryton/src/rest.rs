//! Tryton's REST interface: the questions and acts the connector needs.
//!
//! What Tryton answers (tried, 8.2): 400 with a sentence for the user for whatever it refuses, 401 for a wrong
//! key, 404 for a record that is not there, 500 as a page for unknown models and fields and for locks it did
//! not get in time. An act is one transaction: refused means that nothing of it was done. So the client's own
//! table of statuses holds without exception.

use crossdock_sdk::http::{Error, Request};
use crossdock_sdk::prelude::*;
use serde_json::{Value, json};

use crate::value::question;

/// One database of one Tryton.
pub struct Rest {
    client: http::Client,
    base: String,
}

impl Rest {
    /// The database, at the address that the settings name.
    ///
    /// # Errors
    /// The setting is missing.
    pub fn new(database: &str) -> Result<Self, Problem> {
        Ok(Self { client: http::Client::from_setting("url")?, base: format!("/{database}/rest/model") })
    }

    /// One record.
    ///
    /// # Errors
    /// `NotFound`, or it could not be asked.
    pub fn read(&self, model: &str, id: i64, fields: &[&str]) -> Result<Value, Error> {
        with(self.client.get(self.path(&[model, &id.to_string()]).as_str()), fields).call()
    }

    /// All records of a domain.
    ///
    /// # Errors
    /// It could not be asked.
    pub fn search(&self, model: &str, domain: &Value, fields: &[&str]) -> Result<Vec<Value>, Error> {
        with(self.client.get(self.path(&[model]).as_str()), fields).query("d", question(domain)).call()
    }

    /// All records of a domain, in a context: some fields depend on it.
    ///
    /// # Errors
    /// It could not be asked.
    pub fn search_in(
        &self,
        context: &Value,
        model: &str,
        domain: &Value,
        fields: &[&str],
    ) -> Result<Vec<Value>, Error> {
        with(self.client.get(self.path(&[model]).as_str()), fields)
            .query("d", question(domain))
            .header("x-tryton-context", question(context))
            .call()
    }

    /// The first so many records of a domain, in an order and, where some field depends on one, in a context.
    ///
    /// # Errors
    /// It could not be asked.
    pub fn first(
        &self,
        limit: u32,
        context: Option<&Value>,
        model: &str,
        domain: &Value,
        order: &Value,
        fields: &[&str],
    ) -> Result<Vec<Value>, Error> {
        let asked = with(self.client.get(self.path(&[model]).as_str()), fields)
            .query("d", question(domain))
            .query("o", question(order))
            .query("s", limit.to_string());
        match context {
            Some(context) => asked.header("x-tryton-context", question(context)).call(),
            None => asked.call(),
        }
    }

    /// Makes a record.
    ///
    /// # Errors
    /// `Rejected` with Tryton's reason; `Unknown`; or it was not sent.
    pub fn create(&self, model: &str, record: &Value, fields: &[&str]) -> Result<Value, Error> {
        with(self.client.post(self.path(&[model]).as_str()), fields).json(record).call()
    }

    /// Changes a record.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn write(&self, model: &str, id: i64, change: &Value, fields: &[&str]) -> Result<Value, Error> {
        with(self.client.put(self.path(&[model, &id.to_string()]).as_str()), fields).json(change).call()
    }

    /// Presses a button of a record. Tryton refuses a button that the record's state does not have.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn press(&self, model: &str, id: i64, button: &str, fields: &[&str]) -> Result<Value, Error> {
        let path = self.path(&[model, &id.to_string(), button]);
        with(self.client.post(path.as_str()), fields).json(&json!({})).call()
    }

    /// The same, past what Tryton would only warn a user of.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn press_on(&self, model: &str, id: i64, button: &str, fields: &[&str]) -> Result<Value, Error> {
        let path = self.path(&[model, &id.to_string(), button]);
        with(self.client.post(path.as_str()), fields)
            .header("x-tryton-context", question(&json!({ "_skip_warnings": true })))
            .json(&json!({}))
            .call()
    }

    fn path(&self, pieces: &[&str]) -> String {
        format!("{}/{}", self.base, pieces.join("/"))
    }
}

fn with(request: Request, fields: &[&str]) -> Request {
    fields.iter().fold(request, |request, field| request.query("f", field))
}
