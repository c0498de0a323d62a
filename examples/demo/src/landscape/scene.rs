//! Everybody at work: what the harness sees of them, and what came of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rust_decimal::Decimal;

use super::Landscape;
use super::operator::{Flow, Operator};
use super::stores::{Home, STORES};
use super::verdict::{Echoes, Evidence, home};
use crate::erp::stock::Place;
use crate::host::Counts;
use crate::partner::Partner;
use crate::partner::books::{Complaints, Held as PartnerOrder};
use crate::report::{Back, HeldCount, Moment, Outcome, Summary};
use crate::run::{Driven, World, first_tries, latency, round};
use crate::shop::Shop;
use crate::shop::admin::desk::Desk;
use crate::shop::life::Plant;
use crate::till::Tills;
use crate::verify::Verdict;
use crate::{erp, lock, shop, till};

/// Everybody at work.
pub(super) struct Scene<'a> {
    pub(super) landscape: &'a Landscape,
    pub(super) shop: Shop,
    pub(super) tills: Tills,
    pub(super) partner: Partner,
    pub(super) operator: Operator,
    /// What the operator sees.
    pub(super) flow: Arc<Mutex<Flow>>,
}

/// Copies of everything, from which a verdict is made.
struct Snapshot {
    shop: shop::Ledger,
    tills: till::Ledger,
    cloud: erp::Held,
    cloud_stock: BTreeMap<Place, Decimal>,
    partner: Vec<PartnerOrder>,
    partner_stock: BTreeMap<Place, Decimal>,
    complaints: Complaints,
}

impl Snapshot {
    fn evidence<'a>(&'a self, desk: &'a Desk) -> Evidence<'a> {
        Evidence {
            shop: &self.shop,
            tills: &self.tills,
            cloud: &self.cloud,
            cloud_stock: &self.cloud_stock,
            partner: &self.partner,
            partner_stock: &self.partner_stock,
            complaints: &self.complaints,
            desk,
        }
    }
}

