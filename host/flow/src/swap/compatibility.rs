//! Whether a version can do for its connector what the version before it does.

use crate::connector::Connector;

/// What the new version lacks, for a person. None when it lacks nothing.
pub(super) fn incompatibility(old: &Connector, next: &Connector) -> Option<String> {
    if next.digest == old.digest {
        return Some(format!("the file is the very {} that runs", next.label));
    }
    if next.system != old.system {
        return Some(format!("{} speaks to `{}`, not to `{}`", next.label, next.system, old.system));
    }
    let lacks = |what: &str| Some(format!("{} {what}, as {} does", next.label, old.label));
    if old.endpoint.is_some() && next.endpoint.is_none() {
        return lacks("takes no requests");
    }
    if old.poll.is_some() && next.poll.is_none() {
        return lacks("cannot be polled");
    }
    match (&old.sink, &next.sink) {
        (Some(_), None) => lacks("delivers nothing"),
        (Some(had), Some(has)) => {
            let missing = had.kinds.iter().find(|kind| !has.kinds.contains(kind))?;
            lacks(&format!("does not take {missing}"))
        }
        // Deliveries routed to it from now on would wait for a dispatcher, which only the host's start creates.
        (None, Some(_)) => Some(format!(
            "{} also delivers, which {} does not: name it in the configuration and start the host with it",
            next.label, old.label
        )),
        (None, None) => None,
    }
}
