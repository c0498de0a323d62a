use super::*;

#[tokio::test]
async fn all_servers_listen_before_the_host_is_configured() {
    let folder = std::env::temp_dir().join(format!("crossdock-landscape-{}", std::process::id()));
    let options = Options { progress: false, ..Options::new(40, 0, 1, "s", folder.clone()) };
    let landscape = Landscape::new(options).await.unwrap();
    for part in ["legacy/in", "legacy/out", "tills/in"] {
        assert!(folder.join(part).is_dir());
    }
    let text = landscape.connectors("http://127.0.0.1:9");
    for wanted in [landscape.cloud_url(), landscape.admin.url(), landscape.square.url()] {
        assert!(text.contains(&wanted));
    }
    assert!(text.contains("public-url = \"http://127.0.0.1:9/in/square\""));
    let named: Vec<String> = landscape.env().into_iter().map(|(name, _)| name).collect();
    for name in text.split("env:").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(named.contains(&name.to_owned()), "{name} is named and not set");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn every_store_and_every_warehouse_is_in_the_registry() {
    let text = config::stores();
    for store in &stores::STORES {
        assert!(text.contains(&format!("id = \"{}\"", store.id)) && text.contains(store.code));
    }
    for code in ["erp-x12 = \"L2\"", "erp-rest = \"C2\"", "shopify = \"655441492\""] {
        assert!(text.contains(code), "{code}");
    }
    let (north, south): (Vec<&stores::Store>, Vec<&stores::Store>) =
        stores::STORES.iter().partition(|store| store.owning_erp == OwningErp::Legacy);
    assert_eq!((north.len(), south.len()), (4, 4));
    assert_eq!(stores::STORES.iter().filter(|store| store.offline).count(), 2);
    assert_eq!(stores::STORES.iter().filter(|store| store.ahead).count(), 1);
}
