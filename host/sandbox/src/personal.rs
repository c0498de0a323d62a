//! Removes the personal data that a plugin's manifest does not declare.

use std::collections::BTreeSet;

use crossdock_model::connector::Work;

use crate::manifest::Personal;

/// Leaves only the declared fields of personal data in the work.
pub(crate) fn restrict(work: &mut [Work], fields: &BTreeSet<Personal>) {
    for work in work {
        let Some(mut personal) = work.event.take_personal() else { continue };
        if fields.is_empty() {
            continue;
        }
        let keeps = |field| fields.contains(&field);
        let crossdock_model::common::Personal {
            name,
            email,
            phone,
            billing,
            shipping,
            locale,
            note,
            ip_address,
            status_url,
            card_last4,
            attributes,
            line_attributes,
        } = &mut personal;
        drop_unless(keeps(Personal::Name), name);
        drop_unless(keeps(Personal::Email), email);
        drop_unless(keeps(Personal::Phone), phone);
        drop_unless(keeps(Personal::Billing), billing);
        drop_unless(keeps(Personal::Shipping), shipping);
        drop_unless(keeps(Personal::Locale), locale);
        drop_unless(keeps(Personal::Note), note);
        drop_unless(keeps(Personal::IpAddress), ip_address);
        drop_unless(keeps(Personal::StatusUrl), status_url);
        drop_unless(keeps(Personal::CardLast4), card_last4);
        if !keeps(Personal::Attributes) {
            attributes.clear();
            line_attributes.clear();
        }
        // A person without any field is absent, as after an erasure.
        let texts = [&*name, &*email, &*phone, &*locale, &*note, &*ip_address, &*status_url, &*card_last4];
        let is_empty = texts.iter().all(|text| text.is_none())
            && billing.is_none()
            && shipping.is_none()
            && attributes.is_empty()
            && line_attributes.is_empty();
        if !is_empty {
            work.event.put_personal(personal);
        }
    }
}

fn drop_unless<T>(keep: bool, field: &mut Option<T>) {
    if !keep {
        *field = None;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn work() -> Work {
        let written = json!([{ "name": "Engraving", "value": "For Ada" }]);
        serde_json::from_value(json!({
            "key": "k", "shortKey": "K", "serial": "1", "attempt": 1,
            "event": {
                "entity": { "system": "shop", "tenant": "t", "kind": "customer", "id": "1" },
                "occurredAt": "2026-11-23T09:30:00Z",
                "fact": { "kind": "customer.updated", "value": {
                    "acceptsMarketing": false,
                    "personal": {
                        "name": "Ada", "note": "Ring twice", "attributes": written,
                        "lineAttributes": [{ "line": "11", "attributes": written }]
                    }
                } }
            }
        }))
        .unwrap()
    }

    fn restricted(fields: &[Personal]) -> serde_json::Value {
        let mut work = [work()];
        restrict(&mut work, &fields.iter().copied().collect());
        serde_json::to_value(work.into_iter().next().unwrap().event.take_personal()).unwrap()
    }

    #[test]
    fn only_declared_fields_remain() {
        assert_eq!(restricted(&[]), json!(null));
        assert_eq!(
            restricted(&[Personal::Email]),
            json!(null),
            "the person has no e-mail address, and the rest is not declared"
        );
        assert_eq!(restricted(&[Personal::Name]), json!({ "name": "Ada" }));
        let written = json!([{ "name": "Engraving", "value": "For Ada" }]);
        let expected =
            json!({ "attributes": written, "lineAttributes": [{ "line": "11", "attributes": written }] });
        assert_eq!(restricted(&[Personal::Attributes]), expected);
    }
}
