//! Secrets, the master key, and which plugins were chosen.

use super::samples::*;
use crate::view::Page;
use crate::{Applied, Command, Error, MasterKey, PluginChoice, Result, SecretText, Store};

fn put(name: &str, value: &str, expected: Option<u64>, now: i64) -> Command {
    let value = SecretText::new(value.into());
    Command::PutSecret { name: name.into(), value, expected, by: "me".into(), now: t(now) }
}

fn version(applied: Result<Applied>) -> u64 {
    match applied.unwrap() {
        Applied::Version(version) => version,
        other => panic!("{other:?}"),
    }
}

async fn text(store: &Driver, name: &str) -> Option<(String, u64)> {
    let found = store.0.secret(name).await.unwrap();
    found.map(|(text, version)| (text.expose().to_owned(), version))
}

pub async fn a_secret_is_written_by_compare_and_set(store: Store) {
    let store = Driver(store);
    assert_eq!(version(store.one(put("token", "one", Some(0), 1)).await), 1);
    for wrong in [0, 2] {
        let refused = store.one(put("token", "lost", Some(wrong), 2)).await;
        assert!(matches!(refused, Err(Error::Changed { version: 1, .. })), "{refused:?}");
    }
    assert!(matches!(store.one(put("other", "x", Some(1), 2)).await, Err(Error::Changed { version: 0, .. })));
    // Of two in one group that read the same version, one is refused.
    let group = vec![put("token", "two", Some(1), 3), put("token", "three", Some(1), 3)];
    let answers = store.0.apply(group).await.unwrap();
    assert!(answers[0].is_ok() && matches!(answers[1], Err(Error::Changed { version: 2, .. })));
    assert_eq!(text(&store, "token").await, Some(("two".into(), 2)));
    assert_eq!(version(store.one(put("token", "four", None, 4)).await), 3);
    assert!(store.one(put("", "x", None, 4)).await.is_err());
}

pub async fn a_secret_is_listed_and_printed_without_its_text(store: Store) {
    let store = Driver(store);
    store.one(put("b", "hunter2", None, 1)).await.unwrap();
    store.one(put("a", "hunter2", None, 2)).await.unwrap();
    let rows = store.0.secrets().await.unwrap();
    let listed: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.version, row.at)).collect();
    assert_eq!(listed, [("a", 1, t(2)), ("b", 1, t(1))]);
    let mut said = format!("{:?} {:?}", put("b", "hunter2", None, 1), store.0.secret("b").await.unwrap());
    said += &serde_json::to_string(&rows).unwrap();
    said += &serde_json::to_string(&store.0.audit(Page::default()).await.unwrap()).unwrap();
    assert!(said.contains("secret.put") && !said.contains("hunter2"), "{said}");
}

pub async fn a_version_of_a_secret_is_never_used_again(store: Store) {
    let store = Driver(store);
    store.one(put("token", "one", None, 1)).await.unwrap();
    let remove = || Command::RemoveSecret { name: "token".into(), by: "me".into(), now: t(2) };
    store.one(remove()).await.unwrap();
    assert!(matches!(store.one(remove()).await, Err(Error::Unknown { .. })));
    assert_eq!(text(&store, "token").await, None);
    assert!(store.0.secrets().await.unwrap().is_empty());
    assert!(store.one(put("token", "stale", Some(1), 3)).await.is_err());
    assert_eq!(version(store.one(put("token", "two", Some(0), 3)).await), 2);
    assert_eq!(text(&store, "token").await, Some(("two".into(), 2)));
}

pub async fn everything_is_read_as_before_under_another_master_key(store: Store) {
    let store = Driver(store);
    let event = with_person(order("order.placed", 1, 0), "Ada");
    let (before, _) = store.enqueue(event.clone(), t(1)).await;
    let inbound = store.accept(accept("1", b"kept")).await.inbound;
    // In one group with what is written before and after it.
    let rekey = Command::Rekey { to: MasterKey::new([9; 32]), by: "me".into(), now: t(2) };
    let later = with_person(order("order.placed", 2, 0), "Grace");
    let admit =
        crate::Admit { events: vec![new(later.clone(), vec![to("wms")])], now: t(3), ..Default::default() };
    let group = vec![put("token", "one", None, 2), rekey, Command::Admit(admit), put("late", "two", None, 3)];
    let answers = store.0.apply(group).await.unwrap();
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(store.claim_only(before, t(4)).await.event, event);
    assert_eq!(store.claim_of("wms", 1, t(4)).await[0].event, later);
    assert_eq!(store.0.inbound(inbound).await.unwrap().unwrap().request.unwrap().body, b"kept");
    assert_eq!(text(&store, "token").await, Some(("one".into(), 1)));
    assert_eq!(text(&store, "late").await, Some(("two".into(), 1)));
    let audit = store.0.audit(Page::default()).await.unwrap();
    assert!(audit.iter().any(|row| row.action == "secrets.rekey"));
}

pub async fn a_choice_of_plugin_remembers_the_one_before(store: Store) {
    let store = Driver(store);
    // Another version under the same name is a choice too: what to go back to is said with it.
    let choices =
        [(Some("a@1"), Some("a@0")), (Some("a@1"), Some("a@1 of old")), (None, Some("a@1")), (None, None)];
    for (now, (plugin, previous)) in choices.into_iter().enumerate() {
        let now = t(now as i64 + 1);
        let (plugin, previous) = (plugin.map(str::to_owned), previous.map(str::to_owned));
        let (connector, by) = (ERP.to_owned(), "me".to_owned());
        let choose =
            Command::ChoosePlugin { connector, plugin: plugin.clone(), previous: previous.clone(), by, now };
        store.one(choose).await.unwrap();
        let expected =
            PluginChoice { connector: ERP.into(), current: plugin, previous, at: now, by: "me".into() };
        assert_eq!(store.0.plugin_choices().await.unwrap(), [expected]);
    }
    let audit = store.0.audit(Page::default()).await.unwrap();
    let acts: Vec<_> = audit.iter().map(|row| (row.action.as_str(), row.detail.as_str())).collect();
    let [chosen, configured] = [("plugin.choose", "a@1"), ("plugin.choose", "as configured")];
    assert_eq!(acts, [configured, configured, chosen, chosen]);
}
