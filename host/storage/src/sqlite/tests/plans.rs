//! Plans: no statement scans a table that grows.
//!
//! The plan of every statement is taken, on a database as it is made and on one with analysed rows. The statements
//! are all that this crate declares, and everything that filters put together, in all combinations.

use std::collections::BTreeSet;

use crossdock_engine::conformance::samples::*;
use crossdock_engine::view::EventFilter;
use crossdock_engine::{Filter, Result};
use crossdock_model::time::Millis;
use sqlx::SqliteConnection;
use sqlx::pool::PoolConnection;

use super::super::filter::replay::ReplayPage;
use super::super::filter::{Query, Range};
use super::super::statement::{Args, Cells, Statement, assembled, rows, run};
use super::super::{filter, load, queries, schema, state, transaction, write};
use super::*;

/// Names that a plan may scan: rows that are given with the statement, steps over an index, and tables that do not
/// grow with orders.
const MAY_BE_SCANNED: &[&str] = &[
    // Rows of the statement itself, and steps of recursive queries.
    "CONSTANT",
    "wanted",
    "most",
    "known",
    "awaited",
    "referred",
    "settled",
    "found",
    // A row a connector, a sequence, a pass, a person who operates, a store.
    "meta",
    "pause",
    "serial",
    "sequence",
    "settled_count",
    "plugin_choice",
    "token",
    "secret",
    "store",
    "retention_position",
    "counter",
    "sqlite_schema",
    "sqlite_master",
    "day_key",
    "cursor",
    "imported_file",
];

/// Operations whose statements may scan a table that grows, with the reason.
const MAY_SCAN: &[(&str, &str)] = &[
    ("looking for tables without rows", "ends with the first row"),
    ("reading pending releases", "a page in the order of the table"),
    ("dropping waits for in-flight writes", "when a backup was restored, once"),
    ("starting a new incarnation", "when a backup was restored, once: every open delivery is changed"),
    ("reading mappings", "a page in the order of the table"),
];

/// Operations whose statements may sort, with the reason why that is bounded.
const MAY_SORT: &[(&str, &str)] = &[
    ("reading references", "the references of one entity"),
    ("reading the deliveries of an event", "one a connector and generation"),
    ("reading the events of orders", "the events of each order"),
    ("looking for a mapping", "the connector's own, and every connector's"),
    ("reading mappings", "one value, or a table that people maintain"),
    ("reading the keys of a person", "the keys of one person"),
    ("reading deliveries that await", "at most the limit of each key"),
    ("resolving a reference", "the entities of one reference"),
    ("reading stores", "stores that people maintain"),
];

fn statements() -> Vec<&'static Statement> {
    let mut all = vec![schema::STATEMENTS, state::STATEMENTS, transaction::STATEMENTS];
    all.extend(load::statements());
    all.extend(write::all_statements());
    all.extend(queries::statements());
    all.extend(filter::all_statements());
    all.into_iter().flatten().copied().collect()
}

async fn plan(connection: &mut SqliteConnection, text: &str) -> Vec<String> {
    let explained = assembled(format!("EXPLAIN QUERY PLAN {text}"));
    let rows = rows(connection, "explaining", explained, Args::default()).await;
    rows.unwrap_or_else(|error| panic!("{text}: {error}"))
        .iter()
        .map(|row| {
            let mut cells = Cells::of(row);
            let _: (i64, i64, i64) = (cells.next().unwrap(), cells.next().unwrap(), cells.next().unwrap());
            cells.next().unwrap()
        })
        .collect()
}

/// What is wrong with a plan.
async fn faults(
    connection: &mut SqliteConnection,
    operation: &str,
    text: &str,
    may_sort: bool,
) -> Vec<String> {
    let is_listed = |list: &[(&str, &str)]| list.iter().any(|(listed, _)| *listed == operation);
    let (may_scan, may_sort) = (is_listed(MAY_SCAN), may_sort || is_listed(MAY_SORT));
    let mut faults = Vec::new();
    for step in plan(connection, text).await {
        let scanned = step.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
        let grows = scanned.is_some_and(|name| {
            // `SCAN 64 CONSTANT ROWS`, `SCAN 64-ROW VALUES CLAUSE`, `SCAN (subquery-1)`.
            let is_given = name.starts_with(|c: char| c.is_ascii_digit() || c == '(');
            // An index of words that is asked for a word: `SCAN event_term VIRTUAL TABLE INDEX 192:M1<>`.
            let asked = step.split_once("VIRTUAL TABLE INDEX").and_then(|(_, how)| how.split_once(':'));
            let is_asked = asked.is_some_and(|(_, conditions)| conditions.contains('M'));
            !is_given && !is_asked && !MAY_BE_SCANNED.contains(&name)
        });
        let sorts = step.starts_with("USE TEMP B-TREE FOR ORDER BY");
        if grows && !may_scan || sorts && !may_sort {
            let text: String = text.chars().take(300).collect();
            faults.push(format!("{operation}: {step}\n    {text}"));
        }
    }
    faults
}

async fn filled() -> Scratch {
    let scratch = scratch().await;
    let driver = &scratch.driver;
    for number in 0..150 {
        let mut placed = order("order.placed", number, 0);
        if number % 2 == 0 {
            placed = with_person(placed, &format!("Person {number}"));
        }
        driver.accept(accept(&number.to_string(), b"x")).await;
        driver.admit(vec![new(placed, vec![to(ERP), to("wms")])], t(i64::from(number))).await;
        driver.admit(vec![new(refund(number, number + 1000), vec![to(ERP)])], t(i64::from(number))).await;
    }
    for claimed in driver.claim_of(ERP, 100, t(200)).await {
        let reference = format!("SO-{}", claimed.delivery);
        driver.settle(&claimed, posted(&[&reference]), t(200)).await;
    }
    driver.claim_of("wms", 20, t(201)).await;
    scratch
}

