//! The payments and repayments of a transaction, and the amount that returned goods pay of goods sold with them.

use std::collections::VecDeque;

use crossdock_sdk::prelude::*;

use crate::amount::price;
use crate::basket::Basket;
use crate::header::Header;
use crate::interpretation::Interpretation;
use crate::xml;

/// The payments of a transaction.
pub(crate) struct Payments {
    /// The payments for the goods sold, including change.
    pub sale: Vec<Payment>,
    /// The amount paid: payments less change.
    pub paid: Decimal,
    /// The repayments, in the order of the receipt.
    pub repayments: VecDeque<Payment>,
}

impl Payments {
    /// Classifies the tenders as payments, change and repayments. Where goods are exchanged, the returned goods pay for
    /// the goods sold: as a payment and a repayment by the gateway `exchange`.
    ///
    /// # Errors
    /// `foreign-tender` when a tender is in another currency.
    pub(crate) fn of(
        header: &Header<'_>,
        basket: &Basket<'_>,
        interpretation: &Interpretation,
    ) -> Result<Self, Problem> {
        let at = header.time()?;
        let is_repaying = interpretation.sale_total < interpretation.return_total;
        let mut payments = Self { sale: Vec::new(), paid: Decimal::ZERO, repayments: VecDeque::new() };
        let payment = |id: String, kind, tender, gateway: &str, amount: Decimal| Payment {
            id: format!("{}/{id}", header.key),
            kind,
            outcome: PaymentResult::Success,
            tender,
            gateway: gateway.to_owned(),
            amount: price(amount, &basket.currency),
            at: at.clone(),
            authorization: None,
            parent: None,
            test: false,
        };
        let mut cashback = Decimal::ZERO;
        for tender in &basket.tenders {
            if let Some(currency) =
                xml::child(tender.node, "Amount").and_then(|amount| xml::attribute(amount, "Currency"))
                && currency != basket.currency
            {
                let message = "the tender is in another currency than the sale";
                return Err(Problem::new("foreign-tender", message).at(xml::path(tender.node)));
            }
            let amount = tender.amount.abs();
            let is_negative = tender.amount.is_sign_negative();
            if tender.is_refund || is_negative && !tender.is_change && is_repaying {
                payments.repayments.push_back(payment(
                    tender.id.clone(),
                    PaymentKind::Refund,
                    tender.kind,
                    tender.name,
                    amount,
                ));
                continue;
            }
            let change = if is_negative { amount } else { tender.change };
            if !is_negative {
                let code = xml::child(tender.node, "Authorization").and_then(|authorization| {
                    xml::text(authorization, "ReferenceNumber")
                        .or_else(|| xml::text(authorization, "AuthorizationCode"))
                });
                let received =
                    payment(tender.id.clone(), PaymentKind::Sale, tender.kind, tender.name, amount);
                payments.sale.push(Payment { authorization: code.map(str::to_owned), ..received });
                payments.paid += amount;
                cashback += tender.cashback;
            }
            if !change.is_zero() {
                let id = format!("{}/change", tender.id);
                payments.sale.push(payment(id, PaymentKind::Change, TenderKind::Cash, "Cash", change));
                payments.paid -= change;
            }
        }
        let exchanged = interpretation.sale_total.min(interpretation.return_total);
        if exchanged > Decimal::ZERO {
            let exchange = |kind| payment("exchange".into(), kind, TenderKind::Other, "exchange", exchanged);
            payments.sale.push(exchange(PaymentKind::Sale));
            payments.repayments.push_back(exchange(PaymentKind::Refund));
            payments.paid += exchanged;
        }
        // Cashback is change, unless a line of the receipt already shows it as change.
        if !cashback.is_zero()
            && payments.paid - cashback == interpretation.sale_total + interpretation.rounding
        {
            payments.sale.push(payment(
                "cashback".into(),
                PaymentKind::Change,
                TenderKind::Cash,
                "Cash",
                cashback,
            ));
            payments.paid -= cashback;
        }
        Ok(payments)
    }

    /// The sum of the repayments.
    pub(crate) fn repaid(&self) -> Decimal {
        self.repayments.iter().filter_map(|payment| money::decimal(&payment.amount.shop.amount).ok()).sum()
    }

    /// Takes repayments of the given amount; all remaining ones where no amount is given. A repayment that exceeds the
    /// amount is split.
    pub(crate) fn take_repayments(
        &mut self,
        amount: Option<Decimal>,
        currency: &str,
    ) -> Result<Vec<Payment>, Problem> {
        let Some(mut due) = amount else { return Ok(self.repayments.drain(..).collect()) };
        let mut taken = Vec::new();
        while due > Decimal::ZERO
            && let Some(mut payment) = self.repayments.pop_front()
        {
            let amount = money::decimal(&payment.amount.shop.amount)?;
            if amount > due {
                let rest = Payment {
                    id: format!("{}/rest", payment.id),
                    amount: price(amount - due, currency),
                    ..payment.clone()
                };
                payment.amount = price(due, currency);
                self.repayments.push_front(rest);
            }
            due -= amount.min(due);
            taken.push(payment);
        }
        Ok(taken)
    }
}
