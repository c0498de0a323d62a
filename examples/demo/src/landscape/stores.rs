//! The retailer of the landscape: two homes of books, eight stores, and where goods lie.

/// Where an order's books live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Home {
    /// The legacy ERP, which speaks files.
    Legacy,
    /// The cloud ERP, which speaks HTTP.
    Cloud,
}

impl Home {
    /// The connector's name.
    pub fn connector(self) -> &'static str {
        match self {
            Self::Legacy => "erp-legacy",
            Self::Cloud => "erp-cloud",
        }
    }

    /// The region whose stores are its.
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

/// How a store's till talks.
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
    /// The retailer's own id.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// Where its books live.
    pub home: Home,
    /// The shop's location its goods come from: 0 or 1.
    pub location: usize,
    /// How its till talks.
    pub style: Style,
    /// What the till's system calls it.
    pub code: &'static str,
    /// Whether the till is offline for a while, and then uploads everything at once, doubled and out of order.
    pub offline: bool,
    /// Whether the till's clock is a day ahead.
    pub ahead: bool,
}

const fn store(
    id: &'static str,
    name: &'static str,
    home: Home,
    location: usize,
    style: Style,
    code: &'static str,
) -> Store {
    Store { id, name, home, location, style, code, offline: false, ahead: false }
}

/// All of them.
pub static STORES: [Store; 8] = [
    store("S01", "Harbour", Home::Legacy, 0, Style::Square, "LQ01"),
    Store { offline: true, ..store("S02", "Old Town", Home::Legacy, 1, Style::Square, "LQ02") },
    store("S03", "Station", Home::Legacy, 0, Style::Folder, "S03"),
    store("S04", "Market", Home::Legacy, 1, Style::Post, "S04"),
    store("S05", "Airport", Home::Cloud, 0, Style::Square, "LQ05"),
    store("S06", "Campus", Home::Cloud, 1, Style::Square, "LQ06"),
    Store { offline: true, ..store("S07", "Island", Home::Cloud, 0, Style::Folder, "S07") },
    Store { ahead: true, ..store("S08", "Mill", Home::Cloud, 1, Style::Folder, "S08") },
];

impl Store {
    /// The warehouse its goods leave from, as its ERP calls it.
    pub fn warehouse(&self) -> &'static str {
        self.home.warehouse(self.location)
    }
}
