//! Checks an order: its shape, and its total to the cent.

use super::exact::Exact;
use super::finding::code;
use super::inspector::{Currencies, Inspector, Path};
use crate::common::{DiscountAllocation, TaxLine};
use crate::order::{Line, LineKind, Order, Payment, ShippingLine};

pub(super) fn check(inspector: &mut Inspector, order: &Order, path: &Path<'_>) {
    inspector.currency(&order.currency, &path.field("currency"));
    if let Some(currency) = &order.presentment_currency {
        inspector.currency(currency, &path.field("presentmentCurrency"));
    }
    inspector.instant(&order.placed_at, &path.field("placedAt"));
    inspector.instants([(&order.processed_at, "processedAt"), (&order.cancelled_at, "cancelledAt")], path);
    inspector.date(order.business_date.as_deref(), &path.field("businessDate"));
    for (entity, name) in [(&order.customer, "customer"), (&order.exchange_of, "exchangeOf")] {
        if let Some(entity) = entity {
            inspector.entity(entity, &path.field(name));
        }
    }
    inspector.object(order.extensions.as_deref(), path);
    if order.lines.is_empty() {
        inspector.report(code::NO_LINES, &path.field("lines"), || "the order has no lines".into());
    }
    inspector.distinct(order.lines.iter().map(|line| line.id.as_str()), &path.field("lines"));
    let currencies = Currencies { shop: &order.currency, presentment: order.presentment_currency.as_deref() };
    for (at, one) in order.payments.iter().enumerate() {
        payment(inspector, one, currencies, &path.item("payments", at));
    }

    let mut sums = Sums::default();
    for (at, one) in order.lines.iter().enumerate() {
        sums.line(inspector, one, currencies, &path.item("lines", at));
    }
    for (at, one) in order.shipping.iter().enumerate() {
        sums.shipping(inspector, one, currencies, &path.item("shipping", at));
    }
    totals(inspector, order, &sums, currencies, &path.field("totals"));
}

pub(super) fn payment(inspector: &mut Inspector, one: &Payment, currencies: Currencies<'_>, path: &Path<'_>) {
    inspector.id(&one.id, &path.field("id"));
    inspector.instant(&one.at, &path.field("at"));
    inspector.not_negative(&one.amount, currencies, &path.field("amount"));
}

/// Checks the stated sums against their parts.
fn totals(
    inspector: &mut Inspector,
    order: &Order,
    sums: &Sums,
    currencies: Currencies<'_>,
    path: &Path<'_>,
) {
    let stated = &order.totals;
    for (price, name) in
        [(&stated.lines, "lines"), (&stated.discounts, "discounts"), (&stated.shipping, "shipping")]
    {
        inspector.price(price, currencies, &path.field(name));
    }
    let mut optional = |price: &Option<_>, name| match price {
        Some(price) => inspector.price(price, currencies, &path.field(name)),
        None => Some(Exact::ZERO),
    };
    optional(&stated.outstanding, "outstanding");
    let (tips, duties, rounding) = (
        optional(&stated.tips, "tips"),
        optional(&stated.duties, "duties"),
        optional(&stated.cash_rounding, "cashRounding"),
    );
    let tax = inspector.price(&stated.tax, currencies, &path.field("tax"));
    let total = inspector.price(&stated.total, currencies, &path.field("total"));
    // Anything missing has been reported already.
    let (Some(tax), Some(total), Some(tips), Some(duties), Some(rounding)) =
        (tax, total, tips, duties, rounding)
    else {
        return;
    };
    if !total.fits(decimals(&order.currency)) {
        inspector.report(code::TOO_PRECISE, &path.field("total"), || {
            format!("the total {total} has more decimals than {}", order.currency)
        });
    }
    if sums.broken {
        return;
    }
    let duties = stated.duties.as_ref().map(|_| duties);
    let Some(sums) = sums.booked(order, tax, tips, duties) else {
        inspector.report(code::TOO_LARGE, path, || "the amounts are too large to be added up".into());
        return;
    };
    // Sources differ in whether the total includes the cash rounding.
    let balances = [Exact::ZERO, rounding]
        .into_iter()
        .any(|rounding| sums.parts.plus(rounding).is_some_and(|sum| sum == total));
    if !balances {
        inspector.report(code::TOTAL_DOES_NOT_BALANCE, &path.field("total"), || {
            let (parts, currency) = (sums.parts, &order.currency);
            format!(
                "lines, discounts, shipping, tax, duties and tips make {parts} {currency}, but the order says {total}"
            )
        });
    }
    if let (Some(stated), false) = (duties, sums.duties.is_zero())
        && stated != sums.duties
    {
        inspector.report(code::DUTIES_DO_NOT_BALANCE, &path.field("duties"), || {
            let (duties, currency) = (sums.duties, &order.currency);
            format!("the duties of the lines make {duties} {currency}, but the order says {stated}")
        });
    }
    // A source that taxes the order as a whole has no taxes on its lines: then there is nothing to compare.
    // Taxes that a marketplace is liable for may be in the sum or not.
    if sums.taxed && sums.taxes != tax && sums.own_taxes != tax {
        inspector.report(code::TAX_DOES_NOT_BALANCE, &path.field("tax"), || {
            let (taxes, currency) = (sums.taxes, &order.currency);
            format!("the taxes of the lines make {taxes} {currency}, but the order says {tax}")
        });
    }
}