impl Scene<'_> {
    fn snapshot(&self) -> Snapshot {
        Snapshot {
            shop: self.shop.ledger(),
            tills: self.tills.ledger(),
            cloud: self.landscape.cloud.held(),
            cloud_stock: self.landscape.cloud.stock(),
            partner: self.partner.held(),
            partner_stock: self.partner.stock(),
            complaints: self.partner.complaints(),
        }
    }

    /// The verdict, and the echoes that were sent.
    fn judge(&self, snapshot: &Snapshot) -> (Verdict, Echoes) {
        self.landscape.admin.look(|desk| {
            let evidence = snapshot.evidence(desk);
            (evidence.judge(), evidence.echoes())
        })
    }

    fn held(&self) -> usize {
        self.landscape.cloud.order_count() + self.partner.order_count()
    }

    fn sales(&self) -> usize {
        self.landscape.options.sales() * STORES.len()
    }

    /// Orders and sales that were told and are in no ERP.
    fn missing(&self) -> usize {
        let (shop, tills) = (self.shop.ledger(), self.tills.ledger());
        let cloud = self.landscape.cloud.held();
        let there: BTreeSet<String> = cloud
            .orders
            .iter()
            .filter_map(|held| held.document.as_ref().map(|document| document.reference.clone()))
            .chain(self.partner.held().into_iter().map(|held| held.po))
            .collect();
        let of_shop = shop.orders.iter().filter(|sent| sent.life.plant == Plant::Good);
        let of_shop =
            of_shop.filter(|sent| sent.accepted.contains(&true)).filter(|sent| match home(&sent.life) {
                Home::Cloud => !there.contains(&sent.life.reference),
                Home::Legacy => !there.contains(&sent.life.number.to_string()),
            });
        let of_tills =
            tills.sold.iter().filter(|sold| sold.told.is_some()).filter(|sold| match sold.store.home {
                Home::Cloud => !there.contains(&sold.order.reference),
                Home::Legacy => !there.contains(&sold.number),
            });
        of_shop.count() + of_tills.count()
    }

    pub(super) fn outcome(self, driven: Driven) -> Outcome {
        let Driven { counts, starts, inflight, took } = driven;
        let options = &self.landscape.options;
        let snapshot = self.snapshot();
        let (verdict, echoes) = self.judge(&snapshot);
        let operator = self.operator.done();
        let (traffic, admin, writes) =
            (self.partner.traffic(), self.landscape.admin.traffic(), self.landscape.admin.writes());
        let tills = self.tills.progress();
        let untold = self.landscape.admin.look(|desk| snapshot.evidence(desk).returns_untold());
        let held = HeldCount::from([
            (Home::Legacy.connector(), snapshot.partner.len()),
            (Home::Cloud.connector(), snapshot.cloud.orders.len()),
        ]);
        let summary = Summary {
            orders: self.shop.progress().orders,
            events: snapshot.shop.accepted_facts(),
            held,
            lost: verdict.lost.len(),
            duplicated: verdict.duplicated.len(),
            mismatched: verdict.mismatched.len(),
            unknown: counts.unknown,
            exceptions: counts.exceptions,
            quarantined: counts.quarantined,
            kills: inflight.len(),
            inflight_at_kill: inflight.iter().sum(),
            latency_ms: latency(tries(&snapshot), &arrived(&snapshot)),
            orders_per_s: round((options.orders + self.sales()) as f64 / took.as_secs_f64().max(0.001)),
            back: Some(Back {
                sales: snapshot.tills.sold.len(),
                stock_mismatches: verdict.stock.len(),
                status_missing: verdict.status.len(),
                echoes_sent: echoes.sum(),
                unmapped_repaired: operator.released,
                swaps: operator.swaps,
                swaps_refused: operator.refused,
            }),
        };
        let mut flaws = operator.flaws.clone();
        let mut must = |holds: bool, text: String| {
            if !holds {
                flaws.push(text);
            }
        };
        must(operator.finished, "the operator could not do everything".to_owned());
        must(
            (operator.swaps, operator.refused) == (4, 1),
            format!("{} of 4 swaps as they must be, {} refused", operator.swaps, operator.refused),
        );
        must(operator.released > 0, "nothing waited for a value in a table".to_owned());
        must(self.tills.is_done(), "the tills could not get rid of everything".to_owned());
        must(
            admin.wrong == 0,
            format!(
                "the shop's API was asked wrongly: {}",
                self.landscape.admin.trouble().unwrap_or_default()
            ),
        );
        must(
            traffic.acknowledged == traffic.sent,
            format!("{} of the partner's {} messages were acknowledged", traffic.acknowledged, traffic.sent),
        );
        let rows = [
            ("uploaded late, told twice", format!("{}, {} by the tills", tills.late, tills.doubled)),
            (
                "files with the partner",
                format!("{} read, {} written, {} refused", traffic.read, traffic.written, traffic.refused),
            ),
            (
                "returns nobody is told of",
                format!("{untold}, at the partner's stores: X12 850 and 860 have no word for them"),
            ),
            ("the partner's messages", format!("{}, {} acknowledged", traffic.sent, traffic.acknowledged)),
            (
                "writes into the shop",
                format!("{}, {} refused, {} times throttled", writes.done, writes.refused, admin.throttled),
            ),
            ("webhooks about them", self.shop.progress().echoes.to_string()),
            (
                "echoes by system",
                format!("cloud {}, partner {}, shop {}", echoes.cloud, echoes.partner, echoes.shop),
            ),
        ];
        Outcome {
            summary,
            planted: self.shop.planted(),
            shop: self.shop.progress(),
            all_sent: self.shop.is_done(),
            misdeeds: self.landscape.cloud.misdeeds(),
            reasons: counts.reasons,
            starts,
            inflight,
            took,
            rows: rows.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            flaws,
            verdict,
        }
    }
}

