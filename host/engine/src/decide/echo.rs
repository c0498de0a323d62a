//! Echoes: what Crossdock wrote to a system comes back from it as a report.

use std::sync::Arc;

use crossdock_model::connector::Written;
use crossdock_model::time::Millis;
use crossdock_rules::attributes::{Attribute, Fingerprints};
use crossdock_rules::ownership::{Verdict, classify, newly_reported};

use crate::changes::Append;
use crate::keys::EntityKey;
use crate::rows::{ConflictRecord, OutboundWrites, Report, fingerprint_text, stored_fingerprint};
use crate::state::{Decision, State};

/// How many values of an attribute are remembered that were written and not reported back.
const MAX_PENDING_VALUES: usize = 64;

impl State<'_> {
    /// Remembers what a delivery set in its target. One call may set an attribute several times: each value comes
    /// back, so each is remembered, the last one last.
    pub(super) fn remember_writes(
        &mut self,
        connector: &Arc<str>,
        given: &[Written],
        now: Millis,
    ) -> Decision<()> {
        for written in given {
            let Ok(attribute) = written.attribute.parse::<Attribute>() else {
                tracing::warn!(
                    %connector, attribute = written.attribute,
                    "a plugin wrote an attribute that is unknown: it is not recognised when it comes back"
                );
                continue;
            };
            let key = EntityKey::new(Arc::clone(connector), written.entity.to_string());
            let value = attribute.normal(&written.value);
            let value = match attribute.is_personal() {
                true => fingerprint_text(self.fingerprint(value.as_bytes())),
                false => value,
            };
            let mut writes = self.outbound_writes(&key)?.cloned().unwrap_or_default();
            let of = writes.0.entry(attribute).or_default();
            if of.values.last() != Some(&value) {
                of.values.push(value);
            }
            let surplus = of.values.len().saturating_sub(MAX_PENDING_VALUES);
            of.values.drain(..surplus);
            of.at = now;
            self.set_outbound_writes(key, Some(writes));
        }
        Ok(())
    }

    /// Classifies a report whose source had reported `before` to the target.
    pub(super) fn classify(
        &self,
        source: &EntityKey,
        report: &Report,
        before: Option<&Fingerprints>,
    ) -> Decision<Verdict> {
        let written = self.outbound_writes(source)?.map(OutboundWrites::fingerprints).unwrap_or_default();
        Ok(match classify(&report.fingerprints, &written, before, &report.foreign, report.complete) {
            // Where this safeguard is off, a test sees what happens when nothing is recognised.
            Verdict::Repeated if !self.safeguards().dedupe() => Verdict::News { disputed: Vec::new() },
            verdict => verdict,
        })
    }

    /// Takes a report into account that was classified: records conflicts, and forgets the writes that cannot come
    /// back any more.
    pub(super) fn take_report(
        &mut self,
        source: &EntityKey,
        report: &Report,
        before: Option<&Fingerprints>,
        verdict: &Verdict,
        now: Millis,
    ) -> Decision<()> {
        self.record_conflict(source, report, verdict, now)?;
        let Some(stored) = self.outbound_writes(source)?.cloned() else { return Ok(()) };
        let mut writes = stored.clone();
        // Values before one that is reported back do not come back any more: set to one of them, the attribute is
        // changed again.
        for (attribute, fingerprint) in report.fingerprints.iter() {
            let Some(of) = writes.0.get_mut(&attribute) else { continue };
            let same = |value: &String| stored_fingerprint(attribute, value) == fingerprint;
            if let Some(at) = of.values.iter().position(same) {
                of.values.drain(..at);
            }
        }
        // A value that is news replaces what was written: set back to that, the attribute is changed again.
        if matches!(verdict, Verdict::News { .. }) {
            let written = writes.fingerprints();
            for attribute in newly_reported(&report.fingerprints, &written, before) {
                writes.0.remove(&attribute);
            }
        }
        if writes != stored {
            let writes = Some(writes).filter(|writes| !writes.0.is_empty());
            self.set_outbound_writes(source.clone(), writes);
        }
        Ok(())
    }

    fn record_conflict(
        &mut self,
        source: &EntityKey,
        report: &Report,
        verdict: &Verdict,
        now: Millis,
    ) -> Decision<()> {
        let (attributes, applied) = match verdict {
            Verdict::Conflict { attributes } => (attributes, false),
            Verdict::News { disputed } => (disputed, true),
            Verdict::Echo | Verdict::Repeated => return Ok(()),
        };
        for attribute in attributes {
            let reported = report.values.iter().find(|value| value.attribute == *attribute);
            let written = match attribute.is_personal() {
                true => None,
                false => self.outbound_writes(source)?.and_then(|writes| {
                    writes.0.get(attribute)?.values.last().map(|value| value.as_str().into())
                }),
            };
            self.append(Append::Conflict(ConflictRecord {
                event: report.event,
                connector: Arc::clone(&source.connector),
                entity: Arc::clone(&source.entity),
                attribute: *attribute,
                value: reported.map(|value| value.value.as_str().into()),
                written,
                applied,
                at: now,
            }));
        }
        Ok(())
    }
}
