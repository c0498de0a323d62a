//! The functional groups that transaction sets belong to.

/// The functional group of a transaction set. Absent for unknown sets.
#[must_use]
pub(super) fn functional_group(set: &str) -> Option<&'static str> {
    Some(match set {
        "810" => "IN",
        "820" => "RA",
        "824" => "AG",
        "832" => "SC",
        "846" => "IB",
        "850" => "PO",
        "855" => "PR",
        "856" => "SH",
        "860" => "PC",
        "865" => "CA",
        "997" | "999" => "FA",
        _ => return None,
    })
}
