//! The door: who is it, have we had this, keep it. Everything here is native code and touches no plugin.

use std::sync::Arc;

use crossdock_storage::{Accept, Request};
use tracing::Instrument;

use crate::authenticate::Headers;
use crate::faults::{Point, pass};
use crate::reader::Unread;
use crate::shared::Shared;

/// Why a request is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is no connector of this name that takes requests.
    #[error("no connector `{0}` takes requests")]
    NoSuchConnector(String),
    /// It does not carry a valid signature of its bytes.
    #[error("the request is not authentic")]
    NotAuthentic,
    /// The host has too much to do, or is stopping. Come back.
    #[error("the host is busy: {0}")]
    Busy(&'static str),
    /// It could not be made durable.
    #[error("the request could not be kept: {0}")]
    NotKept(#[source] crossdock_storage::Error),
}

/// A request that is durable.
#[derive(Clone, Copy, Debug)]
pub struct Accepted {
    /// Its number.
    pub inbound: i64,
    /// True when the same request had been kept before.
    pub duplicate: bool,
}

impl Headers for Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Takes one request. When this returns `Ok`, it is durable.
pub(crate) async fn accept(
    shared: &Arc<Shared>,
    connector: &str,
    request: Request,
) -> Result<Accepted, Refused> {
    let trace = shared.random_trace();
    let span = tracing::info_span!("intake", connector, trace);
    take(shared, connector, request, trace).instrument(span).await
}

async fn take(
    shared: &Arc<Shared>,
    connector: &str,
    mut request: Request,
    trace: String,
) -> Result<Accepted, Refused> {
    let unknown = || Refused::NoSuchConnector(connector.to_owned());
    let connector = shared.connectors.get(connector).ok_or_else(unknown)?;
    let intake = connector.intake.as_ref().ok_or_else(unknown)?;
    let secrets = (intake.secrets)();
    let secrets: Vec<&[u8]> = secrets.iter().map(Vec::as_slice).collect();
    if !intake.webhook.genuine(&request, &request.body, &secrets) {
        metrics::counter!("crossdock_refused_total", "connector" => connector.name.clone(), "why" => "not-authentic")
            .increment(1);
        return Err(Refused::NotAuthentic);
    }
    pass(Point::AfterAccept);
    if shared.drain.is_cancelled() {
        return Err(Refused::Busy("it is stopping"));
    }
    if !shared.gate.enter(&shared.unread.of(&connector.name).load).await {
        metrics::counter!("crossdock_refused_total", "connector" => connector.name.clone(), "why" => "busy")
            .increment(1);
        return Err(Refused::Busy("it has more to do than it can do now"));
    }
    let dedupe = if shared.safeguards.dedupe() {
        intake.webhook.duplicate_key(&request, &request.body)
    } else {
        shared.random_trace()
    };
    let proof = &intake.webhook.header;
    request.headers.retain(|(name, _)| name != proof && name != "authorization" && name != "cookie");
    let accept = Accept {
        connector: connector.name.clone(),
        dedupe,
        request: request.clone(),
        received_at: shared.now(),
        trace: trace.clone(),
    };
    let received_at = accept.received_at;
    let accepted = shared.writer.accept(accept).await.map_err(|error| match error {
        crossdock_storage::Error::Busy => Refused::Busy("too much is waiting to be written"),
        error => Refused::NotKept(error),
    })?;
    pass(Point::AfterCommit);
    metrics::counter!("crossdock_accepted_total", "connector" => connector.name.clone()).increment(1);
    tracing::debug!(inbound = accepted.inbound, duplicate = accepted.duplicate, "kept");
    if !accepted.duplicate {
        let connector = connector.name.clone();
        shared.unread.put(Unread { id: accepted.inbound, connector, received_at, request, trace });
    }
    Ok(Accepted { inbound: accepted.inbound, duplicate: accepted.duplicate })
}
