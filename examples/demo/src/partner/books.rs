//! The legacy ERP's books: how it applies purchase orders and their changes, and which documents it answers, when.
//!
//! | in | out |
//! |---|---|
//! | any group but acknowledgements | 997 at once |
//! | 850 | 855 a moment later, each line accepted or rejected with a reason; a second order of the same number is stored beside the first |
//! | 860 | the order changed or cancelled, and an 865 that names the change; of no known order: the 997 rejects it |
//! | (time) | 856 for an order with an address, when it has not changed for a while; 810 for everything |
//! | (stock) | 846, an inventory advice of each warehouse that moved |
//!
//! It sells on account: what is ordered is shipped, paid or not. No order is ever removed, so that what is not here
//! was never booked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rust_decimal::Decimal;

use super::documents::{agreement, confirmation, invoice, notice};
use super::now::Now;
use super::purchase_order::{Answered, Departure, Line, PurchaseOrder};
use super::reading::{Charges, article, decimal, lines, names, ship_to, terms, warehouse};
use super::x12::{Draft, Group, Interchange, Set};
use crate::erp::stock::{Shelves, Stock, StockKey};

/// How quick the partner is.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// From an order to its 855.
    pub answer: Duration,
    /// How long an order must not have changed before its goods leave.
    pub ship: Duration,
    /// Between two inventory advices.
    pub advise: Duration,
}

/// Messages that broke the rules of the exchange.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations {
    /// Interchanges whose control number was there before.
    pub repeated: usize,
    /// Interchanges of orders whose control number is not above the last one's.
    pub not_rising: usize,
    /// Interchanges and sets that could not be read, with the reason.
    pub unreadable: Vec<String>,
    /// Changes of orders that nobody placed.
    pub strangers: Vec<String>,
    /// Sets of ours that were rejected by the other side's 997.
    pub rejected: Vec<String>,
}

/// The books.
pub(super) struct Books {
    pace: Pace,
    stock: Stock,
    shelves: Shelves,
    pub(super) orders: Vec<PurchaseOrder>,
    pub(super) violations: Violations,
    /// Sets of ours that the other side acknowledged.
    pub(super) acknowledged: usize,
    seen: BTreeSet<String>,
    /// The last control number of orders and changes.
    last: u64,
    moved: BTreeSet<StockKey>,
    advised: Option<Instant>,
    documents: usize,
}

impl Books {
    pub(super) fn new(shelves: Shelves, pace: Pace) -> Self {
        let stock = Stock::new(&shelves);
        let moved = stock.all().keys().cloned().collect();
        Self {
            pace,
            stock,
            shelves,
            orders: vec![],
            violations: Violations::default(),
            acknowledged: 0,
            seen: BTreeSet::new(),
            last: 0,
            moved,
            advised: None,
            documents: 0,
        }
    }

    pub(super) fn stock(&self) -> BTreeMap<StockKey, Decimal> {
        self.stock.all().iter().map(|(place, pieces)| (place.clone(), pieces.available())).collect()
    }

    /// Whether the interchange may be read: a control number that was there before is refused.
    pub(super) fn admit(&mut self, read: &Interchange) -> bool {
        if !self.seen.insert(read.control.clone()) {
            self.violations.repeated += 1;
            return false;
        }
        // Acknowledgements are written beside orders and beside one another, and may overtake both.
        let answers = read.groups.iter().all(|group| group.kind == "FA");
        let number: u64 = read.control.parse().unwrap_or(0);
        if answers {
            return true;
        }
        if number <= self.last {
            self.violations.not_rising += 1;
        }
        self.last = number.max(self.last);
        true
    }

    /// Applies a group, and gives the 997 that answers it; nothing answers an acknowledgement.
    pub(super) fn apply(&mut self, group: &Group, now: Now) -> Option<Draft> {
        if group.kind == "FA" {
            group.sets.iter().for_each(|set| self.acknowledged_by(set));
            return None;
        }
        let mut answer = Draft::new("997");
        answer.add(format!("AK1*{}*{}", group.kind, group.control));
        let mut accepted = 0;
        for set in &group.sets {
            let read = match (group.kind.as_str(), set.kind.as_str()) {
                ("PO", "850") => self.place(set, now),
                ("PC", "860") => self.change(set, now),
                (group, set) => Err(format!("a {set} in a group {group}")),
            };
            answer.add(format!("AK2*{}*{}", set.kind, set.control));
            match read {
                Ok(()) => {
                    accepted += 1;
                    answer.add("AK5*A");
                }
                Err(reason) => {
                    self.violations.unreadable.push(format!("{} {}: {reason}", set.kind, set.control));
                    answer.add("AK5*R*5");
                }
            }
        }
        let all = group.sets.len();
        let verdict = if accepted == all {
            "A"
        } else if accepted == 0 {
            "R"
        } else {
            "P"
        };
        answer.add(format!("AK9*{verdict}*{all}*{all}*{accepted}"));
        Some(answer)
    }

