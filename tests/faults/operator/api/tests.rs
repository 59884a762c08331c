//! Tests that this API server is as strict as a real one where the operator relies on it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::store::{Key, Kind, Store};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn acme() -> Key {
    Key::new(Kind::Organization, "acme")
}

fn store() -> Store {
    let mut store = Store::default();
    let object = json!({ "spec": { "name": "Acme" } });
    store.create(&acme(), &object, NOW).unwrap();
    store
}

fn edit(store: &mut Store, field: &str, value: Value) -> Result<bool, u16> {
    let edited = store.change(&acme(), |object| {
        *object.pointer_mut(field).unwrap() = value;
        Ok(())
    });
    edited
        .map(|(_, is_changed)| is_changed)
        .map_err(|refusal| refusal.code)
}

#[test]
fn a_write_that_changes_nothing_has_no_version_and_a_new_spec_a_new_generation() {
    let mut store = store();
    assert_eq!(edit(&mut store, "/spec/name", json!("Acme")), Ok(false));
    assert_eq!(store.version(), 1);
    assert_eq!(edit(&mut store, "/spec/name", json!("Acme Inc.")), Ok(true));
    let metadata = &store.get(&acme()).unwrap()["metadata"];
    assert_eq!(metadata["resourceVersion"], "2");
    assert_eq!(metadata["generation"], 2);
}

#[test]
fn a_write_over_another_version_or_another_object_is_a_conflict() {
    let mut store = store();
    for metadata in [json!({ "resourceVersion": "7" }), json!({ "uid": "other" })] {
        let body = json!({ "metadata": metadata, "status": {} });
        let refused = store.apply_status(&acme(), &body).unwrap_err();
        assert_eq!(refused.code, 409);
    }
}

#[test]
fn an_applied_status_takes_back_what_it_owned_and_leaves_what_others_wrote() {
    let mut store = store();
    let synced = |reason: &str| json!({ "type": "Synced", "reason": reason });
    let conditions = json!([synced("Pending"), { "type": "Stalled" }]);
    let body = json!({ "status": { "configured": "0/1", "conditions": conditions } });
    store.apply_status(&acme(), &body).unwrap();
    let theirs = json!({ "type": "Billed" });
    let condition = theirs.clone();
    let _ = store.change(&acme(), |object| {
        let conditions = object["status"]["conditions"].as_array_mut();
        conditions.unwrap().push(condition);
        Ok(())
    });
    let body = json!({ "status": { "conditions": [synced("InSync")] } });
    let (object, _) = store.apply_status(&acme(), &body).unwrap();
    assert_eq!(
        object["status"],
        json!({ "conditions": [synced("InSync"), theirs] })
    );
}

#[test]
fn what_is_held_is_only_marked_and_goes_with_its_last_finalizer() {
    let mut store = store();
    let holding = held(&store, &["a"]);
    assert_eq!(edit(&mut store, "/metadata", holding), Ok(true));
    store.delete(&acme(), NOW).unwrap();
    let marked = store.get(&acme()).unwrap()["metadata"].clone();
    assert_eq!(marked["deletionTimestamp"], "1970-01-01T00:00:00Z");
    let (more, none) = (held(&store, &["a", "b"]), held(&store, &[]));
    assert_eq!(edit(&mut store, "/metadata", more), Err(422));
    assert_eq!(edit(&mut store, "/metadata", none), Ok(true));
    assert!(store.get(&acme()).is_none());
    let mut told = Vec::new();
    let mut version = 0;
    while let Some(change) = store.after(version, Kind::Organization).unwrap() {
        version = change.version;
        told.push(change.what);
    }
    assert_eq!(told, ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]);
    store.compact();
    assert_eq!(store.after(1, Kind::Organization).unwrap_err().code, 410);
}

/// The object's metadata with finalizers.
fn held(store: &Store, finalizers: &[&str]) -> Value {
    let mut metadata = store.get(&acme()).unwrap()["metadata"].clone();
    metadata["finalizers"] = json!(finalizers);
    metadata
}
