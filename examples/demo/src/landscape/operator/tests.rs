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

/// A host's API that loses every first answer, and refuses a swap to what is called damaged.
async fn host(asked: Asked, believes: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut number = 0;
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            number += 1;
            if number == 1 {
                continue;
            }
            let asked = Arc::clone(&asked);
            let service = service_fn(move |request: Request<Incoming>| {
                let asked = Arc::clone(&asked);
                async move {
                    let (head, body) = request.into_parts();
                    assert_eq!(head.headers["authorization"], "Bearer t");
                    let body = body.collect().await.unwrap().to_bytes();
                    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
                    let path = head.uri.path().to_owned();
                    let (status, answer) = match path.as_str() {
                        "/api/v1/mappings/missing" => {
                            let rows = articles::missing().into_iter().map(|[connector, table, value, _]| {
                                json!({ "connector": connector, "table": table, "value": value, "waiting": 2 })
                            });
                            (StatusCode::OK, json!({ "missing": rows.collect::<Vec<_>>() }))
                        }
                        "/api/v1/mappings" => (StatusCode::OK, json!({ "released": 6 })),
                        _ if body["to"].as_str().is_some_and(|to| to.contains("damaged")) && !believes => {
                            (StatusCode::CONFLICT, json!({ "code": "swap-refused" }))
                        }
                        _ => (StatusCode::OK, json!({})),
                    };
                    lock(&asked).push((path, body));
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

async fn done(believes: bool) -> (Done, Vec<(String, Value)>) {
    let asked = Asked::default();
    let url = host(Arc::clone(&asked), believes).await;
    let file = |name: &str| PathBuf::from(format!("/x/{name}.wasm"));
    let files = Files { cloud: file("cloud-next"), shop: file("shop-next"), damaged: file("damaged") };
    let operator = Operator::start(Api { url, token: "t".into() }, files, || 1.0);
    while !operator.done().finished {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (operator.done(), std::mem::take(&mut *lock(&asked)))
}

#[tokio::test]
async fn four_swaps_one_refused_and_the_tables_repaired() {
    let (done, asked) = done(false).await;
    assert_eq!(done, Done { swaps: 4, refused: 1, released: 6, finished: true, flaws: vec![] });
    let swaps: Vec<_> = asked.iter().filter(|(path, _)| path.ends_with("/swap")).collect();
    assert_eq!(
        swaps[0],
        &("/api/v1/connectors/erp-cloud/swap".to_owned(), json!({ "to": "/x/cloud-next.wasm" }))
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
async fn a_host_that_takes_a_damaged_plugin_is_found_out() {
    let (done, _) = done(true).await;
    assert_eq!((done.swaps, done.refused), (4, 0));
    assert!(done.flaws[0].contains("damaged plugin"), "{:?}", done.flaws);
}
