//! The content of a retail transaction as the till wrote it, without lines that were voided during the sale.

use crossdock_sdk::prelude::*;

use crate::discount::{self, Discount};
use crate::header::Header;
use crate::line_item::LineItem;
use crate::link::{self, SaleLink};
use crate::reward::Reward;
use crate::tax::Tax;
use crate::tender::{self, Tender};
use crate::xml::{self, Node};

/// The lines, taxes, discounts and tenders of a retail transaction.
pub(crate) struct Basket<'a> {
    pub retail: Node<'a>,
    pub currency: String,
    pub items: Vec<LineItem<'a>>,
    /// The taxes of the whole transaction.
    pub taxes: Vec<Tax>,
    pub rewards: Vec<Reward<'a>>,
    /// The discounts of the whole transaction.
    pub discounts: Vec<Discount>,
    pub tenders: Vec<Tender<'a>>,
    /// The cash rounding; negative when the amount was rounded down.
    pub rounding: Decimal,
    /// The printed grand total. Absent when it is not printed.
    pub printed_total: Option<Decimal>,
}

impl<'a> Basket<'a> {
    /// Reads a retail transaction.
    ///
    /// # Errors
    /// `line-twice`, `void-unmatched`, or the problem of an invalid line.
    pub(crate) fn read(header: &Header<'a>, retail: Node<'a>) -> Result<Self, Problem> {
        Self::read_lines(header, retail, false)
    }

