//! The vendor's own schema as the judge of what is sent to its API, where it is at hand:
//! `CROSSDOCK_SHOPIFY_SCHEMA` is the folder that `tests/shopify-schema/up.sh` prints.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::Value;

/// The judge at work: reading the schema takes longer than a test, so it is read once.
struct Judge {
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

/// The complaints about each request to a version of the API (`{"query", "variables", "data"?}`). None where the
/// schema is not at hand.
pub fn complaints(version: &str, requests: &[Value]) -> Option<Vec<Vec<String>>> {
    static JUDGE: OnceLock<Option<Mutex<Judge>>> = OnceLock::new();
    let judge = JUDGE.get_or_init(|| Judge::start(version)).as_ref()?;
    // A test that failed while it asked has asked to the end of a line.
    let mut judge = judge.lock().unwrap_or_else(PoisonError::into_inner);
    Some(requests.iter().map(|request| judge.ask(request)).collect())
}

impl Judge {
    #[allow(
        clippy::zombie_processes,
        reason = "it ends with this process, which is when it would be waited for"
    )]
    fn start(version: &str) -> Option<Mutex<Self>> {
        let Some(folder) = std::env::var_os("CROSSDOCK_SHOPIFY_SCHEMA") else {
            println!("CROSSDOCK_SHOPIFY_SCHEMA is not set: nothing is held against Shopify's own schema");
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/shopify-schema/validate.mjs");
        let node = Command::new("node")
            .arg(script)
            .arg(folder)
            .arg(version)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let from = BufReader::new(node.stdout.expect("an output"));
        Some(Mutex::new(Self { to: node.stdin.expect("an input"), from }))
    }

    fn ask(&mut self, request: &Value) -> Vec<String> {
        writeln!(self.to, "{request}").expect("the judge listens");
        let mut line = String::new();
        self.from.read_line(&mut line).expect("the judge answers");
        serde_json::from_str(&line).expect("the judge read the schema")
    }
}
