//! Leaves out the personal data that a plugin did not declare to need.

use std::collections::BTreeSet;

use crossdock_model::connector::Work;

use crate::manifest::Personal;

/// The work with only the fields of personal data that the manifest names.
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
        work.event.put_personal(personal);
    }
}

fn drop_unless<T>(keep: bool, field: &mut Option<T>) {
    if !keep {
        *field = None;
    }
}
