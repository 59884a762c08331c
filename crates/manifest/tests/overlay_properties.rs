//! Property tests of overlays: an environment means what a manifest means that was written for it alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this is how tests fail"
)]

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use portalctl_manifest::convert::read_whole;
use portalctl_manifest::{Input, Request, environments, read_every};
use portalctl_model::desired::{Desired, Source};

const KEYS: [&str; 4] = ["acme", "globex", "initech", "qa"];
const URLS: [&str; 3] = [
    "https://app.example.com/",
    "https://app.example.com:8443/x?tab=1",
    "https://other.example.com/portal",
];

/// Fields of an entry; domains are of its own key, because two entries never share one.
fn fields(key: &'static str) -> impl Strategy<Value = Map<String, Value>> {
    let name = prop::option::of("[A-Z][a-z]{1,8}".prop_map(Value::from));
    let url = prop::option::of(prop::sample::select(URLS.to_vec()).prop_map(Value::from));
    let protect = prop::option::of(any::<bool>().prop_map(Value::from));
    let intents = ["sso", "dsync", "audit_logs", "domain_verification"];
    let intents = prop::option::of(prop::sample::subsequence(intents.to_vec(), 1..4));
    let domains = prop::option::of(prop::sample::subsequence(vec!["com", "io", "dev"], 1..3));
    let value = prop_oneof![Just(Value::Null), "[a-z]{1,4}".prop_map(Value::from)];
    let metadata = prop::option::of(prop::collection::btree_map("[a-c]", value, 1..3));
    (name, url, protect, intents, domains, metadata).prop_map(
        move |(name, url, protect, intents, domains, metadata)| {
            let domains = domains.map(|ends| {
                let domains = ends.iter().map(|end| format!("{key}.{end}"));
                domains.collect::<Vec<_>>()
            });
            let fields = [
                ("name", name),
                ("return_url", url),
                ("protect", protect),
                ("intents", intents.map(Value::from)),
                ("domains", domains.map(Value::from)),
                ("metadata", metadata.map(|map| json!(map))),
            ];
            let fields = fields.into_iter();
            fields
                .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                .collect()
        },
    )
}

/// Entries of a manifest, each with a name.
fn entries() -> impl Strategy<Value = Map<String, Value>> {
    let of = |key: &'static str| {
        let entry = fields(key).prop_map(move |mut entry| {
            entry
                .entry("name")
                .or_insert_with(|| json!(format!("The {key}")));
            Value::from(entry)
        });
        prop::option::of(entry).prop_map(move |entry| (key.to_owned(), entry))
    };
    (of("acme"), of("globex"), of("initech")).prop_map(|(a, b, c)| {
        // A manifest without any entry is an error, and one that excludes all of them is none.
        let steady = ("steady".to_owned(), Some(json!({ "name": "Steady" })));
        let entries = [a, b, c, steady].into_iter();
        entries
            .filter_map(|(key, entry)| Some((key, entry?)))
            .collect()
    })
}

/// Patches of an overlay: other fields, fields taken away, entries that are excluded or new.
fn patches() -> impl Strategy<Value = Map<String, Value>> {
    let of = |key: &'static str| {
        let gone = ["return_url", "protect", "domains", "intents"];
        let gone = prop::sample::subsequence(gone.to_vec(), 0..3);
        let patch = (fields(key), gone).prop_map(|(mut patch, gone)| {
            for field in gone {
                patch.insert(field.to_owned(), Value::Null);
            }
            Value::from(patch)
        });
        let excluded = Just(json!({ "state": "excluded" }));
        let patch = prop_oneof![4 => patch, 1 => excluded];
        prop::option::of(patch).prop_map(move |patch| (key.to_owned(), patch))
    };
    let [a, b, c, d] = KEYS.map(of);
    (a, b, c, d).prop_map(|(a, b, c, d)| {
        let patches = [a, b, c, d].into_iter();
        patches
            .filter_map(|(key, patch)| Some((key, patch?)))
            .collect()
    })
}

/// Writes the entries of one environment down by hand: mappings are merged, all else is replaced.
fn patched(mut entries: Map<String, Value>, patches: &Map<String, Value>) -> Map<String, Value> {
    for (key, patch) in patches {
        let entry = entries.entry(key).or_insert_with(|| json!({}));
        for (field, value) in patch.as_object().unwrap() {
            match (value, field.as_str()) {
                (Value::Null, _) => entry.as_object_mut().unwrap().remove(field),
                (Value::Object(new), "metadata") if entry[field].is_object() => {
                    let map = entry[field].as_object_mut().unwrap();
                    map.extend(new.clone());
                    None
                }
                _ => entry
                    .as_object_mut()
                    .unwrap()
                    .insert(field.clone(), value.clone()),
            };
        }
    }
    entries
}

fn manifest(entries: &Map<String, Value>) -> Value {
    json!({ "version": 1, "manifest": "customers", "organizations": entries })
}

/// Returns the meaning of a manifest in one environment, without places; or nothing.
fn meaning(text: &Value, environment: Option<&str>) -> Option<Desired> {
    let inputs = [Input::Stdin(text.to_string().into_bytes())];
    let request = Request {
        inputs: &inputs,
        environment,
    };
    let mut desired = read_whole(request).checked.desired?;
    for entry in desired.organizations.values_mut() {
        entry.source = Source::nowhere();
    }
    desired.environment.name = None;
    // Only an overlay can exclude an entry, so it is compared by its absence.
    desired.excluded.clear();
    Some(desired)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn an_environment_means_what_is_written_for_it_alone(
        base in entries(),
        patches in patches(),
        others in patches(),
    ) {
        let mut alone = patched(base.clone(), &patches);
        alone.retain(|_, entry| entry["state"].is_null());
        let mut layered = manifest(&base);
        layered["environments"] = json!({
            "staging": { "organizations": patches },
            "production": { "organizations": others },
        });
        let expected = meaning(&manifest(&alone), None);
        prop_assert_eq!(meaning(&layered, Some("staging")), expected, "{:#}", layered);
    }

    #[test]
    fn an_empty_overlay_changes_nothing(base in entries(), others in patches()) {
        let mut layered = manifest(&base);
        layered["environments"] = json!({
            "staging": {},
            "production": { "organizations": others },
        });
        let expected = meaning(&manifest(&base), None);
        prop_assert_eq!(meaning(&layered, Some("staging")), expected, "{:#}", layered);
    }

    #[test]
    fn all_environments_are_sound_where_each_is(
        base in entries(),
        patches in patches(),
        others in patches(),
    ) {
        let mut layered = manifest(&base);
        layered["environments"] = json!({
            "staging": { "organizations": patches },
            "production": { "organizations": others },
        });
        let inputs = [Input::Stdin(layered.to_string().into_bytes())];
        let names = environments(&inputs);
        prop_assert_eq!(&names, &["production", "staging"]);
        let each = names.iter().map(|name| meaning(&layered, Some(name)));
        let each: Option<Vec<Desired>> = each.collect();
        let all = read_every(&inputs).desired;
        prop_assert_eq!(all.map(|all| all.len()), each.map(|all| all.len()));
    }
}
