//! The JSON of rows that are rare and of no fixed shape: outbound writes, waits for in-flight writes, refunds, and
//! what files carry.

use std::collections::BTreeMap;

use crossdock_engine::CarriedDelivery;
use crossdock_engine::Result;
use crossdock_engine::rows::{InFlightWait, OutboundWrites, Report, WrittenValues};
use crossdock_model::time::Millis;
use crossdock_rules::attributes::{Attribute, AttributeValue, Fingerprints, fingerprint};
use crossdock_rules::refund::ReportedRefund;
use serde::{Deserialize, Serialize};

use crate::sqlite::statement::{Cells, to_json, unreadable};

/// The values of one attribute, and when the last of them was written.
#[derive(Serialize, Deserialize)]
struct Written(Vec<String>, i64);

pub(in crate::sqlite) fn outbound_writes_json(writes: &OutboundWrites) -> Result<String> {
    let all: BTreeMap<Attribute, Written> = writes
        .0
        .iter()
        .map(|(attribute, written)| (*attribute, Written(written.values.clone(), written.at.0)))
        .collect();
    to_json("outbound writes", &all)
}

pub(in crate::sqlite) fn outbound_writes(cells: &mut Cells<'_>) -> Result<OutboundWrites> {
    let all: BTreeMap<Attribute, Written> = cells.json("outbound writes")?;
    let values = |Written(values, at)| WrittenValues { values, at: Millis(at) };
    Ok(OutboundWrites(all.into_iter().map(|(attribute, written)| (attribute, values(written))).collect()))
}

/// Fingerprints are hexadecimal.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wait {
    in_flight: Vec<i64>,
    source: String,
    entity: String,
    event: i64,
    fingerprints: String,
    values: Vec<(Attribute, String)>,
    foreign: Vec<Attribute>,
    complete: bool,
    before: Option<String>,
}

pub(in crate::sqlite) fn wait_json(wait: &InFlightWait) -> Result<String> {
    let Report { event, fingerprints, values, foreign, complete } = &wait.report;
    let stored = Wait {
        in_flight: wait.in_flight.clone(),
        source: wait.source.to_string(),
        entity: wait.entity.to_string(),
        event: *event,
        fingerprints: hex::encode(fingerprints.to_bytes()),
        values: values.iter().map(|value| (value.attribute, value.value.clone())).collect(),
        foreign: foreign.clone(),
        complete: *complete,
        before: wait.before.as_ref().map(|before| hex::encode(before.to_bytes())),
    };
    to_json("a wait for in-flight writes", &stored)
}

pub(in crate::sqlite) fn wait(cells: &mut Cells<'_>) -> Result<InFlightWait> {
    let stored: Wait = cells.json("a wait for in-flight writes")?;
    let fingerprints = |text: &str| -> Result<Fingerprints> {
        let bytes = hex::decode(text).map_err(|error| unreadable("fingerprints", error))?;
        Ok(Fingerprints::from_bytes(&bytes))
    };
    let value = |(attribute, value): (Attribute, String)| AttributeValue {
        attribute,
        fingerprint: fingerprint(&value),
        value,
    };
    Ok(InFlightWait {
        in_flight: stored.in_flight,
        source: stored.source.into(),
        entity: stored.entity.into(),
        report: Report {
            event: stored.event,
            fingerprints: fingerprints(&stored.fingerprints)?,
            values: stored.values.into_iter().map(value).collect(),
            foreign: stored.foreign,
            complete: stored.complete,
        },
        before: stored.before.as_deref().map(fingerprints).transpose()?,
    })
}

#[derive(Serialize, Deserialize)]
struct Refund {
    event: i64,
    entity: String,
    system: String,
    at: i64,
    amount: String,
    currency: String,
}

pub(in crate::sqlite) fn refunds_json(refunds: &[ReportedRefund]) -> Result<String> {
    let all: Vec<Refund> = refunds
        .iter()
        .map(|refund| Refund {
            event: refund.event,
            entity: refund.entity.clone(),
            system: refund.system.clone(),
            at: refund.at,
            amount: refund.amount.to_string(),
            currency: refund.currency.clone(),
        })
        .collect();
    to_json("refunds", &all)
}

pub(in crate::sqlite) fn refunds(cells: &mut Cells<'_>) -> Result<Vec<ReportedRefund>> {
    let all: Vec<Refund> = cells.json("refunds")?;
    let refund = |refund: Refund| {
        Ok(ReportedRefund {
            event: refund.event,
            entity: refund.entity,
            system: refund.system,
            at: refund.at,
            amount: refund.amount.parse().map_err(|error| unreadable("the amount of a refund", error))?,
            currency: refund.currency,
        })
    };
    all.into_iter().map(refund).collect()
}

/// Absent where a file carries none.
pub(in crate::sqlite) fn carries_json(carries: &[CarriedDelivery]) -> Result<Option<String>> {
    if carries.is_empty() {
        return Ok(None);
    }
    let all: Vec<_> = carries.iter().map(|carried| (carried.delivery, carried.confirmation_limit)).collect();
    to_json("the deliveries of a file", &all).map(Some)
}

pub(in crate::sqlite) fn carries(text: Option<&str>) -> Result<Vec<CarriedDelivery>> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let all: Vec<(i64, i64)> =
        serde_json::from_str(text).map_err(|error| unreadable("the deliveries of a file", error))?;
    let carried = |(delivery, confirmation_limit)| CarriedDelivery { delivery, confirmation_limit };
    Ok(all.into_iter().map(carried).collect())
}
