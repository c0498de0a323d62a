//! Polls the ERP's feed of changes. The cursor is the number of the last change read.

use crossdock_sdk::prelude::*;

use crate::events;
use crate::feed::Feed;

/// Reads the changes after the cursor.
///
/// # Errors
/// `cursor-unreadable`, `change-unreadable`, or the failure of the request.
pub(crate) fn poll(cursor: Option<&str>, limit: u32) -> Result<Page, Failure> {
    let after: u64 = match cursor.filter(|cursor| !cursor.is_empty()) {
        Some(cursor) => cursor
            .parse()
            .map_err(|_| Problem::new("cursor-unreadable", "the cursor is not the number of a change"))?,
        None => 0,
    };
    let company: String = config::find("company")?.unwrap_or_else(|| "main".to_owned());
    let erp = http::Client::from_setting("url")?;
    let request = erp.get(["changes"]).query("after", after.to_string()).query("limit", limit.to_string());
    let feed: Feed = request.call()?;
    let mut events = Vec::with_capacity(feed.changes.len());
    for change in feed.changes {
        let sequence = change.sequence;
        let unreadable = |message: String| {
            Problem::new(
                "change-unreadable",
                format!("change {sequence} of the ERP cannot be read: {message}"),
            )
        };
        events.extend(events::event(change, &company).map_err(unreadable)?);
    }
    Ok(Page { events, cursor: feed.next.to_string(), more: feed.more })
}