    /// Applies an acknowledgement of our messages.
    fn acknowledged_by(&mut self, set: &Set) {
        for segment in set.body.iter().filter(|segment| segment.id == "AK5") {
            match segment.get(1) {
                "A" | "E" => self.acknowledged += 1,
                other => self.violations.rejected.push(format!("997 {}: AK5*{other}", set.control)),
            }
        }
    }

    fn place(&mut self, set: &Set, now: Now) -> Result<(), String> {
        let beg = set.find("BEG").ok_or("there is no BEG")?;
        let po = beg.get(3).to_owned();
        if po.is_empty() {
            return Err("BEG03 is empty".to_owned());
        }
        let lines = lines(set, "PO1")?.into_iter().map(|(segment, charges)| {
            let pieces = decimal(segment.get(2))?;
            let price = decimal(segment.get(4))?;
            Ok(Line {
                number: segment.get(1).to_owned(),
                article: article(segment),
                pieces,
                price,
                charges,
                shelved: false,
                rejected: None,
            })
        });
        let lines = lines.collect::<Result<Vec<_>, String>>()?;
        if lines.is_empty() {
            return Err("there is no PO1".to_owned());
        }
        let warehouse = self.stock.warehouse(warehouse(&set.body).as_deref());
        let terms = terms(set);
        let charges = Charges::of(terms.iter())?;
        self.orders.push(PurchaseOrder {
            names: names(&po, set),
            po,
            lines,
            ship_to: ship_to(&set.body),
            warehouse,
            cancelled: beg.get(1) == "01",
            created: now.instant,
            unchanged: 0,
            answered: Answered { acknowledged: 1, ..Answered::default() },
            terms,
            charges,
            tracking: None,
            date: beg.get(5).to_owned(),
            revisions: vec![],
            departure: None,
            changed: now.instant,
            unanswered: vec![None],
            reserved: BTreeMap::new(),
        });
        self.update(self.orders.len() - 1, now);
        Ok(())
    }

    fn change(&mut self, set: &Set, now: Now) -> Result<(), String> {
        let bch = set.find("BCH").ok_or("there is no BCH")?;
        let po = bch.get(3);
        let Some(index) = self.orders.iter().position(|stored| stored.po == po) else {
            self.violations.strangers.push(po.to_owned());
            return Err(format!("there is no order {po}"));
        };
        let Some(stored) = self.orders.get_mut(index) else { return Ok(()) };
        let before = (stored.lines.clone(), stored.terms.clone(), stored.cancelled);
        let terms = terms(set);
        let beside = Charges::of(terms.iter())?;
        match bch.get(1) {
            "01" => stored.cancelled = true,
            purpose => {
                let changes = lines(set, "POC")?;
                if purpose == "05" {
                    stored.lines.clear();
                }
                for (poc, charges) in changes {
                    let number = poc.get(1).to_owned();
                    let known = stored.lines.iter().position(|line| line.number == number);
                    if poc.get(2) == "DI" {
                        stored.lines.retain(|line| line.number != number);
                        continue;
                    }
                    let old = known.and_then(|at| stored.lines.get(at)).cloned();
                    let new = Line {
                        number,
                        article: article(poc).or(old.as_ref().and_then(|old| old.article.clone())),
                        pieces: decimal(poc.get(3))?,
                        price: if poc.get(6).is_empty() {
                            old.as_ref().map(|old| old.price).ok_or("a new line without a price")?
                        } else {
                            decimal(poc.get(6))?
                        },
                        charges,
                        shelved: false,
                        rejected: None,
                    };
                    match known.and_then(|at| stored.lines.get_mut(at)) {
                        Some(line) => *line = new,
                        None => stored.lines.push(new),
                    }
                }
                if let Some(place) = ship_to(&set.body) {
                    stored.ship_to = Some(place);
                }
            }
        }
        stored.names.extend(names(po, set));
        if !stored.cancelled {
            stored.terms = terms;
            stored.charges = beside;
        }
        stored.changed = now.instant;
        stored.unanswered.push(Some(bch.get(5).to_owned()));
        self.update(index, now);
        if let Some(stored) = self.orders.get_mut(index) {
            let same = before == (stored.lines.clone(), stored.terms.clone(), stored.cancelled);
            stored.unchanged += usize::from(same);
        }
        Ok(())
    }

