//! Counts echoes: writes that the host made because of webhooks about its own writes.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::evidence::Evidence;
use crate::shop::life::Life;

/// Writes that the host made because of its own writes, by the system that they were made to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::landscape) struct Echoes {
    pub(in crate::landscape) cloud: u64,
    pub(in crate::landscape) partner: u64,
    pub(in crate::landscape) shop: u64,
}

impl Echoes {
    pub(in crate::landscape) fn sum(self) -> u64 {
        self.cloud + self.partner + self.shop
    }
}

impl Evidence<'_> {
    /// In the cloud ERP an echo is a write with a version of the order that no customer's change made, or that the ERP
    /// had already. For the partner and in the shop it is a write that changes nothing.
    pub(super) fn echoes(&self) -> Echoes {
        let lives: BTreeMap<&str, &Life> =
            self.shop.orders.iter().map(|sent| (sent.life.reference.as_str(), &*sent.life)).collect();
        let mut cloud = 0;
        for stored in &self.cloud.orders {
            let reference = stored.document.as_ref().map(|document| document.reference.as_str());
            let Some(life) = reference.and_then(|reference| lives.get(reference)) else { continue };
            cloud += echoes(&stored.versions, life.versions());
        }
        let partner = self.partner.iter().map(|stored| stored.unchanged as u64).sum();
        Echoes { cloud, partner, shop: self.admin.writes.unchanged }
    }
}

/// How many of these writes of an order carry no new change of its customer. A write that waits to be sent may take a
/// version of another system along with the customer's change, and a write without an answer is repeated.
fn echoes(written: &[String], made: &[Timestamp]) -> u64 {
    let (mut echoes, mut before) = (0, Timestamp::MIN);
    for text in written {
        let Ok(at) = text.parse::<Timestamp>() else {
            echoes += 1;
            continue;
        };
        let news = made.iter().any(|made| before < *made && *made <= at);
        echoes += u64::from(!news && at != before && !made.contains(&at));
        before = before.max(at);
    }
    echoes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_an_echo_when_it_carries_no_change_by_the_customer() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let (made, write) = ([at(10), at(20)], |second: i64| at(second).to_string());
        assert_eq!(echoes(&[write(10), write(20)], &made), 0);
        assert_eq!(echoes(&[write(15), write(25)], &made), 0, "each takes along what the customer did");
        assert_eq!(echoes(&[write(15), write(15)], &made), 0, "what was not answered is written again");
        assert_eq!(echoes(&[write(10), write(15), write(20), write(25), write(26)], &made), 3);
        assert_eq!(echoes(&["never".to_owned()], &made), 1);
    }
}
