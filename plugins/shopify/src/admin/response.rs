//! Responses of the Admin API, and what their errors mean for the work. Errors occur with any status: a throttled query
//! and a refused mutation have status 200.

use crossdock_sdk::http::Error;
use crossdock_sdk::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::bucket::Cost;
use super::operations::Operation;

/// The body of every GraphQL response.
#[derive(Deserialize)]
pub struct GraphqlResponse {
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
struct GraphqlError {
    #[serde(default)]
    message: String,
    extensions: Option<ErrorExtensions>,
}

#[derive(Deserialize)]
struct ErrorExtensions {
    code: Option<String>,
    #[serde(rename = "requiredAccess")]
    required_access: Option<String>,
}

impl GraphqlResponse {
    /// The cost of the request, and the state of the bucket.
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        self.extensions.as_ref()?.cost
    }

    /// The data.
    ///
    /// # Errors
    /// The error that the response contains; `answer-unreadable` when the data does not have the expected form.
    pub fn data<T: DeserializeOwned>(self, name: &str, is_mutation: bool) -> Result<T, Error> {
        if let Some(error) = self.error(name, is_mutation) {
            return Err(error);
        }
        serde_json::from_value(self.data.unwrap_or_default()).map_err(|error| {
            let problem =
                Problem::new("answer-unreadable", format!("the response to {name} cannot be read: {error}"));
            if is_mutation { Error::Unknown(problem) } else { Error::Unavailable(problem) }
        })
    }

    /// The error that the response contains, if any. `name` is that of the operation.
    pub fn error(&self, name: &str, is_mutation: bool) -> Option<Error> {
        let errors: Vec<GraphqlError> = match &self.errors {
            Value::Null => return None,
            // The form of errors of the web server in front of the API: `{"errors": "Not Found"}`.
            Value::String(message) => vec![GraphqlError { message: message.clone(), extensions: None }],
            // Errors of an unknown form are errors nevertheless.
            errors => serde_json::from_value(errors.clone()).unwrap_or_else(|_| {
                vec![GraphqlError { message: "errors of an unknown form".to_owned(), extensions: None }]
            }),
        };
        let first = errors.first()?;
        let code = |error: &GraphqlError| {
            error.extensions.as_ref().and_then(|extensions| extensions.code.clone()).unwrap_or_default()
        };
        let has = |expected: &str| errors.iter().any(|error| code(error) == expected);
        let problem = |code: &str| Problem::new(code, format!("{name}: {}", first.message));
        if has("THROTTLED") || first.message.eq_ignore_ascii_case("throttled") {
            let after_ms = self.cost().and_then(|cost| cost.retry_after());
            let message = format!("Shopify throttles {name}: its bucket of points is empty");
            return Some(Error::Throttled(Throttle { after_ms, message }));
        }
        if has("ACCESS_DENIED") {
            let access =
                first.extensions.as_ref().and_then(|extensions| extensions.required_access.as_deref());
            let required = access.map(|access| format!("; it requires {access}")).unwrap_or_default();
            let message = format!("the app is not authorized for {name}{required}");
            return Some(Error::Unauthorized(Problem::new("access-denied", message)));
        }
        if has("SHOP_INACTIVE") {
            return Some(Error::Unauthorized(problem("shop-inactive")));
        }
        if has("INTERNAL_SERVER_ERROR") || has("TIMEOUT") {
            let problem = problem("server-error");
            return Some(if is_mutation { Error::Unknown(problem) } else { Error::Unavailable(problem) });
        }
        let code = slug(&code(first));
        Some(Error::Rejected(problem(if code.is_empty() { "query-refused" } else { &code })))
    }
}

/// Why a mutation was refused. The response has status 200 and no data.
#[derive(Debug, Deserialize)]
pub struct UserError {
    /// Shopify's code. Absent for older mutations.
    pub code: Option<String>,
    /// The path of the argument concerned.
    pub field: Option<Vec<String>>,
    /// The message.
    pub message: String,
}

impl UserError {
    /// The error as a problem for a person.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let code = self.code.as_deref().map(slug).filter(|code| !code.is_empty());
        let problem = Problem::new(code.unwrap_or_else(|| "refused".into()), self.message.clone());
        match self.field.as_deref() {
            Some([]) | None => problem,
            Some(path) => problem.at(path.join(".")),
        }
    }
}

/// The payload of a mutation of which only the errors are read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MutationPayload {
    user_errors: Vec<UserError>,
}

/// The payload of a mutation. Without one the outcome of the mutation is unknown.
///
/// # Errors
/// `answer-empty`, as an unknown outcome.
pub fn require_payload<T>(payload: Option<T>, operation: &Operation) -> Result<T, Error> {
    payload.ok_or_else(|| {
        let message = format!("the response to {} contains no result", operation.name);
        Error::Unknown(Problem::new("answer-empty", message))
    })
}

/// Checks that a mutation has no errors.
///
/// # Errors
/// The first error.
pub fn check_user_errors(errors: &[UserError]) -> Result<(), Problem> {
    errors.first().map_or(Ok(()), |error| Err(error.problem()))
}

impl MutationPayload {
    /// Checks that the mutation has no errors.
    ///
    /// # Errors
    /// The first error.
    pub fn check(&self) -> Result<(), Problem> {
        check_user_errors(&self.user_errors)
    }
}

/// The code in lower-case words with hyphens: `NOT_FOUND` becomes `not-found`.
fn slug(code: &str) -> String {
    let words = code.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}
