//! Who owns which attribute, and what an event is when it tells one: news, an echo, or a conflict.
//!
//! What Crossdock wrote to a system comes back from it as a change. An event that tells nothing but that
//! is an echo: delivering it would send it round again. An attribute that somebody tells who does not own
//! it is a conflict: it is recorded for a person, and not applied.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crossdock_model::event::Fact;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::lane::names;
use crate::told::{Attribute, Mark, Marks};

/// What sort of system a connector speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// It sells: a shop, a till, a marketplace.
    Channel,
    /// It keeps the books.
    Erp,
    /// It keeps the goods.
    Warehouse,
}
names!(Class, "class of systems", Channel = "channel", Erp = "erp", Warehouse = "warehouse");

/// Who owns an attribute. As text: `channel`, `erp`, `warehouse`, `system:NAME`, `connector:NAME`, `anyone`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// Every system of a class.
    Class(Class),
    /// Every connector that speaks to a system (`tryton`).
    System(String),
    /// One connector.
    Connector(String),
    /// Whoever tells it.
    Anyone,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(class) => class.fmt(f),
            Self::System(name) => write!(f, "system:{name}"),
            Self::Connector(name) => write!(f, "connector:{name}"),
            Self::Anyone => f.write_str("anyone"),
        }
    }
}

/// A text that names no owner.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no owner; write channel, erp, warehouse, system:NAME, connector:NAME or anyone")]
pub struct NoOwner(String);

impl FromStr for Owner {
    type Err = NoOwner;

    fn from_str(text: &str) -> Result<Self, NoOwner> {
        let named = |prefix| text.strip_prefix(prefix).filter(|name: &&str| !name.is_empty());
        if let Some(name) = named("system:") {
            return Ok(Self::System(name.to_owned()));
        }
        if let Some(name) = named("connector:") {
            return Ok(Self::Connector(name.to_owned()));
        }
        match text {
            "anyone" => Ok(Self::Anyone),
            _ => text.parse().map(Self::Class).map_err(|_| NoOwner(text.to_owned())),
        }
    }
}

impl Serialize for Owner {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Owner {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

/// Who tells an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speaker<'a> {
    /// The connector it came from.
    pub connector: &'a str,
    /// The system that connector speaks to.
    pub system: &'a str,
    /// What sort of system that is. Absent where the operator did not say: then no class is held against it.
    pub class: Option<Class>,
}

/// The table of who owns what. As it is written in the configuration, an owner or a list of them for each
/// attribute; what is not written keeps its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Ownership(BTreeMap<Attribute, Vec<Owner>>);

impl Default for Ownership {
    /// A channel owns what was sold, at what price and how it was paid; the ERP owns articles, prices and
    /// its documents; on hand is what ERP or warehouse say; what leaves is told by whoever sends it.
    fn default() -> Self {
        use Class::{Channel, Erp, Warehouse};
        let of = |classes: &[Class]| classes.iter().map(|class| Owner::Class(*class)).collect::<Vec<_>>();
        let table = Attribute::ALL.iter().map(|attribute| {
            let owners = match attribute {
                Attribute::OrderContent
                | Attribute::OrderCancelled
                | Attribute::OrderTags
                | Attribute::OrderNote
                | Attribute::OrderPersonal => of(&[Channel]),
                Attribute::StockAvailable | Attribute::ShipmentState | Attribute::ShipmentTracking => {
                    of(&[Erp, Warehouse])
                }
                Attribute::ProductContent | Attribute::PriceAmount | Attribute::DocumentState => of(&[Erp]),
                // A shop that hands goods over itself tells so with the order; nobody else would.
                Attribute::OrderFulfilment => vec![Owner::Anyone],
            };
            (*attribute, owners)
        });
        Self(table.collect())
    }
}

impl<'de> Deserialize<'de> for Ownership {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Owners {
            One(Owner),
            Many(Vec<Owner>),
        }
        let mut table = Self::default();
        for (attribute, owners) in BTreeMap::<Attribute, Owners>::deserialize(from)? {
            let owners = match owners {
                Owners::One(owner) => vec![owner],
                Owners::Many(owners) if owners.is_empty() => {
                    return Err(de::Error::custom(format!("{attribute} has no owner; write anyone")));
                }
                Owners::Many(owners) => owners,
            };
            table.0.insert(attribute, owners);
        }
        Ok(table)
    }
}

