//! The retailer of the landscape: two ERPs, eight stores, and their warehouses.

/// The ERP that has an order in its books: its system of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwningErp {
    /// The legacy ERP, which speaks files.
    Legacy,
    /// The cloud ERP, which speaks HTTP.
    Cloud,
}

impl OwningErp {
    /// The connector's name.
    pub fn connector(self) -> &'static str {
        match self {
            Self::Legacy => "erp-legacy",
            Self::Cloud => "erp-cloud",
        }
    }

    /// The region whose stores it has in its books.
    pub fn region(self) -> &'static str {
        match self {
            Self::Legacy => "north",
            Self::Cloud => "south",
        }
    }

    /// Its warehouse at one of the shop's two locations.
    pub fn warehouse(self, location: usize) -> &'static str {
        match (self, location) {
            (Self::Legacy, 0) => "L1",
            (Self::Legacy, _) => "L2",
            (Self::Cloud, 0) => "C1",
            (Self::Cloud, _) => "C2",
        }
    }
}

/// How a store's till reports its sales.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Square: signed notifications, the order is fetched.
    Square,
    /// POSLog files in the exchange folder.
    Folder,
    /// POSLog over HTTP, signed.
    Post,
}

/// A store with its one till.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Store {
    /// The retailer's id of it.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The ERP that has its sales in its books.
    pub owning_erp: OwningErp,
    /// The shop's location its goods come from: 0 or 1.
    pub location: usize,
    /// How its till reports.
    pub style: Style,
    /// Its code in the till's system.
    pub code: &'static str,
    /// Whether the till is offline for a while, and then uploads everything at once, doubled and out of order.
    pub offline: bool,
    /// Whether the till's clock is a day ahead.
    pub ahead: bool,
}

const fn store(
    id: &'static str,
    name: &'static str,
    owning_erp: OwningErp,
    location: usize,
    style: Style,
    code: &'static str,
) -> Store {
    Store { id, name, owning_erp, location, style, code, offline: false, ahead: false }
}

/// All of them.
pub static STORES: [Store; 8] = [
    store("S01", "Harbour", OwningErp::Legacy, 0, Style::Square, "LQ01"),
    Store { offline: true, ..store("S02", "Old Town", OwningErp::Legacy, 1, Style::Square, "LQ02") },
    store("S03", "Station", OwningErp::Legacy, 0, Style::Folder, "S03"),
    store("S04", "Market", OwningErp::Legacy, 1, Style::Post, "S04"),
    store("S05", "Airport", OwningErp::Cloud, 0, Style::Square, "LQ05"),
    store("S06", "Campus", OwningErp::Cloud, 1, Style::Square, "LQ06"),
    Store { offline: true, ..store("S07", "Island", OwningErp::Cloud, 0, Style::Folder, "S07") },
    Store { ahead: true, ..store("S08", "Mill", OwningErp::Cloud, 1, Style::Folder, "S08") },
];

impl Store {
    /// The warehouse that its goods leave from, by its ERP's code.
    pub fn warehouse(&self) -> &'static str {
        self.owning_erp.warehouse(self.location)
    }
}
