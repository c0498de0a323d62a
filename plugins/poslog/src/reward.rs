//! Loyalty rewards.

use crossdock_sdk::prelude::*;

use crate::xml::{self, Node};

/// A reward with a monetary value.
pub(crate) struct Reward<'a> {
    pub title: Option<&'a str>,
    /// The `OperatorSequence` of the line that it was granted on.
    pub operator_sequence: Option<&'a str>,
    /// The discount; negative when a reward is taken back.
    pub amount: Decimal,
    /// True when it is a detail, which names its line.
    pub is_detail: bool,
    /// True when it is a summary of details.
    pub is_summary: bool,
}

impl<'a> Reward<'a> {
    /// Reads a `LoyaltyReward`. Absent when it has no monetary value.
    pub(crate) fn read(node: Node<'a>) -> Result<Option<Self>, Problem> {
        let mut amount = None;
        for name in ["ExtendedRewardAmount", "MonetaryAmount", "Amount"] {
            amount = amount.or(xml::number(node, name)?);
        }
        let Some(amount) = amount.filter(|amount| !amount.is_zero()) else { return Ok(None) };
        let discount = match xml::text(node, "RewardCategory") {
            None => amount.abs(),
            Some("Monetary") => -amount,
            // Other categories count offers or points, which are not money, unless the amount is negative.
            Some(_) if amount.is_sign_negative() => -amount,
            Some(_) => return Ok(None),
        };
        let (detail, summary) = (xml::flag(node, "detailedData"), xml::flag(node, "summarizedActivity"));
        Ok(Some(Self {
            title: xml::text(node, "PromotionID").or_else(|| xml::text(node, "LoyaltyProgramID")),
            operator_sequence: xml::text(node, "OperatorSequenceReference").filter(|text| *text != "0"),
            amount: discount,
            is_detail: detail || !summary,
            is_summary: summary || !detail,
        }))
    }
}