impl Ownership {
    /// Whether an attribute is the speaker's own.
    #[must_use]
    pub fn owns(&self, attribute: Attribute, speaker: Speaker<'_>) -> bool {
        let Some(owners) = self.0.get(&attribute) else { return true };
        owners.iter().any(|owner| match owner {
            Owner::Class(class) => speaker.class.is_none_or(|own| own == *class),
            Owner::System(system) => system == speaker.system,
            Owner::Connector(connector) => connector == speaker.connector,
            Owner::Anyone => true,
        })
    }

    /// Who owns an attribute.
    #[must_use]
    pub fn owners(&self, attribute: Attribute) -> &[Owner] {
        self.0.get(&attribute).map_or(&[], Vec::as_slice)
    }

    /// The attributes that a fact can tell and that are not the speaker's own.
    #[must_use]
    pub fn foreign(&self, fact: &Fact, speaker: Speaker<'_>) -> Vec<Attribute> {
        Attribute::of(fact).iter().copied().filter(|attribute| !self.owns(*attribute, speaker)).collect()
    }
}

/// What an event is, by what it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It tells something new that is its source's own to tell, or something that is no attribute.
    News {
        /// Attributes that it tells too, and that are not its source's own.
        disputed: Vec<Attribute>,
    },
    /// All that it tells anew is what was last written to its source.
    Echo,
    /// It tells what its source told before, and nothing else.
    Repeated,
    /// All that it tells anew is not its source's own.
    Conflict {
        /// What.
        attributes: Vec<Attribute>,
    },
}

/// Decides what an event is. `told` is what it tells, `written` what was last written to its source about
/// the entity, `before` what its source told last about it (absent when it never did), `foreign` what is not
/// its source's own. `whole` says that `told` is all there is to tell: then telling it again is no news.
#[must_use]
pub fn judge(
    told: &Marks,
    written: &Marks,
    before: Option<&Marks>,
    foreign: &[Attribute],
    whole: bool,
) -> Verdict {
    let fresh = fresh(told, written, before);
    if told.is_empty() {
        return Verdict::News { disputed: Vec::new() };
    }
    if fresh.is_empty() {
        return if changed(told, before).next().is_some() {
            Verdict::Echo
        } else if whole {
            Verdict::Repeated
        } else if told.iter().all(|(attribute, mark)| written.has(attribute, mark)) {
            Verdict::Echo
        } else {
            Verdict::News { disputed: Vec::new() }
        };
    }
    let (attributes, own): (Vec<_>, Vec<_>) =
        fresh.into_iter().partition(|attribute| foreign.contains(attribute));
    if own.is_empty() { Verdict::Conflict { attributes } } else { Verdict::News { disputed: attributes } }
}

/// The attributes that an event tells anew, and that were not written so to its source. When the event is
/// news, what was written of them is to be forgotten: whoever sets them back to it changes them again.
#[must_use]
pub fn fresh(told: &Marks, written: &Marks, before: Option<&Marks>) -> Vec<Attribute> {
    changed(told, before)
        .filter(|(attribute, mark)| !written.has(*attribute, *mark))
        .map(|(attribute, _)| attribute)
        .collect()
}

/// What is told otherwise than before, or for the first time.
fn changed<'m>(told: &'m Marks, before: Option<&'m Marks>) -> impl Iterator<Item = (Attribute, Mark)> + 'm {
    told.iter().filter(move |(attribute, mark)| {
        before.and_then(|before| before.get(*attribute)).is_none_or(|known| known != *mark)
    })
}

#[cfg(test)]
mod tests;
