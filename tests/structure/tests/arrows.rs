//! Which crate may depend on which: the rules, and the repository held against them.

mod repository;

use crossdock_structure::arrows::{Arrow, Reserved, check};
use crossdock_structure::purity::{self, Forbidden};
use repository::{Repository, pass};

const MODEL: &str = "host/model";
const RULES: &str = "host/rules";
const ENGINE: &str = "host/engine";
const STORAGE: &str = "host/storage";
const EGRESS: &str = "host/egress";
const EXCHANGE: &str = "host/exchange";
const SANDBOX: &str = "host/sandbox";
const FLOW: &str = "host/flow";
const SERVER: &str = "host/server";
const SDK: &str = "sdk/rust";
const DEMO: &str = "examples/demo";

const A_PLUGIN: &str =
    "a connector is built as a vendor builds his: against the SDK alone, inside the sandbox";

/// What each crate may know of the others, for its build. Its tests may know any.
const ARROWS: &[Arrow] = &[
    Arrow { of: MODEL, may_know: &[], because: "the vocabulary is what all others speak" },
    Arrow {
        of: RULES,
        may_know: &[MODEL],
        because: "a decision is a function of facts, whoever stores or fetches them",
    },
    Arrow {
        of: ENGINE,
        may_know: &[MODEL, RULES],
        because: "the unit of work decides over typed rows and defines what a database does for it; it knows none",
    },
    Arrow {
        of: STORAGE,
        may_know: &[MODEL, RULES, ENGINE],
        because: "a database implements the engine's trait and decides nothing",
    },
    Arrow {
        of: EGRESS,
        may_know: &[MODEL, RULES],
        because: "requests leave without knowing deliveries, plugins or the database; of the rules it takes when to retry",
    },
    Arrow {
        of: EXCHANGE,
        may_know: &[MODEL, RULES],
        because: "files come and go without knowing deliveries, plugins or the database; of the rules it takes when to retry",
    },
    Arrow {
        of: SANDBOX,
        may_know: &[MODEL, EGRESS],
        because: "a plugin's host gives it the vocabulary and the way out, and knows no delivery and no database",
    },
    Arrow {
        of: FLOW,
        may_know: &[MODEL, RULES, ENGINE, STORAGE, EXCHANGE],
        because: "the drivers know plugins and HTTP by traits alone; of storage they take the writer",
    },
    Arrow {
        of: SERVER,
        may_know: &[MODEL, RULES, ENGINE, STORAGE, EGRESS, EXCHANGE, SANDBOX, FLOW, DEMO],
        because: "the binary joins the host's crates and the demo; it is no vendor and links no plugin",
    },
    Arrow {
        of: SDK,
        may_know: &[],
        because: "a vendor's connector compiles against it without the host's sources",
    },
    Arrow { of: "plugins/erp-rest", may_know: &[SDK], because: A_PLUGIN },
    Arrow { of: "plugins/erp-tryton", may_know: &[SDK], because: A_PLUGIN },
    Arrow { of: "plugins/erp-x12", may_know: &[SDK], because: A_PLUGIN },
    Arrow { of: "plugins/poslog", may_know: &[SDK], because: A_PLUGIN },
    Arrow { of: "plugins/shopify", may_know: &[SDK], because: A_PLUGIN },
    Arrow { of: "plugins/square", may_know: &[SDK], because: A_PLUGIN },
    Arrow {
        of: DEMO,
        may_know: &[],
        because: "the examiner derives what is expected from the outside world, not from the host's own types",
    },
    Arrow { of: "tests", may_know: &[DEMO], because: "whole-system tests drive the binary from outside" },
    Arrow { of: "tests/guests", may_know: &[SDK], because: A_PLUGIN },
    Arrow {
        of: "tests/fuzz",
        may_know: &[
            SDK,
            "plugins/erp-rest",
            "plugins/erp-tryton",
            "plugins/erp-x12",
            "plugins/poslog",
            "plugins/shopify",
            "plugins/square",
        ],
        because: "it fuzzes the parsers, which are the connectors'",
    },
    Arrow {
        of: "tests/worlds",
        may_know: &[MODEL, RULES, ENGINE],
        because: "the walk drives the engine that ships, over its database in memory",
    },
    Arrow {
        of: "tests/scale",
        may_know: &[MODEL, RULES, ENGINE, STORAGE],
        because: "it measures the engine over its database, below plugins and HTTP",
    },
    Arrow { of: "tests/structure", may_know: &[], because: "it reads the others as text" },
];

