//! What the configuration file may say, and what is said of one that is wrong.

use super::read::Error;
use super::*;

fn read(text: &str) -> Result<Config, Error> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("crossdock.toml");
    std::fs::write(&path, text).unwrap();
    Config::read(&path)
}

const SMALL: &str = r#"
    [storage]
    url = "sqlite://x.db"
    [[connector]]
    name = "erp"
    plugin = "erp-rest"
    secrets = { token = "env:T" }
    auth = { profile = "bearer", secret = "token" }
    limits = { rate = "90/m", deadline = "1m 30s", memory = "32MiB" }
    [[route]]
    name = "all"
    to = ["erp"]
"#;

const SHARED: &str = r#"
    storage = { url = "sqlite://x.db" }
    connector = [
        { name = "a", plugin = "p", folder = { path = "exchange/folder" } },
        { name = "b", plugin = "p", folder = { path = "exchange/other" } },
    ]
"#;

#[test]
fn a_folder_a_window_and_an_address_are_understood() {
    let config = read(SHARED).unwrap();
    let folder = config.connectors[0].folder.as_ref().unwrap();
    assert!(matches!(folder.at(), Ok(At::Path(path)) if path.is_absolute()));
    assert_eq!(config.intake_address(&config.connectors[0]), None);
    let text = SMALL.replace("plugin =", "poll = '5m'\npoll-window = '0 22 * * * UTC for 4h'\nplugin =");
    let text = text.replace("name = \"all\"", "name = 'all'\nwindow = '0 3 * * * Europe/Berlin'");
    let config = read(&format!("server = {{ public-url = 'https://x.example' }}\n{text}")).unwrap();
    assert_eq!(config.routes[0].window.as_ref().unwrap().to_string(), "0 3 * * * Europe/Berlin");
    let erp = &config.connectors[0];
    assert_eq!(erp.poll_window.as_ref().unwrap().to_string(), "0 22 * * * UTC for 4h");
    assert_eq!(config.intake_address(erp).as_deref(), Some("https://x.example/in/erp"));
    assert_eq!(erp.setup_every, Span(Duration::from_secs(3600)));
}

#[test]
fn a_small_file_has_sane_defaults() {
    let config = read(SMALL).unwrap();
    assert_eq!(config.server.listen, "127.0.0.1:8080");
    let limits = &config.connectors[0].limits;
    assert_eq!(limits.rate, Some(Rate { per_second: 1.5 }));
    assert_eq!(limits.deadline, Span(Duration::from_secs(90)));
    assert_eq!(limits.memory, ByteSize::mib(32));
    assert_eq!(limits.concurrency, 32);
    assert!(config.routes[0].pin && !config.routes[0].posted);
}

#[test]
fn an_order_is_pinned_to_one_erp() {
    let side_by_side = |route: &str| {
        let connector = |name, class| format!("{{ name = '{name}', plugin = 'p', class = '{class}' }}");
        let connectors = [connector("old", "erp"), connector("new", "erp"), connector("wms", "warehouse")];
        let connectors = connectors.join(", ");
        read(&format!(
            "storage = {{ url = 'sqlite://x' }}\nconnector = [{connectors}]\n[[route]]\nname = 'r'\n{route}"
        ))
    };
    let said = side_by_side("to = ['old', 'wms', 'new']").unwrap_err().to_string();
    assert!(said.contains("route `r` pins an order to one ERP and names several: old, new"), "{said}");
    assert!(side_by_side("to = ['old', 'new']\npin = false").is_ok());
    assert!(side_by_side("to = ['old', 'wms']\nposted = true").unwrap().routes[0].posted);
}

#[test]
fn paths_are_taken_from_the_files_folder() {
    let config = read(SMALL).unwrap();
    assert!(config.storage.url.starts_with("sqlite:///"), "{}", config.storage.url);
    assert!(config.plugins.dir.is_absolute());
    let config = read(&format!("server = {{ first-token = 'file:token' }}\n{SMALL}")).unwrap();
    assert!(config.server.first_token.unwrap().starts_with("file:/"));
}

#[test]
fn what_is_wrong_is_said_in_a_sentence() {
    let wrong = [
        ("[storage]\nurl='sqlite://x'\nuri='y'", "unknown field `uri`"),
        (
            "[storage]\nurl='sqlite://x'\n[[route]]\nname='r'\nto=['nowhere']",
            "`nowhere`, which is no connector",
        ),
        ("[storage]\nurl='sqlite://x'\n[[connector]]\nname='A b'\nplugin='p'", "lower-case letters"),
        (&SMALL.replace("[[route]]", "public-url = '/in/erp'\n[[route]]"), "no whole address"),
        (&SMALL.replace("90/m", "fast"), "`fast` is not a rate"),
        (&SMALL.replace("1m 30s", "soon"), "`soon` is not a span of time"),
        (
            &SMALL.replace("name = \"all\"", "name = 'all'\nwindow = '0 3 * * *'"),
            "five fields and a time zone",
        ),
        (&SMALL.replace("plugin =", "poll-window = '0 3 * * * UTC'\nplugin ="), "does not say how often"),
        (&SMALL.replace("plugin =", "folder = {}\nplugin ="), "folder: it has a `path` or a `url`"),
        (&format!("server = {{ public-url = 'crossdock' }}\n{SMALL}"), "`crossdock` is no address"),
        (&SHARED.replace("other", "folder"), "would read the same folder"),
        (&SMALL.replace("plugin =", "poll = '0s'\nplugin ="), "poll 0 would never rest"),
        (&SMALL.replace("1m 30s", "0s"), "within a deadline of 0"),
        (&SMALL.replace("rate =", "attempts = 0, rate ="), "with 0 attempts"),
        (&SMALL.replace("to = [\"erp\"]", "to = []"), "goes nowhere"),
        (&format!("{SMALL}\n[[route]]\nname = 'all'\nto = ['erp']"), "two routes are called `all`"),
        (&format!("plugins = {{ instances = 0 }}\n{SMALL}"), "with 0 instances"),
        (&format!("server = {{ backlog = 0 }}\n{SMALL}"), "a backlog of 0"),
    ];
    for (text, sentence) in wrong {
        let said = read(text).unwrap_err().to_string();
        assert!(said.contains(sentence), "{said}");
    }
}
