//! Tests of `clients`.

use serde_json::json;

use super::*;
use portalctl_platform::clock::SystemClock;

const KEY: &str = "sk_test_portals0123456789";

fn clients() -> Clients {
    let clock: SharedClock = Arc::new(SystemClock);
    Clients {
        connect: Arc::new(HttpConnect),
        fence: Fence::closed(Arc::clone(&clock)),
        clock,
        identity: "first".to_owned(),
        metrics: Arc::new(Metrics::new()),
        shared: Mutex::default(),
    }
}

fn environment(name: &str) -> Name {
    Name {
        namespace: "portal".to_owned(),
        name: name.to_owned(),
    }
}

/// The client of an environment that asks for a pace.
fn client(clients: &Clients, name: &str, pace: u32, key: &str) -> Arc<Client> {
    let spec = json!({
        "secretRef": { "name": "workos", "key": "api-key" },
        "apiUrl": "http://127.0.0.1:1", "requestsPerSecond": pace,
    });
    let spec = serde_json::from_value(spec).unwrap();
    let connection = clients.get(&environment(name), &spec, &SecretString::from(key));
    connection.ok().unwrap().client
}

/// The pace that all environments of the key keep.
fn paces(clients: &Clients) -> Vec<u32> {
    let shared = clients.shared.lock().unwrap();
    shared.values().map(|one| one.pace).collect()
}

#[test]
fn environments_of_one_key_share_one_client_and_the_slowest_pace() {
    let clients = clients();
    let first = client(&clients, "first", 50, KEY);
    assert!(Arc::ptr_eq(&first, &client(&clients, "second", 80, KEY)));
    assert_eq!(paces(&clients), [50]);
    let slower = client(&clients, "third", 20, KEY);
    assert!(Arc::ptr_eq(&slower, &client(&clients, "first", 50, KEY)));
    assert_eq!(paces(&clients), [20]);
    // It is as fast again when the slowest has gone.
    clients.leave(&environment("third"));
    let _ = client(&clients, "first", 50, KEY);
    assert_eq!(paces(&clients), [50]);
}

#[test]
fn another_key_has_a_pace_of_its_own_and_one_that_nobody_has_is_forgotten() {
    let clients = clients();
    let first = client(&clients, "first", 50, KEY);
    let other = client(&clients, "second", 50, "sk_test_another0123456789");
    assert!(!Arc::ptr_eq(&first, &other));
    assert_eq!(paces(&clients), [50, 50]);
    let rotated = client(&clients, "first", 50, "sk_test_another0123456789");
    assert!(Arc::ptr_eq(&rotated, &other));
    assert_eq!(paces(&clients), [50]);
}
