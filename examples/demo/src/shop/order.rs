//! One order of the shop, and its arithmetic: lines, taxes and totals.
//!
//! Everything is in the shop's currency with two decimals. [`Order::price`] is the one place that adds up; the
//! payload and the expected document are both written from it.

use jiff::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};

use super::catalogue::Region;
use super::market::Market;

/// The shop's currency.
pub(super) const CURRENCY: &str = "USD";

pub(super) struct Line {
    pub(super) id: u64,
    /// `None` is a custom line: no article, no SKU, no variant.
    pub(super) sku: Option<String>,
    pub(super) title: String,
    pub(super) variant: Option<&'static str>,
    pub(super) price: Decimal,
    pub(super) quantity: u32,
    pub(super) grams: u32,
    pub(super) gift_card: bool,
    pub(super) engraving: Option<&'static str>,
}

/// A discount on the whole order; gift cards are left out.
#[derive(Clone)]
pub(super) enum Discount {
    /// A code for so many percent off.
    Percent { code: &'static str, percent: u32 },
    /// So much off, spread over the lines.
    Fixed { title: &'static str, amount: Decimal },
}

#[derive(Clone)]
pub(super) struct Person {
    pub(super) id: u64,
    pub(super) first_name: &'static str,
    pub(super) last_name: &'static str,
    pub(super) email: String,
}

#[derive(Clone)]
pub(super) struct Address {
    pub(super) street: String,
    pub(super) flat: Option<String>,
    pub(super) zip: String,
    pub(super) region: &'static Region,
}

pub(super) struct Shipping {
    pub(super) id: u64,
    pub(super) title: &'static str,
    pub(super) price: Decimal,
    pub(super) reduced_by: Decimal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    Web,
    Till,
    Draft,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payment {
    Pending,
    Authorized,
    Paid,
    PartiallyRefunded,
    Refunded,
    Voided,
}

pub(super) struct RefundedLine {
    pub(super) id: u64,
    /// Index into the order's lines.
    pub(super) line: usize,
    pub(super) quantity: u32,
    pub(super) restock_type: &'static str,
    pub(super) subtotal: Decimal,
    pub(super) tax: Decimal,
}

pub(super) struct Refund {
    pub(super) id: u64,
    pub(super) at: Timestamp,
    pub(super) note: Option<&'static str>,
    pub(super) lines: Vec<RefundedLine>,
    /// Money that was paid back, in one or two payments.
    pub(super) paid_back: Vec<Decimal>,
    /// A payment that failed and does not count.
    pub(super) failed: Option<Decimal>,
    /// The value of the lines less the money paid back.
    pub(super) discrepancy: Decimal,
}

pub(super) struct Order {
    pub(super) serial: u32,
    pub(super) id: u64,
    pub(super) number: u32,
    pub(super) channel: Channel,
    pub(super) region: &'static Region,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) customer: Option<Person>,
    pub(super) ship_to: Option<Address>,
    /// Whether the payload repeats the address: for billing, and as the customer's own.
    pub(super) repeats_address: bool,
    pub(super) lines: Vec<Line>,
    pub(super) discounts: Vec<Discount>,
    pub(super) shipping: Option<Shipping>,
    pub(super) tip: Decimal,
    pub(super) payment: Payment,
    pub(super) cancelled: Option<Timestamp>,
    pub(super) note: Option<&'static str>,
    pub(super) attributes: Vec<(&'static str, String)>,
    pub(super) refunds: Vec<Refund>,
    /// Added to the total and to nothing else: an order that does not balance.
    pub(super) off_by: Decimal,
}

#[derive(Clone)]
pub(super) struct PricedLine {
    pub(super) gross: Decimal,
    /// Index of the discount, and its amount for this line.
    pub(super) allocations: Vec<(usize, Decimal)>,
    pub(super) net: Decimal,
    pub(super) taxes: Vec<Decimal>,
}

#[derive(Clone)]
pub(super) struct Priced {
    pub(super) lines: Vec<PricedLine>,
    pub(super) gross: Decimal,
    pub(super) line_discounts: Decimal,
    pub(super) subtotal: Decimal,
    pub(super) shipping: Decimal,
    pub(super) shipping_discount: Decimal,
    pub(super) shipping_taxes: Vec<Decimal>,
    pub(super) tax: Decimal,
    pub(super) total: Decimal,
}

impl PricedLine {
    pub(super) fn tax(&self) -> Decimal {
        self.taxes.iter().sum()
    }

    pub(super) fn discount(&self) -> Decimal {
        self.allocations.iter().map(|(_, amount)| amount).sum()
    }
}

/// To the cent, half away from zero.
pub(super) fn cents(amount: Decimal) -> Decimal {
    let mut amount = amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    amount.rescale(2);
    amount
}

impl Order {
    pub(super) fn market(&self) -> Market {
        let articles_only = self.channel != Channel::Draft;
        if self.region.country.1 == "US" && articles_only { Market::Home } else { Market::Abroad }
    }

    pub(super) fn price(&self) -> Priced {
        let gross = |line: &Line| line.price * Decimal::from(line.quantity);
        let mut lines: Vec<PricedLine> = self
            .lines
            .iter()
            .map(|line| PricedLine {
                gross: gross(line),
                allocations: vec![],
                net: gross(line),
                taxes: vec![],
            })
            .collect();
        for (index, discount) in self.discounts.iter().enumerate() {
            self.allocate(index, discount, &mut lines);
        }
        for (line, priced) in self.lines.iter().zip(&mut lines) {
            if !line.gift_card {
                priced.taxes = self.taxes_on(priced.net);
            }
        }
        let shipping_discount = self.shipping.as_ref().map_or(Decimal::ZERO, |shipping| shipping.reduced_by);
        let shipping =
            self.shipping.as_ref().map_or(Decimal::ZERO, |shipping| shipping.price) - shipping_discount;
        let shipping_taxes = if self.shipping.is_some() { self.taxes_on(shipping) } else { vec![] };
        let gross: Decimal = lines.iter().map(|line| line.gross).sum();
        let line_discounts: Decimal = lines.iter().map(PricedLine::discount).sum();
        let tax = lines.iter().map(PricedLine::tax).sum::<Decimal>() + shipping_taxes.iter().sum::<Decimal>();
        let subtotal = gross - line_discounts;
        let on_top = if self.region.taxes_included { Decimal::ZERO } else { tax };
        let total = subtotal + shipping + on_top + self.tip + self.off_by;
        Priced {
            lines,
            gross,
            line_discounts,
            subtotal,
            shipping,
            shipping_discount,
            shipping_taxes,
            tax,
            total,
        }
    }

    fn allocate(&self, index: usize, discount: &Discount, lines: &mut [PricedLine]) {
        let eligible: Vec<bool> = self.lines.iter().map(|line| !line.gift_card).collect();
        let of = |lines: &[PricedLine]| -> Decimal {
            lines.iter().zip(&eligible).filter(|(_, ok)| **ok).map(|(line, _)| line.net).sum()
        };
        let base = of(lines);
        // The rest of a fixed discount; the last line takes the remainder of rounding.
        let mut left = match discount {
            Discount::Fixed { amount, .. } => (*amount).min(base),
            Discount::Percent { .. } => Decimal::ZERO,
        };
        let whole = left;
        let last = eligible.iter().rposition(|ok| *ok);
        for (position, line) in lines.iter_mut().enumerate() {
            if eligible.get(position) != Some(&true) || base.is_zero() {
                continue;
            }
            let amount = match discount {
                Discount::Percent { percent, .. } => cents(line.net * Decimal::new(i64::from(*percent), 2)),
                Discount::Fixed { .. } if Some(position) == last => left.min(line.net),
                Discount::Fixed { .. } => cents(whole * line.net / base).min(left),
            };
            if amount > Decimal::ZERO {
                left -= amount;
                line.net -= amount;
                line.allocations.push((index, amount));
            }
        }
    }

    /// The tax of each of the region's kinds on an amount that includes its tax or not.
    fn taxes_on(&self, amount: Decimal) -> Vec<Decimal> {
        let rate = |basis_points: i64| Decimal::new(basis_points, 4);
        let all: Decimal = self.region.taxes.iter().map(|(_, points)| rate(*points)).sum();
        let base = if self.region.taxes_included { amount / (Decimal::ONE + all) } else { amount };
        self.region.taxes.iter().map(|(_, points)| cents(base * rate(*points))).collect()
    }

    pub(super) fn refunded(&self) -> Decimal {
        self.refunds.iter().map(Refund::amount).sum()
    }
}

impl Refund {
    /// Money that was paid back.
    pub(super) fn amount(&self) -> Decimal {
        self.paid_back.iter().sum()
    }
}
