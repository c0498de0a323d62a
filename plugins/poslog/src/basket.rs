//! A retail transaction as the till wrote it, without what was voided while it was rung up.

use crossdock_sdk::prelude::*;

use crate::goods::{Goods, Link};
use crate::tax::Tax;
use crate::tender::Tender;
use crate::transaction::Head;
use crate::xml::{self, Node};

/// What was rung up.
pub(crate) struct Basket<'a> {
    pub retail: Node<'a>,
    pub currency: String,
    pub goods: Vec<Goods<'a>>,
    /// The taxes of the transaction as a whole.
    pub taxes: Vec<Tax>,
    pub rewards: Vec<Reward<'a>>,
    /// What was taken off the transaction as a whole, with what granted it. Each is positive.
    pub off: Vec<(Option<String>, Decimal)>,
    pub tenders: Vec<Tender<'a>>,
    /// What was added to make the sum payable in cash; negative when it was taken off.
    pub rounding: Decimal,
    /// The grand total of the receipt. Absent when it is not printed.
    pub printed: Option<Decimal>,
}

/// A reward that is worth money.
pub(crate) struct Reward<'a> {
    pub title: Option<&'a str>,
    /// The line it was granted on, as rewards call it.
    pub operator: Option<&'a str>,
    /// How much it takes off; negative when it is taken back.
    pub off: Decimal,
    /// True when it says where the money was taken off.
    pub detail: bool,
    /// True when it sums up what others say in detail.
    pub summary: bool,
}

impl<'a> Basket<'a> {
    pub(crate) fn read(head: &Head<'a>, retail: Node<'a>) -> Result<Self, Problem> {
        Self::read_as(head, retail, false)
    }

    /// Reads what repeats a sale in order to void it: every line counts, whatever its signs and flags.
    pub(crate) fn read_mirrored(head: &Head<'a>, retail: Node<'a>) -> Result<Self, Problem> {
        Self::read_as(head, retail, true)
    }

    fn read_as(head: &Head<'a>, retail: Node<'a>, mirrored: bool) -> Result<Self, Problem> {
        let currency = head.currency(retail)?;
        let places = money::exponent(&currency);
        let mut basket = Self {
            retail,
            goods: Vec::new(),
            taxes: Vec::new(),
            rewards: Vec::new(),
            off: Vec::new(),
            tenders: Vec::new(),
            rounding: Decimal::ZERO,
            printed: printed(retail)?,
            currency,
        };
        for (at, line) in xml::children(retail, "LineItem").enumerate() {
            if xml::flag(line, "CancelFlag") {
                continue;
            }
            let id = xml::text(line, "SequenceNumber").map_or_else(|| (at + 1).to_string(), str::to_owned);
            let voided = !mirrored && xml::flag(line, "VoidFlag");
            for part in line.children().filter(roxmltree::Node::is_element) {
                match part.tag_name().name() {
                    "Sale" | "Return" | "FuelSale" => {
                        let goods = Goods::read(head, part, id.clone(), places, mirrored)?;
                        if voided { basket.take_back(goods)? } else { basket.goods.push(goods) }
                    }
                    "Tip" if !voided => basket.goods.push(tip(head, part, id.clone(), places)?),
                    "Tender" | "TenderChange" => {
                        let tender = Tender::read(head, part, &id)?;
                        if voided { basket.untender(tender) } else { basket.tenders.extend(tender) }
                    }
                    "Tax" if !voided => basket.taxes.extend(Tax::read(part)?),
                    "LoyaltyReward" if !voided => basket.rewards.extend(reward(part)?),
                    "Discount" if !voided => {
                        let amount = xml::number(part, "Amount")?.unwrap_or_default().abs();
                        let title = xml::text(part, "PromotionID").or_else(|| xml::text(part, "ReasonCode"));
                        basket.off.extend((!amount.is_zero()).then(|| (title.map(str::to_owned), amount)));
                    }
                    "Rounding" if !voided => basket.rounding += rounding(part)?,
                    _ => {}
                }
            }
        }
        basket.rounding += basket.tenders.iter().map(|tender| tender.rounding).sum::<Decimal>();
        if mirrored {
            basket.straighten();
        }
        basket.link_returns(head)?;
        basket.level_taxes();
        let mut ids: Vec<&str> = basket.goods.iter().map(|goods| goods.id.as_str()).collect();
        ids.sort_unstable();
        if ids.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(
                Problem::new("line-twice", "two lines of goods have the same number").at("RetailTransaction")
            );
        }
        Ok(basket)
    }

    /// Signs say nothing where a sale is repeated in order to void it.
    fn straighten(&mut self) {
        self.tenders.clear();
        self.rounding = Decimal::ZERO;
        self.printed = self.printed.map(|printed| printed.abs());
        self.taxes.iter_mut().for_each(|tax| tax.amount = tax.amount.abs());
        self.rewards.iter_mut().for_each(|reward| reward.off = reward.off.abs());
    }

    /// What was sold.
    pub(crate) fn sold(&self) -> impl Iterator<Item = &Goods<'a>> + Clone {
        self.goods.iter().filter(|goods| !goods.returned)
    }

    /// What was brought back.
    pub(crate) fn returned(&self) -> impl Iterator<Item = &Goods<'a>> + Clone {
        self.goods.iter().filter(|goods| goods.returned)
    }

    /// A line with a void flag. Most tills flag the line itself, which then never was. Some leave the line as
    /// it is and write a second one against it, flagged and with the signs turned round.
    fn take_back(&mut self, voided: Goods<'a>) -> Result<(), Problem> {
        // Read by itself, a line with turned signs is a return.
        let turned = voided.returned != xml::is(voided.node, "Return") || voided.extended.is_sign_negative();
        if !turned {
            return Ok(());
        }
        let amount = voided.extended.abs();
        let back = xml::is(voided.node, "Return");
        let same = |goods: &&mut Goods<'a>| goods.returned == back && goods.sku == voided.sku;
        let whole = |goods: &Goods<'a>| {
            goods.returned == back
                && goods.sku == voided.sku
                && goods.quantity == voided.quantity
                && goods.extended == amount
        };
        if let Some(at) = self.goods.iter().rposition(whole) {
            self.goods.remove(at);
            return Ok(());
        }
        let part = self
            .goods
            .iter_mut()
            .rev()
            .filter(same)
            .find(|goods| goods.quantity > voided.quantity && goods.extended > amount);
        let Some(goods) = part else {
            // A coupon is negative by nature: flagged, it never was.
            if voided.kind == LineKind::Custom {
                return Ok(());
            }
            let message = "a line is voided that is not there, or not as it is voided";
            return Err(Problem::new("void-unmatched", message).at(xml::place(voided.node)));
        };
        goods.quantity -= voided.quantity;
        goods.extended -= amount;
        Ok(())
    }

    fn untender(&mut self, voided: Option<Tender<'a>>) {
        let Some(voided) = voided.filter(|tender| tender.amount.is_sign_negative()) else { return };
        let same = |tender: &Tender<'a>| tender.name == voided.name && tender.amount == -voided.amount;
        if let Some(at) = self.tenders.iter().rposition(same) {
            self.tenders.remove(at);
        }
    }

    /// Where the transaction as a whole names the sale that its returns are of, each return is of that sale.
    fn link_returns(&mut self, head: &Head<'a>) -> Result<(), Problem> {
        let named = |link: &Node<'a>| {
            xml::attribute(*link, "ReasonCode").is_some_and(|reason| reason.starts_with("Return"))
        };
        let Some(link) = xml::children(self.retail, "TransactionLink").find(named) else { return Ok(()) };
        let Some(link) = Link::read(head, link)? else { return Ok(()) };
        for goods in self.goods.iter_mut().filter(|goods| goods.returned && goods.link.is_none()) {
            goods.link = Some(Link { line: None, ..link.clone() });
        }
        Ok(())
    }

    /// Where some prices contain their tax and others do not, all are made to leave it out.
    fn level_taxes(&mut self) {
        let flags: Vec<_> = self.all_taxes().filter_map(|tax| tax.included).collect();
        if !(flags.contains(&true) && flags.contains(&false)) {
            return;
        }
        for goods in &mut self.goods {
            for tax in goods.taxes.iter_mut().filter(|tax| tax.included == Some(true)) {
                goods.extended -= tax.amount;
                tax.included = Some(false);
            }
        }
    }

    /// The taxes of the lines and of the whole.
    pub(crate) fn all_taxes(&self) -> impl Iterator<Item = &Tax> {
        self.goods.iter().flat_map(|goods| &goods.taxes).chain(&self.taxes)
    }
}

