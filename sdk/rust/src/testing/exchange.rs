//! One request that a test expects, and what comes of it.

use serde_json::Value;

use super::host::Sent;
use crate::http::{Answer, Client, Loss, Method};

/// A request that is expected, and the answer to it. Without more, the answer is 200 with an empty object.
#[derive(Clone, Debug)]
#[must_use = "an expectation does nothing until it is handed to `Host::expect`"]
pub struct Exchange {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Value>,
    parts: Vec<Value>,
    comes: Comes,
    answer_headers: Vec<(String, Vec<u8>)>,
}

#[derive(Clone, Debug)]
enum Comes {
    Answer(u16, Vec<u8>),
    Nothing(Loss),
}

/// Expects a `GET` of this path (escaped; below the host, whatever its name).
pub fn get(path: &str) -> Exchange {
    Exchange::new(Method::Get, path)
}

/// Expects a `POST` to this path.
pub fn post(path: &str) -> Exchange {
    Exchange::new(Method::Post, path)
}

/// Expects a `PUT` to this path.
pub fn put(path: &str) -> Exchange {
    Exchange::new(Method::Put, path)
}

/// Expects a `PATCH` of this path.
pub fn patch(path: &str) -> Exchange {
    Exchange::new(Method::Patch, path)
}

/// Expects a `DELETE` of this path.
pub fn delete(path: &str) -> Exchange {
    Exchange::new(Method::Delete, path)
}

impl Exchange {
    fn new(method: Method, path: &str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
            parts: Vec::new(),
            comes: Comes::Answer(200, b"{}".to_vec()),
            answer_headers: Vec::new(),
        }
    }

    /// Expects this pair in the query, at this place.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        // The client escapes; what the test expects is written as the client writes it.
        self.path = Client::new("").get(self.path.as_str()).query(name, value).url;
        self
    }

    /// Expects this header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Expects exactly this JSON as the body.
    pub fn body(mut self, json: Value) -> Self {
        self.body = Some(json);
        self
    }

    /// Expects a body that holds at least this: objects may have more members, lists may not.
    pub fn body_with(mut self, json: Value) -> Self {
        self.parts.push(json);
        self
    }

    /// Answers with this status and JSON.
    pub fn answer(mut self, status: u16, json: Value) -> Self {
        self.comes = Comes::Answer(status, json.to_string().into_bytes());
        self
    }

    /// Answers with this status and these bytes.
    pub fn answer_bytes(mut self, status: u16, body: impl Into<Vec<u8>>) -> Self {
        self.comes = Comes::Answer(status, body.into());
        self
    }

    /// Adds a header to the answer.
    pub fn answer_header(mut self, name: &str, value: &str) -> Self {
        self.answer_headers.push((name.to_ascii_lowercase(), value.as_bytes().to_vec()));
        self
    }

    /// Lets the connection fail before anything was sent.
    pub fn refuse_connection(mut self) -> Self {
        self.comes = Comes::Nothing(Loss::NotSent("the connection was refused".into()));
        self
    }

    /// Loses the connection after the request was sent: the target may have carried it out.
    pub fn lose_connection(mut self) -> Self {
        self.comes = Comes::Nothing(Loss::Sent("the connection was lost".into()));
        self
    }

    /// Refuses as the host does when the connector's `hosts` do not hold the address.
    pub fn not_allowed(mut self) -> Self {
        self.comes = Comes::Nothing(Loss::NotAllowed("not among its hosts".into()));
        self
    }

    /// Refuses as the host does when the call has used up the requests or bytes that it may.
    pub fn over_budget(mut self) -> Self {
        self.comes = Comes::Nothing(Loss::OverBudget("the call has used up its requests".into()));
        self
    }

    /// What the expectation is called when it fails.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method.name(), self.path)
    }

    /// Checks the request and gives what comes of it.
    pub(super) fn meet(self, sent: &Sent) -> Result<Answer, Loss> {
        let seen = format!("{} {}", sent.method, sent.path);
        assert!(seen == self.name(), "expected {}, and the plugin sent {seen}", self.name());
        for (name, value) in &self.headers {
            assert_eq!(sent.header(name), Some(value.as_str()), "header `{name}` of {seen}");
        }
        if let Some(body) = &self.body {
            assert_eq!(&sent.json(), body, "body of {seen}");
        }
        for part in &self.parts {
            let body = sent.json();
            assert!(holds(&body, part), "body of {seen} does not hold {part:#}: {body:#}");
        }
        match self.comes {
            Comes::Answer(status, body) => Ok(Answer { status, headers: self.answer_headers, body }),
            Comes::Nothing(loss) => Err(loss),
        }
    }
}

fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, value)| whole.get(name).is_some_and(|other| holds(other, value)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| holds(whole, part))
        }
        _ => whole == part,
    }
}
