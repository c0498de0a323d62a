//! The checked configuration of a session.

use std::sync::Arc;
use std::time::Duration;

use crossdock_model::time::Clock;
use http::Uri;
use http::header::{AUTHORIZATION, HeaderName};
use serde_json::Value;

use super::config::{Login, Session};
use crate::auth::context::{Context, header_name};
use crate::auth::template::Template;
use crate::auth::token_client::TokenClient;
use crate::secrets::Secrets;

const PLAIN_TEXT: &str = "is a secret in plain text; write `{secret:NAME}` and name the secret in `secrets`";

/// How to start and use a session.
pub(super) struct SessionPlan {
    pub(super) client: TokenClient,
    pub(super) login: Option<LoginRequest>,
    pub(super) headers: Vec<(HeaderName, Template)>,
    pub(super) csrf: Option<CsrfRequest>,
    /// Statuses by which the target says that the session has expired.
    pub(super) expired: Vec<u16>,
    pub(super) lifetime: Option<Duration>,
    pub(super) secrets: Secrets,
    pub(super) clock: Arc<dyn Clock>,
}

/// The request that starts a session.
pub(super) struct LoginRequest {
    pub(super) url: Uri,
    pub(super) body: LoginBody,
    pub(super) cookie: Option<String>,
    pub(super) accepted: Vec<u16>,
}

pub(super) enum LoginBody {
    Form(Vec<(String, Template)>),
    /// JSON whose texts are templates.
    Json(Value),
}

/// The request for a CSRF token.
pub(super) struct CsrfRequest {
    pub(super) url: Uri,
    pub(super) header: HeaderName,
    pub(super) token: Option<Template>,
}

impl SessionPlan {
    /// Checks the configuration.
    pub(super) fn new(config: &Session, context: &Context<'_>) -> Result<Self, String> {
        let mut client: Option<TokenClient> = None;
        let mut on_same_host = |url: &str, key: &str| {
            let (new, uri) = TokenClient::new(context.egress, url, key, context.hosts)?;
            let first = client.get_or_insert_with(|| new.clone());
            if first.origin != new.origin {
                return Err(format!(
                    "`{key}` is at {} and the login at {}: a session is valid for one host",
                    new.origin, first.origin
                ));
            }
            Ok(uri)
        };
        let mut headers = Vec::new();
        for (name, text) in &config.headers {
            let template = template(&format!("headers.{name}"), text, context)?;
            if template.needs_response() && config.login.is_none() {
                return Err(format!("`headers.{name}` needs the login's response, and there is no `login`"));
            }
            let header = header_name(name)?;
            let is_constant = !template.needs_response() && template.secret_names().is_empty();
            if header == AUTHORIZATION && is_constant {
                return Err(format!("`headers.{name}` {PLAIN_TEXT}"));
            }
            headers.push((header, template));
        }
        let login = match &config.login {
            None => None,
            Some(login) => Some(login_request(login, on_same_host(&login.url, "login.url")?, context)?),
        };
        let csrf = match &config.csrf {
            None => None,
            Some(csrf) => Some(CsrfRequest {
                url: on_same_host(&csrf.url, "csrf.url")?,
                header: header_name(&csrf.header)?,
                token: match &csrf.token {
                    None => None,
                    Some(text) => Some(template("csrf.token", text, context)?),
                },
            }),
        };
        if let Some(status) = config.expired.iter().find(|status| !(300..600).contains(*status)) {
            return Err(format!("`expired`: {status} is not a status of an expired session"));
        }
        let Some(client) = client else {
            return Err(
                "a session needs a `login` or a `csrf`; without them use `basic`, `bearer` or `header`"
                    .into(),
            );
        };
        Ok(Self {
            client,
            login,
            headers,
            csrf,
            expired: config.expired.clone(),
            lifetime: config.lifetime,
            secrets: context.secrets.clone(),
            clock: context.egress.clock.clone(),
        })
    }

    /// True when a header is made from the login's response.
    pub(super) fn uses_login_response(&self) -> bool {
        self.headers.iter().any(|(_, template)| template.needs_response())
    }
}

fn login_request(login: &Login, url: Uri, context: &Context<'_>) -> Result<LoginRequest, String> {
    let body = match (&login.form, &login.json) {
        (Some(form), None) => {
            let mut fields = Vec::new();
            for (name, text) in form {
                let key = format!("login.form.{name}");
                fields.push((name.clone(), login_template(&key, name, text, context)?));
            }
            LoginBody::Form(fields)
        }
        (None, Some(json)) => {
            check_texts(json, "login.json", &|key, name, text| {
                login_template(key, name, text, context).map(drop)
            })?;
            LoginBody::Json(json.clone())
        }
        _ => return Err("`login` needs either `form` or `json`".to_owned()),
    };
    if let Some(status) = login.accepted.iter().find(|status| !(200..400).contains(*status)) {
        return Err(format!("`login.accepted`: {status} is not a status of a successful login"));
    }
    Ok(LoginRequest { url, body, cookie: login.cookie.clone(), accepted: login.accepted.clone() })
}

/// Parses and checks a text of the configuration.
fn template(key: &str, text: &str, context: &Context<'_>) -> Result<Template, String> {
    let template = Template::parse(text).map_err(|reason| format!("`{key}`: {reason}"))?;
    for name in template.secret_names() {
        context.require_secret(name)?;
    }
    Ok(template)
}

/// Parses and checks a text of the login's request.
fn login_template(key: &str, name: &str, text: &str, context: &Context<'_>) -> Result<Template, String> {
    let template = template(key, text, context)?;
    if template.needs_response() {
        return Err(format!("`{key}` is sent with the login, before there is a response"));
    }
    let name = name.to_ascii_lowercase();
    let is_secret = ["passw", "pwd", "secret"].iter().any(|word| name.contains(word));
    if is_secret && !text.is_empty() && template.secret_names().is_empty() {
        return Err(format!("`{key}` {PLAIN_TEXT}"));
    }
    Ok(template)
}

/// Checks all texts of a JSON value, each with its path and its field name.
fn check_texts(
    value: &Value,
    path: &str,
    check: &dyn Fn(&str, &str, &str) -> Result<(), String>,
) -> Result<(), String> {
    match value {
        Value::String(text) => check(path, path.rsplit('.').next().unwrap_or(path), text),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(at, item)| check_texts(item, &format!("{path}.{at}"), check))
        }
        Value::Object(fields) => {
            let mut fields = fields.iter();
            fields.try_for_each(|(name, field)| check_texts(field, &format!("{path}.{name}"), check))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}