/// When each order's first webhook was first tried, and when each sale was told first.
fn tries(snapshot: &Snapshot) -> Vec<(String, Instant)> {
    let mut tries = first_tries(&snapshot.shop);
    let told = snapshot.tills.sold.iter();
    tries.extend(told.filter_map(|sold| Some((sold.order.reference.clone(), sold.told?))));
    tries
}

/// When each came into its ERP.
fn arrived(snapshot: &Snapshot) -> HashMap<String, Instant> {
    let mut arrived = crate::run::arrivals(&snapshot.cloud);
    let by_po: HashMap<&str, Instant> =
        snapshot.partner.iter().rev().map(|held| (held.po.as_str(), held.created)).collect();
    for sent in snapshot.shop.orders.iter().filter(|sent| home(&sent.life) == Home::Legacy) {
        if let Some(at) = by_po.get(sent.life.number.to_string().as_str()) {
            arrived.insert(sent.life.reference.clone(), *at);
        }
    }
    for sold in snapshot.tills.sold.iter().filter(|sold| sold.store.home == Home::Legacy) {
        if let Some(at) = by_po.get(sold.number.as_str()) {
            arrived.insert(sold.order.reference.clone(), *at);
        }
    }
    arrived
}

impl World for Scene<'_> {
    /// Half of it is sending, half is arriving.
    fn progress(&self) -> f64 {
        let all = self.landscape.options.orders + self.sales();
        let sales = usize::try_from(self.tills.progress().sales).unwrap_or(usize::MAX);
        let sent = self.shop.progress().orders.saturating_add(sales);
        let flows = !(self.shop.is_done() && self.tills.is_done());
        *lock(&self.flow) = Flow { sold: sent as f64 / all.max(1) as f64, flows };
        sent.saturating_add(self.held().min(all)) as f64 / (2 * all.max(1)) as f64
    }

    fn under_way(&self) -> usize {
        let answers = usize::try_from(self.shop.echoes_under_way()).unwrap_or(usize::MAX);
        self.missing() + self.landscape.cloud.open_requests() + answers
    }

    fn is_sent(&self) -> bool {
        self.shop.is_done() && self.tills.is_done() && self.operator.done().finished
    }

    fn is_right(&self) -> bool {
        self.judge(&self.snapshot()).0.is_clean()
    }

    fn is_settled(&self, counts: &Counts) -> bool {
        let (planted, landscape) = (self.shop.planted(), self.landscape);
        let traffic = self.partner.traffic();
        counts.unsettled == 0
            && landscape.cloud.open_requests() == 0
            && landscape.cloud.unshipped() == 0
            && self.partner.open() == 0
            && traffic.acknowledged >= traffic.sent
            && landscape.admin.owed() == 0
            && self.shop.echoes_under_way() == 0
            && counts.exceptions >= planted.exceptions() as u64
            && counts.quarantined >= planted.quarantined() as u64
    }

    fn pulse(&self) -> (u64, u64) {
        let partner = self.partner.traffic();
        let files = (partner.read + partner.written) as u64;
        let landscape = self.landscape;
        let writes = landscape.cloud.misdeeds().writes
            + landscape.cloud.changes() as u64
            + landscape.admin.writes().done;
        (writes + files, self.shop.progress().accepted + self.tills.progress().sales)
    }

    fn moment(&self) -> Moment {
        let (progress, tills, operator) = (self.shop.progress(), self.tills.progress(), self.operator.done());
        let beside = format!(
            "  legacy {} cloud {}  tills {}/{}  back {}  swaps {}",
            self.partner.order_count(),
            self.landscape.cloud.order_count(),
            tills.sales,
            self.sales(),
            self.landscape.admin.writes().done,
            operator.swaps,
        );
        Moment {
            orders: (progress.orders, self.landscape.options.orders),
            held: self.held(),
            trouble: progress.last_trouble,
            beside,
            ..Moment::default()
        }
    }
}
