//! What the Admin API answers, and what that means for the work. Errors arrive under any status: a query that
//! was throttled, and a mutation that refused, answer 200.

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::bucket::Cost;
use super::operations::Operation;

/// The envelope of every answer.
#[derive(Deserialize)]
pub struct Answer {
    data: Option<Value>,
    #[serde(default)]
    errors: Value,
    extensions: Option<Extensions>,
}

#[derive(Deserialize)]
struct Extensions {
    cost: Option<Cost>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    message: String,
    extensions: Option<SaidMore>,
}

#[derive(Deserialize)]
struct SaidMore {
    code: Option<String>,
    #[serde(rename = "requiredAccess")]
    required_access: Option<String>,
}

impl Answer {
    /// What the request cost, and how full the bucket is.
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        self.extensions.as_ref()?.cost
    }

    /// The data.
    ///
    /// # Errors
    /// What the errors beside it mean; `answer-unreadable` when it is not what was asked for.
    pub fn data<T: DeserializeOwned>(self, name: &str, writes: bool) -> Result<T, Error> {
        if let Some(error) = self.error(name, writes) {
            return Err(error);
        }
        serde_json::from_value(self.data.unwrap_or_default()).map_err(|error| {
            let problem =
                Problem::new("answer-unreadable", format!("the answer to {name} cannot be read: {error}"));
            if writes { Error::Unknown(problem) } else { Error::Unavailable(problem) }
        })
    }

    /// What the errors mean. None when there are none.
    pub fn error(&self, name: &str, writes: bool) -> Option<Error> {
        let said: Vec<Said> = match &self.errors {
            Value::Null => return None,
            // `{"errors": "Not Found"}` is how the server before the API answers.
            Value::String(message) => vec![Said { message: message.clone(), extensions: None }],
            // Errors in a form that nobody knows are errors all the same.
            errors => serde_json::from_value(errors.clone()).unwrap_or_else(|_| {
                vec![Said { message: "errors that cannot be read".to_owned(), extensions: None }]
            }),
        };
        let first = said.first()?;
        let code =
            |said: &Said| said.extensions.as_ref().and_then(|more| more.code.clone()).unwrap_or_default();
        let has = |wanted: &str| said.iter().any(|said| code(said) == wanted);
        let problem = |code: &str| Problem::new(code, format!("{name}: {}", first.message));
        if has("THROTTLED") || first.message.eq_ignore_ascii_case("throttled") {
            let after_ms = self.cost().and_then(|cost| cost.wait());
            let message = format!("Shopify throttles {name}: its bucket of points is empty");
            return Some(Error::Throttled(Throttle { after_ms, message }));
        }
        if has("ACCESS_DENIED") {
            let access = first.extensions.as_ref().and_then(|more| more.required_access.as_deref());
            let needed = access.map(|access| format!("; it needs {access}")).unwrap_or_default();
            let message = format!("the app may not do {name}{needed}");
            return Some(Error::Unauthorized(Problem::new("access-denied", message)));
        }
        if has("SHOP_INACTIVE") {
            return Some(Error::Unauthorized(problem("shop-inactive")));
        }
        if has("INTERNAL_SERVER_ERROR") || has("TIMEOUT") {
            let problem = problem("server-error");
            return Some(if writes { Error::Unknown(problem) } else { Error::Unavailable(problem) });
        }
        let code = super::slug(&code(first));
        Some(Error::Rejected(problem(if code.is_empty() { "query-refused" } else { &code })))
    }
}

/// Why a mutation did not do what it was asked to. It arrives with status 200, beside no data.
#[derive(Debug, Deserialize)]
pub struct UserError {
    /// Shopify's code. Absent for older mutations.
    pub code: Option<String>,
    /// The path of the argument concerned.
    pub field: Option<Vec<String>>,
    /// What is wrong.
    pub message: String,
}

impl UserError {
    /// As a problem for a person.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let code = self.code.as_deref().map(super::slug).filter(|code| !code.is_empty());
        let problem = Problem::new(code.unwrap_or_else(|| "refused".into()), self.message.clone());
        match self.field.as_deref() {
            Some([]) | None => problem,
            Some(path) => problem.at(path.join(".")),
        }
    }
}

/// What a mutation answers when only its refusal matters.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    user_errors: Vec<UserError>,
}

/// What a mutation says it did. Without a word of it, nobody knows what was done.
///
/// # Errors
/// `answer-empty`, as an outcome that is looked up.
pub fn said<T>(payload: Option<T>, operation: &Operation) -> Result<T, Error> {
    payload.ok_or_else(|| {
        let message = format!("the shop does not say what became of {}", operation.name);
        Error::Unknown(Problem::new("answer-empty", message))
    })
}

/// Nothing, unless there are errors.
///
/// # Errors
/// The first of them.
pub fn accepted(errors: &[UserError]) -> Result<(), Problem> {
    errors.first().map_or(Ok(()), |error| Err(error.problem()))
}

impl Done {
    /// Nothing, unless it was refused.
    ///
    /// # Errors
    /// Why.
    pub fn accepted(&self) -> Result<(), Problem> {
        accepted(&self.user_errors)
    }
}
