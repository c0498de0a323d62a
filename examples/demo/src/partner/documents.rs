//! The documents about an order that the partner writes, each as segments between `ST` and `SE`.

use super::now::Now;
use super::purchase_order::{Line, PurchaseOrder};
use super::x12::{Draft, clean};
use rust_decimal::Decimal;

/// 855.
pub(super) fn confirmation(stored: &PurchaseOrder, now: Now) -> Draft {
    let mut draft = Draft::new("855");
    let verdict = verdict(stored);
    draft.add(format!("BAK*00*{verdict}*{}*{}****LG-{}*{}", stored.po, stored.date, stored.po, now.day()));
    for line in &stored.lines {
        draft.add(po1(line));
        acknowledge_line(&mut draft, line, now);
    }
    draft.add(format!("CTT*{}", stored.lines.len()));
    draft
}

/// 865: the order as it stands after a change.
pub(super) fn agreement(stored: &PurchaseOrder, change: &str, now: Now) -> Draft {
    let mut draft = Draft::new("865");
    let verdict = if stored.cancelled { "AT" } else { verdict(stored) };
    draft.add(format!("BCA*00*{verdict}*{0}**{change}*{1}***LG-{0}*{2}", stored.po, stored.date, now.day()));
    for line in stored.lines.iter().filter(|_| !stored.cancelled) {
        let article =
            line.article.as_deref().map(|article| format!("**VP*{}", clean(article))).unwrap_or_default();
        let pieces = line.pieces.normalize();
        draft.add(format!("POC*{}*NC*{pieces}*{pieces}*EA*{}{article}", line.number, line.price));
        acknowledge_line(&mut draft, line, now);
    }
    draft.add(format!("CTT*{}", stored.lines.len()));
    draft
}

fn verdict(stored: &PurchaseOrder) -> &'static str {
    match stored.lines.iter().filter(|line| line.rejected.is_some()).count() {
        0 => "AD",
        all if all == stored.lines.len() => "RD",
        _ => "AC",
    }
}

/// Whether a line is accepted, and why not.
fn acknowledge_line(draft: &mut Draft, line: &Line, now: Now) {
    match line.rejected {
        Some(why) => {
            draft.add("ACK*IR*0*EA");
            draft.add(format!("PID*F****{why}"));
        }
        None => draft.add(format!("ACK*IA*{}*EA*067*{}", line.pieces.normalize(), now.day())),
    }
}

fn po1(line: &Line) -> String {
    let article =
        line.article.as_deref().map(|article| format!("**VP*{}", clean(article))).unwrap_or_default();
    format!("PO1*{}*{}*EA*{}{article}", line.number, line.pieces.normalize(), line.price)
}

/// 856: shipment, order, one pack, its items.
pub(super) fn notice(stored: &PurchaseOrder, number: usize, now: Now) -> Draft {
    let mut draft = Draft::new("856");
    let stamp = now.stamp();
    let time = stamp.get(8..).unwrap_or_default();
    draft.add(format!("BSN*00*SH{number:06}*{}*{time}*0001", now.day()));
    draft.add("HL*1**S");
    draft.add(format!("TD1*CTN25*{}", stored.parcel().count()));
    draft.add("TD5**2*UPSN*M*UPS GROUND");
    draft.add(format!("REF*CN*{}", stored.tracking.as_deref().unwrap_or_default()));
    draft.add(format!("DTM*011*{}*{time}", now.day()));
    draft.add(format!("N1*SF*WAREHOUSE {0}*92*{0}", stored.warehouse));
    draft.add("HL*2*1*O");
    draft.add(format!("PRF*{}***{}", stored.po, stored.date));
    for (at, line) in stored.parcel().enumerate() {
        draft.add(format!("HL*{}*2*I", at + 3));
        let article =
            line.article.as_deref().map(|article| format!("*VP*{}", clean(article))).unwrap_or_default();
        draft.add(format!("LIN*{}{article}", line.number));
        draft.add(format!("SN1*{}*{}*EA", line.number, line.pieces.normalize()));
    }
    draft.add(format!("CTT*{}", stored.parcel().count() + 2));
    draft
}

/// 810.
pub(super) fn invoice(stored: &PurchaseOrder, number: usize, now: Now) -> Draft {
    let mut draft = Draft::new("810");
    draft.add(format!("BIG*{}*INV{number:06}*{}*{}", now.day(), stored.date, stored.po));
    draft.add("CUR*SE*USD");
    let mut total = Decimal::ZERO;
    for line in stored.goods() {
        let article =
            line.article.as_deref().map(|article| format!("**VP*{}", clean(article))).unwrap_or_default();
        draft.add(format!("IT1*{}*{}*EA*{}{article}", line.number, line.pieces.normalize(), line.price));
        total += line.price * line.pieces;
    }
    let cents = (total * Decimal::ONE_HUNDRED).round();
    draft.add(format!("TDS*{}", cents.normalize()));
    draft.add(format!("CTT*{}", stored.goods().count()));
    draft
}