    /// Accepts or rejects the lines, updates the reservations, and records the revision.
    fn update(&mut self, index: usize, now: Now) {
        let Some(stored) = self.orders.get_mut(index) else { return };
        let known = |article: &str| self.shelves.articles.iter().any(|one| one.number == article);
        for line in &mut stored.lines {
            // What begins like this is planted: an article that the partner does not have.
            let unknown = line
                .article
                .as_deref()
                .is_some_and(|article| !known(article) && article.starts_with("UNKNOWN"));
            line.shelved = line.article.as_deref().is_some_and(known);
            line.rejected = unknown.then_some("ITEM NOT ON FILE");
        }
        let mut wanted: BTreeMap<StockKey, Decimal> = BTreeMap::new();
        if !stored.cancelled {
            for line in stored.goods() {
                if let Some(article) = &line.article {
                    *wanted.entry((article.clone(), stored.warehouse.clone())).or_default() += line.pieces;
                }
            }
        }
        let places: BTreeSet<StockKey> = wanted.keys().chain(stored.reserved.keys()).cloned().collect();
        for place in places {
            let of = |map: &BTreeMap<StockKey, Decimal>| map.get(&place).copied().unwrap_or_default();
            let by = of(&wanted) - of(&stored.reserved);
            if !by.is_zero() && self.stock.reserve(&place, by) {
                self.moved.insert(place);
            }
        }
        stored.reserved = wanted;
        stored.record(now.instant);
    }

    /// Documents that are due by now, by the group that they belong in.
    pub(super) fn due(&mut self, now: Now) -> Vec<(&'static str, Draft)> {
        let mut due = vec![];
        let Self { orders, documents, pace, stock, moved, .. } = self;
        for stored in orders.iter_mut() {
            let unchanged_for = now.instant.saturating_duration_since(stored.changed);
            if unchanged_for >= pace.answer {
                for message in std::mem::take(&mut stored.unanswered) {
                    stored.answered.confirmed += 1;
                    due.push(match message {
                        None => ("PR", confirmation(stored, now)),
                        Some(change) => ("CA", agreement(stored, &change, now)),
                    });
                }
            }
            let ships = stored.parcel().next().is_some();
            let wait = if ships { pace.ship } else { pace.answer * 2 };
            if stored.cancelled
                || !stored.unanswered.is_empty()
                || stored.answered.invoiced > 0
                || unchanged_for < wait
            {
                continue;
            }
            if ships {
                *documents += 1;
                stored.answered.shipped += 1;
                stored.tracking = Some(format!("1Z888LG{:08}", *documents));
                due.push(("SH", notice(stored, *documents, now)));
            }
            if stored.goods().next().is_some() {
                let lines = stored.goods().cloned().collect();
                stored.departure = Some(Departure { at: now.instant, shipped: ships, lines });
                *documents += 1;
                stored.answered.invoiced += 1;
                for (place, pieces) in &stored.reserved {
                    if stock.ship(place, *pieces) {
                        moved.insert(place.clone());
                    }
                }
                due.push(("IN", invoice(stored, *documents, now)));
            }
        }
        due.extend(self.advices(now));
        due
    }

    fn advices(&mut self, now: Now) -> Vec<(&'static str, Draft)> {
        let early =
            self.advised.is_some_and(|last| now.instant.saturating_duration_since(last) < self.pace.advise);
        if early || self.moved.is_empty() {
            return vec![];
        }
        self.advised = Some(now.instant);
        let mut by_warehouse: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (article, warehouse) in std::mem::take(&mut self.moved) {
            by_warehouse.entry(warehouse).or_default().push(article);
        }
        let mut drafts = vec![];
        for (warehouse, articles) in by_warehouse {
            self.documents += 1;
            let mut draft = Draft::new("846");
            let stamp = now.stamp();
            draft.add(format!(
                "BIA*00*SI*IA{:06}*{}*{}",
                self.documents,
                now.day(),
                stamp.get(8..).unwrap_or_default()
            ));
            draft.add(format!("N1*WH*WAREHOUSE {warehouse}*92*{warehouse}"));
            for (at, article) in articles.into_iter().enumerate() {
                let pieces = self.stock.at(&(article.clone(), warehouse.clone())).unwrap_or_default();
                draft.add(format!("LIN*{}*VP*{article}", at + 1));
                draft.add(format!("QTY*33*{}*EA", pieces.available().normalize()));
                draft.add(format!("QTY*17*{}*EA", pieces.on_hand.normalize()));
            }
            draft.add("CTT*1");
            drafts.push(("IB", draft));
        }
        drafts
    }

    /// Orders for which a document is still to be sent.
    pub(super) fn open(&self) -> usize {
        let open = |stored: &&PurchaseOrder| {
            !stored.unanswered.is_empty()
                || (!stored.cancelled && stored.answered.invoiced == 0 && stored.goods().next().is_some())
        };
        self.orders.iter().filter(open).count() + usize::from(!self.moved.is_empty())
    }
}
