//! Intake of requests: authenticate, recognise duplicates, store. All of it is native code and calls no plugin.

use std::sync::Arc;

use crossdock_engine::{Accept, Request};
use crossdock_model::time::Clock;
use crossdock_rules::safeguards::Safeguards;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::authenticate::Headers;
use crate::connector::Endpoint;
use crate::connectors::Connectors;
use crate::faults::{Point, pass};
use crate::gate::Gate;
use crate::journal::Journal;
use crate::randomness::Randomness;

/// Why a request is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is no connector of this name that receives requests.
    #[error("no connector `{0}` takes requests")]
    NoSuchConnector(String),
    /// It does not carry a valid signature of its bytes.
    #[error("the request is not authentic")]
    NotAuthentic,
    /// The host has too much to do, or is stopping. It can be sent again later.
    #[error("the host is busy: {0}")]
    Busy(&'static str),
    /// It could not be made durable.
    #[error("the request could not be stored: {0}")]
    NotStored(#[source] crossdock_engine::Error),
}

/// A request that is durable.
#[derive(Clone, Copy, Debug)]
pub struct Accepted {
    /// Its number.
    pub inbound: i64,
    /// True when the same request had been stored before.
    pub duplicate: bool,
}

impl Headers for Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Accepts requests.
pub(crate) struct Intake {
    pub connectors: Arc<Connectors>,
    pub journal: Arc<Journal>,
    pub gate: Arc<Gate>,
    pub safeguards: Safeguards,
    pub clock: Arc<dyn Clock>,
    pub randomness: Arc<Randomness>,
    /// Cancelled when the host stops: nothing is accepted from then on.
    pub drain: CancellationToken,
}

impl Intake {
    /// Accepts one request for a connector. When this returns `Ok`, it is durable.
    pub async fn accept(&self, connector: &str, request: Request) -> Result<Accepted, Refused> {
        let trace = self.randomness.trace();
        let span = tracing::info_span!("intake", connector, trace);
        self.accept_traced(connector, request, trace).instrument(span).await
    }

    async fn accept_traced(
        &self,
        name: &str,
        mut request: Request,
        trace: String,
    ) -> Result<Accepted, Refused> {
        let connector = self.connectors.get(name);
        let endpoint = connector.as_ref().and_then(|connector| connector.endpoint.as_ref());
        let endpoint = endpoint.ok_or_else(|| Refused::NoSuchConnector(name.to_owned()))?;
        if !is_authentic(endpoint, &request) {
            count_refused(name, "not-authentic");
            return Err(Refused::NotAuthentic);
        }
        pass(Point::AfterAuthentication);
        if self.drain.is_cancelled() {
            return Err(Refused::Busy("it is stopping"));
        }
        if !self.gate.enter(name).await {
            count_refused(name, "busy");
            return Err(Refused::Busy("it has more to do than it can do now"));
        }
        let dedupe = self.dedupe_key(endpoint, &request);
        let signature = &endpoint.webhook.header;
        request.headers.retain(|(name, _)| name != signature && name != "authorization" && name != "cookie");
        let received_at = self.clock.now();
        let accept = Accept { connector: name.to_owned(), dedupe, request, received_at, trace, lease: None };
        let accepted = self.journal.store(accept).await.map_err(|error| match error {
            crossdock_engine::Error::Busy => Refused::Busy("too much is waiting to be written"),
            error => Refused::NotStored(error),
        })?;
        pass(Point::AfterCommit);
        metrics::counter!("crossdock_accepted_total", "connector" => name.to_owned()).increment(1);
        tracing::debug!(inbound = accepted.inbound, duplicate = accepted.duplicate, "stored");
        Ok(Accepted { inbound: accepted.inbound, duplicate: accepted.duplicate })
    }

    fn dedupe_key(&self, endpoint: &Endpoint, request: &Request) -> String {
        if self.safeguards.dedupe() {
            endpoint.webhook.dedupe_key(request, &request.body)
        } else {
            self.randomness.trace()
        }
    }
}

fn is_authentic(endpoint: &Endpoint, request: &Request) -> bool {
    let secrets = (endpoint.secrets)();
    let secrets: Vec<&[u8]> = secrets.iter().map(Vec::as_slice).collect();
    endpoint.webhook.is_authentic(request, &request.body, &secrets)
}

fn count_refused(connector: &str, why: &'static str) {
    metrics::counter!("crossdock_refused_total", "connector" => connector.to_owned(), "why" => why)
        .increment(1);
}
