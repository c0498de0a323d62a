//! Which system owns which attribute, and whether an event that reports attribute values is news, an echo, or a
//! conflict.
//!
//! A value that Crossdock wrote to a system comes back from it as a change. An event that reports nothing else is an
//! echo: delivering it would start a loop. A value reported by a system that does not own the attribute is a conflict,
//! recorded for a person: an event that reports nothing else is not delivered, one that also reports what its system
//! owns is delivered whole.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crossdock_model::event::Fact;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::attributes::{Attribute, Fingerprint, Fingerprints};
use crate::name::UnknownName;

/// The class of the system that a connector speaks to.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownName, parse_err_fn = unknown)]
pub enum Class {
    /// A system that sells: a shop, a till, a marketplace.
    Channel,
    /// A system that keeps the books.
    Erp,
    /// A system that stores the goods.
    Warehouse,
}
fn unknown(text: &str) -> UnknownName {
    UnknownName::new("class of systems", text)
}

impl Class {
    /// Every value.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The name it is stored and shown by.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Who owns an attribute. As text: `channel`, `erp`, `warehouse`, `system:NAME`, `connector:NAME`, `anyone`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// Every system of a class.
    Class(Class),
    /// Every connector that speaks to a system (`tryton`).
    System(String),
    /// One connector.
    Connector(String),
    /// Every system that reports it.
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

/// A text that does not name an owner.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an owner; write channel, erp, warehouse, system:NAME, connector:NAME or anyone")]
pub struct OwnerError(String);

impl FromStr for Owner {
    type Err = OwnerError;

    fn from_str(text: &str) -> Result<Self, OwnerError> {
        let named = |prefix| text.strip_prefix(prefix).filter(|name: &&str| !name.is_empty());
        if let Some(name) = named("system:") {
            return Ok(Self::System(name.to_owned()));
        }
        if let Some(name) = named("connector:") {
            return Ok(Self::Connector(name.to_owned()));
        }
        match text {
            "anyone" => Ok(Self::Anyone),
            _ => text.parse().map(Self::Class).map_err(|_| OwnerError(text.to_owned())),
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

/// The source of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reporter<'a> {
    /// The connector it came from.
    pub connector: &'a str,
    /// The system that connector speaks to.
    pub system: &'a str,
    /// The class of that system. Absent where the operator did not configure one: then it counts as any class.
    pub class: Option<Class>,
}

/// The owners of each attribute. In the configuration an owner or a list of owners for each attribute; an attribute
/// that is left out keeps its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Ownership(BTreeMap<Attribute, Vec<Owner>>);

impl Default for Ownership {
    /// Channels own the content of their orders; ERPs own articles, prices and their documents; ERPs and warehouses own
    /// stock levels and shipments.
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
                // A shop that hands over goods itself reports that with the order, and no other system does.
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
    /// Whether the reporter owns an attribute.
    #[must_use]
    pub fn owns(&self, attribute: Attribute, reporter: Reporter<'_>) -> bool {
        let Some(owners) = self.0.get(&attribute) else { return true };
        owners.iter().any(|owner| match owner {
            Owner::Class(class) => reporter.class.is_none_or(|own| own == *class),
            Owner::System(system) => system == reporter.system,
            Owner::Connector(connector) => connector == reporter.connector,
            Owner::Anyone => true,
        })
    }

    /// The owners of an attribute.
    #[must_use]
    pub fn owners(&self, attribute: Attribute) -> &[Owner] {
        self.0.get(&attribute).map_or(&[], Vec::as_slice)
    }

    /// The attributes that a fact can report and that the reporter does not own.
    #[must_use]
    pub fn foreign(&self, fact: &Fact, reporter: Reporter<'_>) -> Vec<Attribute> {
        Attribute::of(fact).iter().copied().filter(|attribute| !self.owns(*attribute, reporter)).collect()
    }
}

/// How an event counts, by the attribute values that it reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It reports a new value of an attribute that its source owns, or content that is not an attribute.
    News {
        /// Attributes of which it reports a new value too, and that its source does not own.
        disputed: Vec<Attribute>,
    },
    /// Every new value that it reports is one of those that were last written to its source.
    Echo,
    /// It reports the values that its source reported before, and nothing else.
    Repeated,
    /// Its source owns none of the attributes of which it reports a new value.
    Conflict {
        /// These attributes.
        attributes: Vec<Attribute>,
    },
}

/// Decides whether an event is news, an echo, a repetition or a conflict. `reported` are the values it reports,
/// `written` those last written to its source for the entity, `previous` those its source reported last for it (absent
/// when it never did), `foreign` the attributes its source does not own. `complete` says that `reported` is the
/// event's complete content: then reporting it again is not news.
#[must_use]
pub fn classify(
    reported: &Fingerprints,
    written: &Fingerprints,
    previous: Option<&Fingerprints>,
    foreign: &[Attribute],
    complete: bool,
) -> Verdict {
    let new = newly_reported(reported, written, previous);
    if reported.is_empty() {
        return Verdict::News { disputed: Vec::new() };
    }
    if new.is_empty() {
        return if changed(reported, previous).next().is_some() {
            Verdict::Echo
        } else if complete {
            Verdict::Repeated
        } else if reported.iter().all(|(attribute, fingerprint)| written.has(attribute, fingerprint)) {
            Verdict::Echo
        } else {
            Verdict::News { disputed: Vec::new() }
        };
    }
    let (attributes, own): (Vec<_>, Vec<_>) =
        new.into_iter().partition(|attribute| foreign.contains(attribute));
    if own.is_empty() { Verdict::Conflict { attributes } } else { Verdict::News { disputed: attributes } }
}

/// The attributes of which an event reports a new value that was not written to its source. When the event is news,
/// the values written for them must be forgotten: setting an attribute back to such a value is another change.
#[must_use]
pub fn newly_reported(
    reported: &Fingerprints,
    written: &Fingerprints,
    previous: Option<&Fingerprints>,
) -> Vec<Attribute> {
    changed(reported, previous)
        .filter(|(attribute, fingerprint)| !written.has(*attribute, *fingerprint))
        .map(|(attribute, _)| attribute)
        .collect()
}

/// The values that differ from the previous report, or are reported for the first time.
fn changed<'f>(
    reported: &'f Fingerprints,
    previous: Option<&'f Fingerprints>,
) -> impl Iterator<Item = (Attribute, Fingerprint)> + 'f {
    reported.iter().filter(move |(attribute, fingerprint)| {
        previous.and_then(|previous| previous.get(*attribute)).is_none_or(|known| known != *fingerprint)
    })
}

#[cfg(test)]
mod tests;