/// What the lines of an order add up to.
struct Sums {
    /// Σ price × quantity − discounts of the lines, and price − discounts of the shipping lines.
    net: Option<Exact>,
    /// The part of it that are tips.
    tips: Option<Exact>,
    /// All duties of the lines.
    duties: Option<Exact>,
    /// All taxes of lines and shipping lines.
    taxes: Option<Exact>,
    /// Those that the merchant is liable for.
    own_taxes: Option<Exact>,
    /// True when any line or shipping line has a tax.
    taxed: bool,
    /// True when an amount could not be parsed, so that sums cannot be compared.
    broken: bool,
}

impl Default for Sums {
    fn default() -> Self {
        let zero = Some(Exact::ZERO);
        Self {
            net: zero,
            tips: zero,
            duties: zero,
            taxes: zero,
            own_taxes: zero,
            taxed: false,
            broken: false,
        }
    }
}

/// Sums that could be calculated.
struct Booked {
    /// What the total should be, before rounding.
    parts: Exact,
    /// All duties of the lines.
    duties: Exact,
    taxes: Exact,
    own_taxes: Exact,
    taxed: bool,
}

impl Sums {
    fn line(&mut self, inspector: &mut Inspector, line: &Line, currencies: Currencies<'_>, path: &Path<'_>) {
        inspector.id(&line.id, &path.field("id"));
        let quantity = inspector.decimal(&line.quantity, &path.field("quantity"));
        let current = inspector.optional(line.current_quantity.as_deref(), &path.field("currentQuantity"));
        if let Some(quantity) = quantity {
            // A line that an edit removed may be reported with the quantity zero.
            let removed = quantity.is_zero() && current.is_some_and(Exact::is_zero);
            if quantity.is_negative() || quantity.is_zero() && !removed {
                inspector.report(code::NOT_POSITIVE, &path.field("quantity"), || {
                    format!("the quantity is {}, and must be above zero", line.quantity)
                });
            }
        }
        inspector.optional(line.grams.as_deref(), &path.field("grams"));
        for (at, duty) in line.duties.iter().enumerate() {
            match inspector.not_negative(duty, currencies, &path.item("duties", at)) {
                Some(duty) => self.duties = sum(self.duties, Some(duty)),
                None => self.broken = true,
            }
        }
        if let Some(regular) = &line.regular_price {
            inspector.price(regular, currencies, &path.field("regularPrice"));
        }
        let price = inspector.price(&line.unit_price, currencies, &path.field("unitPrice"));
        let discounts = self.discounts(inspector, &line.discounts, currencies, path);
        self.taxes(inspector, &line.taxes, currencies, path);
        let (Some(quantity), Some(price)) = (quantity, price) else {
            self.broken = true;
            return;
        };
        let net = price.times(quantity).and_then(|gross| gross.minus(discounts?));
        self.net = sum(self.net, net);
        if line.kind == LineKind::Tip {
            self.tips = sum(self.tips, net);
        }
    }

    fn shipping(
        &mut self,
        inspector: &mut Inspector,
        line: &ShippingLine,
        currencies: Currencies<'_>,
        path: &Path<'_>,
    ) {
        inspector.id(&line.id, &path.field("id"));
        let price = inspector.price(&line.price, currencies, &path.field("price"));
        let discounts = self.discounts(inspector, &line.discounts, currencies, path);
        self.taxes(inspector, &line.taxes, currencies, path);
        match price {
            Some(price) => self.net = sum(self.net, discounts.and_then(|discounts| price.minus(discounts))),
            None => self.broken = true,
        }
    }

    fn discounts(
        &mut self,
        inspector: &mut Inspector,
        discounts: &[DiscountAllocation],
        currencies: Currencies<'_>,
        path: &Path<'_>,
    ) -> Option<Exact> {
        let mut all = Some(Exact::ZERO);
        for (at, one) in discounts.iter().enumerate() {
            match inspector.not_negative(&one.amount, currencies, &path.item("discounts", at).field("amount"))
            {
                Some(amount) => all = sum(all, Some(amount)),
                None => self.broken = true,
            }
        }
        all
    }

    fn taxes(
        &mut self,
        inspector: &mut Inspector,
        taxes: &[TaxLine],
        currencies: Currencies<'_>,
        path: &Path<'_>,
    ) {
        for (at, tax) in taxes.iter().enumerate() {
            let path = path.item("taxes", at);
            inspector.optional(tax.rate.as_deref(), &path.field("rate"));
            let Some(amount) = inspector.price(&tax.amount, currencies, &path.field("amount")) else {
                self.broken = true;
                continue;
            };
            self.taxed = true;
            self.taxes = sum(self.taxes, Some(amount));
            if !tax.channel_liable {
                self.own_taxes = sum(self.own_taxes, Some(amount));
            }
        }
    }

    /// Absent when an amount is too large. `duties` are those that the order states.
    fn booked(&self, order: &Order, tax: Exact, tips: Exact, duties: Option<Exact>) -> Option<Booked> {
        let on_top = if order.prices_include_tax { Exact::ZERO } else { tax };
        // A tip that is a line is included in the lines.
        let tips = if order.totals.tips.is_some() { tips.minus(self.tips?)? } else { Exact::ZERO };
        let added = if order.duties_included { Exact::ZERO } else { duties.or(self.duties)? };
        let parts = self.net?.plus(on_top)?.plus(added)?.plus(tips)?;
        let (taxes, own_taxes) = (self.taxes?, self.own_taxes?);
        Some(Booked { parts, duties: self.duties?, taxes, own_taxes, taxed: self.taxed })
    }
}

pub(super) fn sum(one: Option<Exact>, other: Option<Exact>) -> Option<Exact> {
    one.and_then(|one| one.plus(other?))
}

/// How many decimals a currency has, by ISO 4217.
fn decimals(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}
