//! The cursor of a poll: for each kind of record, how far it has been read. The host stores it without reading it.

use std::collections::BTreeMap;

use crossdock_sdk::http::Error;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::erp::Erp;
use crate::identity::{LAST_MODIFIED, last_change};
use crate::record_kind::RecordKind;
use crate::timestamp::Timestamp;

/// The pass of each kind of record.
#[derive(Default, Serialize, Deserialize)]
pub struct Cursor {
    #[serde(default)]
    sales: Pass,
    #[serde(default)]
    shipments: Pass,
    #[serde(default)]
    invoices: Pass,
    #[serde(default)]
    stock: Pass,
    #[serde(default)]
    products: Pass,
    #[serde(default)]
    templates: Pass,
}

impl Cursor {
    /// Whether the pass of every kind has ended.
    #[must_use]
    pub fn ended(&self, kinds: &[RecordKind]) -> bool {
        kinds.iter().all(|kind| self.pass(*kind).ended)
    }

    /// Begins a pass of every kind.
    pub fn begin_passes(&mut self, kinds: &[RecordKind]) {
        for kind in kinds {
            self.pass_mut(*kind).ended = false;
        }
    }

    /// The pass of a kind.
    pub fn pass_mut(&mut self, kind: RecordKind) -> &mut Pass {
        match kind {
            RecordKind::Sales => &mut self.sales,
            RecordKind::Shipments => &mut self.shipments,
            RecordKind::Invoices => &mut self.invoices,
            RecordKind::Stock => &mut self.stock,
            RecordKind::Products => &mut self.products,
            RecordKind::Templates => &mut self.templates,
        }
    }

    fn pass(&self, kind: RecordKind) -> &Pass {
        match kind {
            RecordKind::Sales => &self.sales,
            RecordKind::Shipments => &self.shipments,
            RecordKind::Invoices => &self.invoices,
            RecordKind::Stock => &self.stock,
            RecordKind::Products => &self.products,
            RecordKind::Templates => &self.templates,
        }
    }
}

/// One reading of the changes of a kind, page by page in the order of their last change and id.
#[derive(Default, Serialize, Deserialize)]
pub struct Pass {
    /// The last record of the last page, when another page follows. Absent between passes.
    after: Option<(Timestamp, i64)>,
    /// The latest change that was read.
    latest_change: Option<Timestamp>,
    /// The changes that were read in the period that the next pass reads again: last changes by record id.
    read: BTreeMap<i64, Timestamp>,
    /// Whether this pass has ended. It begins again when the passes of all kinds have ended; otherwise a poll would
    /// report `more` until all of them happened to end in the same call.
    ended: bool,
}

/// The request for a page of records.
pub struct PageRequest<'a> {
    /// The maximum number of records.
    pub limit: u32,
    pub model: &'a str,
    pub domain: &'a Value,
    pub fields: &'a [&'a str],
    pub context: Option<&'a Value>,
}

impl Pass {
    /// The latest change that was read.
    #[must_use]
    pub fn latest_change(&self) -> Option<Timestamp> {
        self.latest_change
    }

    /// Reads the next page and advances the cursor. Returns the records whose change was not read before.
    ///
    /// # Errors
    /// The request failed.
    pub fn read_page(&mut self, request: &PageRequest<'_>, erp: &Erp) -> Result<Vec<Value>, Error> {
        // The limit is 0 when records of other kinds have filled the poll's page.
        if self.ended || request.limit == 0 {
            return Ok(Vec::new());
        }
        let overlap = erp.settings.overlap_seconds;
        let mut domain = request.domain.as_array().cloned().unwrap_or_default();
        if let Some((at, id)) = self.after {
            let at = at.to_json();
            domain.push(json!(["OR", [LAST_MODIFIED, ">", at], [[LAST_MODIFIED, "=", at], ["id", ">", id]]]));
        } else if let Some(latest) = self.latest_change {
            domain.push(json!([LAST_MODIFIED, ">=", latest.minus_seconds(overlap).to_json()]));
        }
        let order = json!([[LAST_MODIFIED, "ASC"], ["id", "ASC"]]);
        let PageRequest { limit, model, fields, context, .. } = *request;
        let page = erp.rest.search_page(limit, context, model, &json!(domain), &order, fields)?;
        let changes: Vec<(Timestamp, i64)> = page.iter().filter_map(last_change).collect();
        let is_full = page.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
        self.ended = !is_full;
        self.after = changes.last().copied().filter(|_| is_full);
        self.latest_change = changes.iter().map(|(at, _)| *at).chain(self.latest_change).max();
        let unread = page
            .into_iter()
            .filter(|record| last_change(record).is_some_and(|(at, id)| self.add_read(at, id)))
            .collect();
        if let Some(latest) = self.latest_change {
            self.read.retain(|_, at| *at >= latest.minus_seconds(overlap));
        }
        Ok(unread)
    }

    /// Records that a change was read. Whether it was not read before.
    fn add_read(&mut self, at: Timestamp, id: i64) -> bool {
        self.read.insert(id, at) != Some(at)
    }
}
