//! The client of one target.

use std::borrow::Cow;

use super::request::Request;
use super::transport::Method;
use super::url::push_escaped;
use crate::config;
use crate::connector::Problem;

/// One target: its base address, and the headers of every request to it.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    headers: Vec<(String, String)>,
}

impl Client {
    /// A target at this address (`https://erp.example.com/api`); a trailing slash is ignored.
    pub fn new(base: impl Into<String>) -> Self {
        let base: String = base.into();
        Self { base: base.trim_end_matches('/').to_owned(), headers: Vec::new() }
    }

    /// A target at the address in this setting.
    ///
    /// # Errors
    /// When the setting is missing or is not text.
    pub fn from_setting(name: &str) -> Result<Self, Problem> {
        config::get::<String>(name).map(Self::new)
    }

    /// Adds a header to every request. Credentials do not belong here: the host adds them.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// A `GET` request: a read.
    pub fn get(&self, path: impl Path) -> Request {
        self.request(Method::Get, path)
    }

    /// A `POST` request: a write unless it is marked [`Request::read_only`].
    pub fn post(&self, path: impl Path) -> Request {
        self.request(Method::Post, path)
    }

    /// A `PUT` request: a write.
    pub fn put(&self, path: impl Path) -> Request {
        self.request(Method::Put, path)
    }

    /// A `PATCH` request: a write.
    pub fn patch(&self, path: impl Path) -> Request {
        self.request(Method::Patch, path)
    }

    /// A `DELETE` request: a write.
    pub fn delete(&self, path: impl Path) -> Request {
        self.request(Method::Delete, path)
    }

    /// A request by any method.
    pub fn request(&self, method: Method, path: impl Path) -> Request {
        Request::new(method, &self.base, &path.path(), self.headers.clone())
    }
}

/// The path of a request below the client's base address.
pub trait Path {
    /// The path, with a leading slash and escaped.
    fn path(&self) -> Cow<'_, str>;
}

/// A path that is escaped already (`/orders`).
impl Path for &str {
    fn path(&self) -> Cow<'_, str> {
        if self.is_empty() || self.starts_with('/') { Cow::Borrowed(self) } else { format!("/{self}").into() }
    }
}

/// The segments of a path, each of which is escaped: `["orders", id, "cancel"]`.
impl<const N: usize> Path for [&str; N] {
    fn path(&self) -> Cow<'_, str> {
        let mut path = String::new();
        for segment in self {
            path.push('/');
            push_escaped(&mut path, segment);
        }
        path.into()
    }
}
