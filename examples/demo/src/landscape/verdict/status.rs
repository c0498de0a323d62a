//! Status: each parcel is a fulfilment in the shop, and the partner sent what it has to send.

use std::collections::HashMap;

use super::evidence::Evidence;
use super::{Decision, Purchase, good};
use crate::erp::StoredOrder;
use crate::landscape::stores::OwningErp;
use crate::partner::purchase_order::Answered;
use crate::shop::life::Life;
use crate::verify::{Verdict, finding};

impl Evidence<'_> {
    pub(super) fn status(&self, purchases: &[Purchase<'_>], decisions: &[Decision], verdict: &mut Verdict) {
        let by_reference: HashMap<&str, &StoredOrder> = self
            .cloud
            .orders
            .iter()
            .filter_map(|stored| Some((stored.document.as_ref()?.reference.as_str(), stored)))
            .collect();
        for sent in good(self.shop, OwningErp::Cloud) {
            let stored = by_reference.get(sent.life.reference.as_str());
            let parcels = stored.into_iter().flat_map(|stored| &stored.parcels);
            self.parcels(&sent.life, parcels.map(|parcel| parcel.tracking.clone()).collect(), verdict);
        }
        let refused = |reference: &str| {
            decisions.iter().any(|decision| decision.reference == reference && decision.refuses_parcel)
        };
        for purchase in purchases {
            let Some(sent) = purchase.shop else { continue };
            let tracking = purchase.stored.first().and_then(|stored| stored.tracking.clone());
            let parcels = tracking.filter(|_| !refused(&sent.life.reference));
            self.parcels(&sent.life, parcels.into_iter().collect(), verdict);
        }
        for stored in self.partner.iter().filter(|stored| !stored.cancelled) {
            let Answered { acknowledged, confirmed, shipped, invoiced } = stored.answered;
            if acknowledged == 0 || confirmed == 0 || (shipped, invoiced) != stored.must_answer() {
                let reason =
                    format!("997 × {acknowledged}, 855 × {confirmed}, 856 × {shipped}, 810 × {invoiced}");
                verdict.status.push(finding(&stored.po, reason));
            }
        }
    }

    /// The shop shows just these parcels, each once.
    fn parcels(&self, life: &Life, mut expected: Vec<String>, verdict: &mut Verdict) {
        let shown = self.shown(life).into_iter().flat_map(|shown| shown.parcels());
        let mut shown: Vec<String> = shown.map(str::to_owned).collect();
        expected.sort();
        shown.sort();
        if shown != expected {
            let reason = format!("the shop shows the parcels {shown:?}, the ERP sent {expected:?}");
            verdict.status.push(finding(&life.reference, reason));
        }
    }
}