    /// Reads a void that repeats a sale: all lines count, whatever their signs and void flags.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(crate) fn read_ignoring_signs(header: &Header<'a>, retail: Node<'a>) -> Result<Self, Problem> {
        Self::read_lines(header, retail, true)
    }

    fn read_lines(header: &Header<'a>, retail: Node<'a>, ignore_signs: bool) -> Result<Self, Problem> {
        let currency = header.currency(retail)?;
        let places = money::exponent(&currency);
        let mut basket = Self {
            retail,
            items: Vec::new(),
            taxes: Vec::new(),
            rewards: Vec::new(),
            discounts: Vec::new(),
            tenders: Vec::new(),
            rounding: Decimal::ZERO,
            printed_total: printed_total(retail)?,
            currency,
        };
        for (at, line) in xml::children(retail, "LineItem").enumerate() {
            if xml::flag(line, "CancelFlag") {
                continue;
            }
            let id = xml::text(line, "SequenceNumber").map_or_else(|| (at + 1).to_string(), str::to_owned);
            let voided = !ignore_signs && xml::flag(line, "VoidFlag");
            for node in line.children().filter(roxmltree::Node::is_element) {
                match node.tag_name().name() {
                    "Sale" | "Return" | "FuelSale" => {
                        let item = LineItem::read(header, node, id.clone(), places, ignore_signs)?;
                        if voided { basket.void_item(item)? } else { basket.items.push(item) }
                    }
                    "Tip" if !voided => {
                        basket.items.push(LineItem::read_tip(header, node, id.clone(), places)?);
                    }
                    "Tender" | "TenderChange" => {
                        let tender = Tender::read(node, &id)?;
                        if voided { basket.void_tender(tender) } else { basket.tenders.extend(tender) }
                    }
                    "Tax" if !voided => basket.taxes.extend(Tax::read(node)?),
                    "LoyaltyReward" if !voided => basket.rewards.extend(Reward::read(node)?),
                    "Discount" if !voided => basket.discounts.extend(discount::of_transaction(node)?),
                    "Rounding" if !voided => basket.rounding += tender::rounding(node)?,
                    _ => {}
                }
            }
        }
        basket.rounding += basket.tenders.iter().map(|tender| tender.rounding).sum::<Decimal>();
        if ignore_signs {
            basket.remove_signs();
        }
        basket.link_returns(header)?;
        basket.exclude_mixed_taxes();
        let mut ids: Vec<&str> = basket.items.iter().map(|item| item.id.as_str()).collect();
        ids.sort_unstable();
        if ids.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(
                Problem::new("line-twice", "two lines of goods have the same number").at("RetailTransaction")
            );
        }
        Ok(basket)
    }

    /// Makes amounts positive, and drops tenders and rounding: their signs in a repeated sale have no meaning.
    fn remove_signs(&mut self) {
        self.tenders.clear();
        self.rounding = Decimal::ZERO;
        self.printed_total = self.printed_total.map(|total| total.abs());
        self.taxes.iter_mut().for_each(|tax| tax.amount = tax.amount.abs());
        self.rewards.iter_mut().for_each(|reward| reward.amount = reward.amount.abs());
    }

    /// The lines sold.
    pub(crate) fn sold(&self) -> impl Iterator<Item = &LineItem<'a>> + Clone {
        self.items.iter().filter(|item| !item.is_return)
    }

    /// The lines returned.
    pub(crate) fn returned(&self) -> impl Iterator<Item = &LineItem<'a>> + Clone {
        self.items.iter().filter(|item| item.is_return)
    }

    /// Applies a line with a void flag. Most tills flag the line itself, which is then ignored. Some leave the line
    /// unchanged and add a second one that reverses it, flagged and with reversed signs.
    fn void_item(&mut self, voided: LineItem<'a>) -> Result<(), Problem> {
        // A line with reversed signs is read as a return.
        let is_reversal =
            voided.is_return != xml::is(voided.node, "Return") || voided.extended.is_sign_negative();
        if !is_reversal {
            return Ok(());
        }
        let amount = voided.extended.abs();
        let is_return = xml::is(voided.node, "Return");
        let same_article = |item: &&mut LineItem<'a>| item.is_return == is_return && item.sku == voided.sku;
        let same_line = |item: &LineItem<'a>| {
            item.is_return == is_return
                && item.sku == voided.sku
                && item.quantity == voided.quantity
                && item.extended == amount
        };
        if let Some(at) = self.items.iter().rposition(same_line) {
            self.items.remove(at);
            return Ok(());
        }
        let larger = self
            .items
            .iter_mut()
            .rev()
            .filter(same_article)
            .find(|item| item.quantity > voided.quantity && item.extended > amount);
        let Some(item) = larger else {
            // A coupon is always negative: it is flagged itself and ignored.
            if voided.kind == LineKind::Custom {
                return Ok(());
            }
            let message = "a voided line does not match any line of the transaction";
            return Err(Problem::new("void-unmatched", message).at(xml::path(voided.node)));
        };
        item.quantity -= voided.quantity;
        item.extended -= amount;
        Ok(())
    }

    /// Applies a tender with a void flag: removes the tender that it reverses, or is ignored itself.
    fn void_tender(&mut self, voided: Option<Tender<'a>>) {
        let Some(voided) = voided.filter(|tender| tender.amount.is_sign_negative()) else { return };
        let is_reversed = |tender: &Tender<'a>| tender.name == voided.name && tender.amount == -voided.amount;
        if let Some(at) = self.tenders.iter().rposition(is_reversed) {
            self.tenders.remove(at);
        }
    }

    /// Applies a return link of the whole transaction to each returned line without a link of its own.
    fn link_returns(&mut self, header: &Header<'a>) -> Result<(), Problem> {
        let is_return_link = |link: &Node<'a>| {
            xml::attribute(*link, "ReasonCode").is_some_and(|reason| reason.starts_with("Return"))
        };
        let Some(link) = xml::children(self.retail, "TransactionLink").find(is_return_link) else {
            return Ok(());
        };
        let Some(link) = SaleLink::read(header, link)? else { return Ok(()) };
        for item in self.items.iter_mut().filter(|item| item.is_return && item.link.is_none()) {
            item.link = Some(SaleLink { line: None, ..link.clone() });
        }
        Ok(())
    }

    /// Where only some prices include their tax, removes the tax from those prices.
    fn exclude_mixed_taxes(&mut self) {
        let flags: Vec<_> = self.all_taxes().filter_map(|tax| tax.included).collect();
        if !(flags.contains(&true) && flags.contains(&false)) {
            return;
        }
        for item in &mut self.items {
            for tax in item.taxes.iter_mut().filter(|tax| tax.included == Some(true)) {
                item.extended -= tax.amount;
                tax.included = Some(false);
            }
        }
    }

    /// The taxes of the lines and of the whole transaction.
    pub(crate) fn all_taxes(&self) -> impl Iterator<Item = &Tax> {
        self.items.iter().flat_map(|item| &item.taxes).chain(&self.taxes)
    }
}

/// Whether a retail transaction contains returned goods, judged without signs: those of a void may be reversed.
pub(crate) fn has_return_lines(retail: Node<'_>) -> bool {
    let has_return_link = |node: Node<'_>| {
        xml::children(node, "TransactionLink").any(|link| link::reason(link).starts_with("return"))
    };
    let lines = xml::children(retail, "LineItem").filter(|line| !xml::flag(*line, "CancelFlag"));
    let mut items = lines.flat_map(|line| line.children()).filter(roxmltree::Node::is_element);
    has_return_link(retail)
        || items.any(|item| xml::is(item, "Return") || xml::is(item, "Sale") && has_return_link(item))
}

/// The total that the receipt prints.
fn printed_total(retail: Node<'_>) -> Result<Option<Decimal>, Problem> {
    for total_type in ["TransactionGrandAmount", "TransactionTotalAmount"] {
        let total = xml::children(retail, "Total")
            .find(|total| xml::attribute(*total, "TotalType") == Some(total_type));
        if let Some(total) = total {
            return xml::number_in(total);
        }
    }
    Ok(None)
}
