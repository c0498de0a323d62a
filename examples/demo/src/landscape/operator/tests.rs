use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::*;

type Asked = Arc<Mutex<Vec<(String, Value)>>>;

/// A fault of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// It accepts a damaged plugin.
    AcceptsDamaged,
    /// It refuses a damaged plugin for another reason.
    OtherReason,
    /// It reports a swap, and goes on with the old version.
    KeepsRunning,
}

/// A host's API, with the versions that run. It loses its first answer, and that of the first swap, which is done.
struct Host {
    wrong: Wrong,
    asked: Asked,
    runs: Mutex<BTreeMap<String, String>>,
    swapped: Mutex<usize>,
}

impl Host {
    fn answer(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let mut runs = lock(&self.runs);
        match path {
            "/api/v1/connectors" => {
                let all = runs.iter().map(|(name, plugin)| json!({ "name": name, "plugin": plugin }));
                (StatusCode::OK, json!({ "connectors": all.collect::<Vec<_>>() }))
            }
            "/api/v1/mappings/missing" => {
                let rows = articles::missing().into_iter().map(|[connector, table, value, _]| {
                    json!({ "connector": connector, "table": table, "value": value, "waiting": 2 })
                });
                (StatusCode::OK, json!({ "missing": rows.collect::<Vec<_>>() }))
            }
            "/api/v1/mappings" => (StatusCode::OK, json!({ "released": 6 })),
            _ => {
                let name = path.split('/').nth(4).unwrap().to_owned();
                let damaged = body["to"].as_str().is_some_and(|to| to.contains("damaged"));
                match self.wrong {
                    Wrong::OtherReason if damaged => (StatusCode::NOT_FOUND, json!({ "code": "not-found" })),
                    Wrong::AcceptsDamaged if damaged => {
                        runs.insert(name, "damaged@9".into());
                        (StatusCode::OK, json!({}))
                    }
                    _ if damaged => (StatusCode::CONFLICT, json!({ "code": "plugin-not-loaded" })),
                    Wrong::KeepsRunning => (StatusCode::OK, json!({})),
                    _ => {
                        let version = if body["back"] == true { "1" } else { "2" };
                        runs.insert(name.clone(), format!("{name}@{version}"));
                        *lock(&self.swapped) += 1;
                        let lost = *lock(&self.swapped) == 1;
                        (if lost { StatusCode::BAD_GATEWAY } else { StatusCode::OK }, json!({}))
                    }
                }
            }
        }
    }
}

async fn host(asked: Asked, wrong: Wrong) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let runs = ["erp-cloud", "erp-legacy", "shopify"].map(|name| (name.to_owned(), format!("{name}@1")));
    let host = Host { wrong, asked, runs: Mutex::new(runs.into()), swapped: Mutex::default() };
    let host = Arc::new(host);
    tokio::spawn(async move {
        let mut number = 0;
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            number += 1;
            if number == 1 {
                continue;
            }
            let host = Arc::clone(&host);
            let service = service_fn(move |request: Request<Incoming>| {
                let host = Arc::clone(&host);
                async move {
                    let (head, body) = request.into_parts();
                    assert_eq!(head.headers["authorization"], "Bearer t");
                    let body = body.collect().await.unwrap().to_bytes();
                    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
                    let path = head.uri.path().to_owned();
                    let (status, answer) = host.answer(&path, &body);
                    lock(&host.asked).push((path, body));
                    let mut response = Response::new(Full::new(Bytes::from(answer.to_string())));
                    *response.status_mut() = status;
                    Ok::<_, Infallible>(response)
                }
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    url
}

async fn done(wrong: Wrong, flows: bool) -> (Done, Vec<(String, Value)>) {
    let asked = Asked::default();
    let url = host(Arc::clone(&asked), wrong).await;
    let next = |name: &str| Next { file: format!("/x/{name}-next.wasm").into(), label: format!("{name}@2") };
    let files =
        Files { cloud: next("erp-cloud"), shop: next("shopify"), damaged: PathBuf::from("/x/damaged.wasm") };
    let flow = move || Flow { sold: 1.0, flows };
    let (finished, mut is_finished) = watch::channel(false);
    let operator = Operator::start(Api { url, token: "t".into() }, files, flow, finished);
    is_finished.wait_for(|finished| *finished).await.unwrap();
    (operator.done(), std::mem::take(&mut *lock(&asked)))
}

#[tokio::test]
async fn four_swaps_one_refused_and_the_tables_repaired() {
    let (done, asked) = done(Wrong::Nothing, true).await;
    let expected = Done { swaps: 4, refused: 1, released: 6, finished: true, ..Done::default() };
    assert_eq!(done, expected, "nothing is waited for any more");
    let swaps: Vec<_> = asked.iter().filter(|(path, _)| path.ends_with("/swap")).collect();
    assert_eq!(swaps.len(), 4, "what was done though its answer was lost is not done again");
    assert_eq!(
        swaps[0],
        &("/api/v1/connectors/erp-cloud/swap".to_owned(), json!({ "to": "/x/erp-cloud-next.wasm" }))
    );
    assert_eq!(swaps[3], &("/api/v1/connectors/erp-cloud/swap".to_owned(), json!({ "back": true })));
    let changes = &asked.iter().find(|(path, _)| path == "/api/v1/mappings").unwrap().1["changes"];
    assert_eq!(changes.as_array().unwrap().len(), articles::missing().len());
    assert_eq!(
        changes[1],
        json!({ "connector": "erp-cloud", "table": "tender", "value": "gift-card", "target": "2300" })
    );
}

#[tokio::test]
async fn a_swap_counts_only_when_the_right_version_runs() {
    for (wrong, swaps, words) in [
        (Wrong::AcceptsDamaged, (3, 0), "a damaged plugin was not refused"),
        (Wrong::OtherReason, (3, 0), "a damaged plugin was not refused"),
        (Wrong::KeepsRunning, (2, 1), "was reported as swapped"),
    ] {
        let (done, _) = done(wrong, true).await;
        assert_eq!((done.swaps, done.refused), swaps, "{wrong:?}");
        assert!(done.flaws[0].contains(words), "{wrong:?}: {:?}", done.flaws);
    }
}

#[tokio::test]
async fn a_swap_when_no_orders_flow_is_a_flaw() {
    let (done, _) = done(Wrong::Nothing, false).await;
    assert!(done.flaws.len() == 4 && done.flaws[0].contains("no orders flowed"), "{:?}", done.flaws);
}