const DECIDES: &[&str] = &[RULES, ENGINE];

/// Packages from outside that few crates may depend on.
const RESERVED: &[Reserved] = &[
    Reserved {
        package: "sqlx",
        known_to: &[STORAGE],
        optional_for: &[],
        within: &[""],
        because: "SQL is written in storage alone, so that another database is another implementation there",
    },
    Reserved {
        package: "libsqlite3-sys",
        known_to: &[STORAGE],
        optional_for: &[],
        within: &[""],
        because: "SQL is written in storage alone, so that another database is another implementation there",
    },
    Reserved {
        package: "wasmtime",
        known_to: &[SANDBOX],
        optional_for: &[MODEL],
        within: &[""],
        because: "plugins run in the sandbox; the vocabulary crosses into them by a feature of the model",
    },
    Reserved {
        package: "tokio",
        known_to: &[],
        optional_for: &[],
        within: DECIDES,
        because: "what decides does no I/O and waits for nothing",
    },
    Reserved {
        package: "hyper",
        known_to: &[],
        optional_for: &[],
        within: DECIDES,
        because: "what decides does no I/O and waits for nothing",
    },
    Reserved {
        package: "rand",
        known_to: &[],
        optional_for: &[ENGINE],
        within: DECIDES,
        because: "what decides is repeatable; only the engine's test feature makes up histories",
    },
];

const NO_IO: &str = "decisions do no I/O, and what they need is read before";
const NO_CLOCK: &str = "times are in the commands, so that a decision can be repeated";
const NO_DICE: &str = "random numbers are in the commands, so that a decision can be repeated";

/// The conformance suite is written as tests, for the crates that implement a database.
const TEST_MACRO: &[&str] = &["tokio::test"];

/// What crates that decide do not name.
const FORBIDDEN: &[Forbidden] = &[
    Forbidden { path: "tokio", except: TEST_MACRO, because: NO_IO },
    Forbidden { path: "sqlx", except: &[], because: NO_IO },
    Forbidden { path: "hyper", except: &[], because: NO_IO },
    Forbidden { path: "std::fs", except: &[], because: NO_IO },
    Forbidden { path: "std::net", except: &[], because: NO_IO },
    Forbidden { path: "std::env", except: &[], because: NO_IO },
    Forbidden { path: "std::process", except: &[], because: NO_IO },
    Forbidden { path: "SystemTime", except: &[], because: NO_CLOCK },
    Forbidden { path: "time::Instant", except: &[], because: NO_CLOCK },
    Forbidden { path: "Timestamp::now", except: &[], because: NO_CLOCK },
    Forbidden { path: "Zoned::now", except: &[], because: NO_CLOCK },
    Forbidden { path: "Uuid::now_v7", except: &[], because: NO_CLOCK },
    Forbidden { path: "Uuid::new_v4", except: &[], because: NO_DICE },
];

#[test]
fn no_crate_depends_on_one_that_it_may_not_know() {
    let repository = Repository::read();
    pass(&check(&repository.crates, ARROWS, RESERVED));
}

#[test]
fn crates_that_decide_name_no_io_and_no_clock() {
    let repository = Repository::read();
    for folder in DECIDES {
        let manifest = repository.crates.get(*folder).unwrap();
        pass(&purity::check(&repository.tree, manifest, FORBIDDEN).unwrap());
    }
}
