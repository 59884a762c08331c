//! Server-side apply of a status by one field manager, beside conditions of others.
//!
//! Only as much of it as the definitions ask for: `conditions`, `intents` and `domains` are maps by a
//! field; everything else is taken as a whole. What the manager applied before and does not any more
//! goes, and what others wrote stays.

use serde_json::Value;

/// The lists that are maps, and by which field.
const MAPS: [(&str, &str); 3] = [
    ("conditions", "type"),
    ("intents", "intent"),
    ("domains", "domain"),
];

/// The status after an apply: what was there, what the manager had applied, what it applies now.
pub(super) fn apply(before: &Value, owned: &Value, wanted: &Value) -> Value {
    let mut after = before.as_object().cloned().unwrap_or_default();
    let fields = owned.as_object().into_iter().flatten();
    let gone = fields.filter(|(name, _)| wanted[name.as_str()].is_null());
    for (name, owned) in gone {
        let left = after.remove(name).unwrap_or_default();
        if let Some(key) = key_of(name) {
            let left = merge(&left, owned, &Value::Null, key);
            if left.as_array().is_some_and(|left| !left.is_empty()) {
                after.insert(name.clone(), left);
            }
        }
    }
    for (name, value) in wanted.as_object().into_iter().flatten() {
        let there = after.get(name).cloned().unwrap_or_default();
        let merged = match key_of(name).filter(|_| value.is_array()) {
            Some(key) => merge(&there, &owned[name], value, key),
            None => value.clone(),
        };
        after.insert(name.clone(), merged);
    }
    Value::Object(after)
}

fn key_of(name: &str) -> Option<&'static str> {
    let map = MAPS.iter().find(|(map, _)| *map == name);
    map.map(|(_, key)| *key)
}

/// Merges lists that are maps by a field.
fn merge(before: &Value, owned: &Value, wanted: &Value, key: &str) -> Value {
    fn items(list: &Value) -> &[Value] {
        list.as_array().map(Vec::as_slice).unwrap_or_default()
    }
    let find = |list: &[Value], item: &Value| {
        let found = list.iter().find(|one| one[key] == item[key]);
        found.cloned()
    };
    let is_owned = |item: &Value| find(items(owned), item).is_some();
    let stay = items(before).iter().filter_map(|item| {
        let new = find(items(wanted), item);
        new.or_else(|| (!is_owned(item)).then(|| item.clone()))
    });
    let mut after: Vec<Value> = stay.collect();
    for item in items(wanted) {
        if find(&after, item).is_none() {
            after.push(item.clone());
        }
    }
    Value::Array(after)
}