/// Analyses the rows, as if each table had very many times as many: with few of them a scan would be right.
async fn analyse(database: &Sqlite) {
    let mut writing = database.writing.lock().await;
    for text in [
        "ANALYZE",
        "UPDATE sqlite_stat1 SET stat = (10000 * stat) || substr(stat, instr(stat || ' ', ' '))",
        "DELETE FROM sqlite_stat4",
        "ANALYZE sqlite_schema",
    ] {
        run(&mut writing.connection, "analysing", text, Args::default()).await.unwrap();
    }
}

/// A connection that has seen the statistics: explaining a statement does not make it look for them.
async fn explainer(database: &Sqlite) -> PoolConnection<sqlx::Sqlite> {
    let mut connection = database.reader().await.unwrap();
    rows(&mut connection, "looking at the schema", "SELECT * FROM meta", Args::default()).await.unwrap();
    connection
}

#[tokio::test]
async fn no_statement_scans_a_table_that_grows() {
    for analysed in [false, true] {
        let scratch = if analysed { filled().await } else { scratch().await };
        if analysed {
            analyse(&scratch.database).await;
        }
        let mut connection = explainer(&scratch.database).await;
        let mut wrong = Vec::new();
        for statement in statements() {
            for rows in if statement.width == 0 { vec![1] } else { vec![1, 64] } {
                let text = statement.of_rows(rows);
                if text.starts_with("PRAGMA")
                    || text.starts_with("BEGIN")
                    || text.starts_with("COMMIT")
                    || text.starts_with("ROLLBACK")
                {
                    continue;
                }
                wrong.extend(faults(&mut connection, statement.operation, &text, false).await);
            }
        }
        assert!(wrong.is_empty(), "analysed: {analysed}\n{}", wrong.join("\n"));
    }
}

/// All combinations of what a filter may name.
fn filters() -> Vec<EventFilter> {
    let mut all = Vec::new();
    let some = |bits: u32, bit: u32, text: &str| (bits & (1 << bit) != 0).then(|| text.to_owned());
    for bits in 0..1_u32 << 10 {
        for state in [None, Some("exception"), Some("settled"), Some("queued")] {
            let number = |bit: u32| (bits & (1 << bit) != 0).then_some(7_i64);
            all.push(EventFilter {
                filter: Filter {
                    delivery: number(0),
                    event: number(1),
                    connector: some(bits, 2, ERP),
                    kind: some(bits, 3, "order.placed"),
                    root: some(bits, 4, "a/b/order/1"),
                    entity: some(bits, 5, "a/b/refund/1"),
                    // Both are conditions of one shape.
                    from: number(6).map(Millis),
                    until: number(6).map(Millis),
                    state: state.map(str::to_owned),
                    limit: None,
                },
                id: some(bits, 7, "gid://1"),
                term: some(bits, 8, "#1001"),
                customer: some(bits, 9, "Ada"),
            });
        }
    }
    all
}

/// The texts of a filter, and whether sorting is bounded: by the events of an order or entity, or by the entities of
/// a reference.
fn texts(filter: &EventFilter, database: &Sqlite) -> Result<Vec<(String, bool)>> {
    let Filter { delivery, event, root, entity, .. } = &filter.filter;
    let query = Query {
        filter,
        range: Range(0, i64::MAX),
        connectors: vec![ERP.to_owned()],
        vault: &database.vault,
        limit: 50,
    };
    let few = delivery.is_some() || event.is_some() || root.is_some() || entity.is_some();
    let mut texts: Vec<_> = query
        .event_arms()?
        .into_iter()
        .map(|arm| {
            let by_reference = arm.text.contains("AS found CROSS JOIN");
            (arm.text, few || by_reference)
        })
        .collect();
    let page = ReplayPage { after: 0, generation: Some(1) };
    texts.extend(query.replay_arms(page)?.into_iter().map(|arm| (arm.text, few)));
    Ok(texts)
}

#[tokio::test]
async fn no_filter_scans_a_table_that_grows() {
    for analysed in [false, true] {
        let scratch = if analysed { filled().await } else { scratch().await };
        if analysed {
            analyse(&scratch.database).await;
        }
        let mut connection = explainer(&scratch.database).await;
        let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
        for filter in filters() {
            for (text, may_sort) in texts(&filter, &scratch.database).unwrap() {
                if seen.insert(text.clone()) && wrong.len() < 20 {
                    wrong.extend(faults(&mut connection, "filter", &text, may_sort).await);
                }
            }
        }
        assert!(seen.len() > 1000);
        assert!(wrong.is_empty(), "analysed: {analysed}\n{}", wrong.join("\n"));
    }
}

#[test]
fn the_inventory_has_every_declaration() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sqlite");
    let declared = declarations(&folder);
    let listed = statements().len();
    assert_eq!(listed, declared, "a module's statements are not in the inventory");
}

/// How many statements are declared in the sources outside of tests: lines that begin with a name and an operation.
fn declarations(folder: &Path) -> usize {
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += if path.ends_with("tests") { 0 } else { declarations(&path) };
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        count += code.lines().filter(|line| is_declaration(line)).count();
    }
    count
}

fn is_declaration(line: &str) -> bool {
    let Some(rest) = line.strip_prefix("    ") else { return false };
    let name: String = rest.chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
    let rest = rest.get(name.len()..).unwrap_or_default();
    let rest = rest.strip_prefix('(').map_or(rest, |rest| rest.split_once(')').map_or("", |(_, rest)| rest));
    !name.is_empty() && rest.starts_with(" \"") && rest.contains("\":")
}