fn tip<'a>(head: &Head<'a>, part: Node<'a>, id: String, places: u32) -> Result<Goods<'a>, Problem> {
    let amount = xml::number(part, "Amount")?.or(xml::number_in(part)?).unwrap_or_default();
    if xml::child(part, "ExtendedAmount").is_some() {
        return Goods::read(head, part, id, places, false);
    }
    Ok(Goods {
        node: part,
        id,
        operator: None,
        returned: false,
        kind: LineKind::Tip,
        sku: None,
        gtin: None,
        title: "Tip".into(),
        quantity: Decimal::ONE,
        unit: None,
        regular: None,
        extended: amount,
        off: Vec::new(),
        taxes: Vec::new(),
        restocked: false,
        link: None,
    })
}

/// What is paid, as the receipt says it.
fn printed(retail: Node<'_>) -> Result<Option<Decimal>, Problem> {
    for wanted in ["TransactionGrandAmount", "TransactionTotalAmount"] {
        let total =
            xml::children(retail, "Total").find(|total| xml::attribute(*total, "TotalType") == Some(wanted));
        if let Some(total) = total {
            return xml::number_in(total);
        }
    }
    Ok(None)
}

fn reward<'a>(part: Node<'a>) -> Result<Option<Reward<'a>>, Problem> {
    let mut amount = None;
    for name in ["ExtendedRewardAmount", "MonetaryAmount", "Amount"] {
        amount = amount.or(xml::number(part, name)?);
    }
    let Some(amount) = amount.filter(|amount| !amount.is_zero()) else { return Ok(None) };
    let off = match xml::text(part, "RewardCategory") {
        None => amount.abs(),
        Some("Monetary") => -amount,
        // What another category counts (offers, points) is no money, unless it takes some off.
        Some(_) if amount.is_sign_negative() => -amount,
        Some(_) => return Ok(None),
    };
    let (detail, summary) = (xml::flag(part, "detailedData"), xml::flag(part, "summarizedActivity"));
    Ok(Some(Reward {
        title: xml::text(part, "PromotionID").or_else(|| xml::text(part, "LoyaltyProgramID")),
        operator: xml::text(part, "OperatorSequenceReference").filter(|text| *text != "0"),
        off,
        detail: detail || !summary,
        summary: summary || !detail,
    }))
}

/// What rounding added; negative when it took off.
pub(crate) fn rounding(node: Node<'_>) -> Result<Decimal, Problem> {
    let amount = xml::number_in(node)?.or(xml::number(node, "Amount")?).unwrap_or_default();
    Ok(match xml::attribute(node, "RoundingDirection") {
        Some("Down") => -amount.abs(),
        Some("Up") => amount.abs(),
        _ => amount,
    })
}
