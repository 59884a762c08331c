//! The schemas of fields: bounded, and refused by the API server in words that say what to do.
//!
//! A pattern in a schema can only say that it does not match; so patterns stand in CEL rules,
//! which have messages. The API server estimates what its rules cost at most: that is why every
//! length and every list has a bound.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::environment::{ExternalIdPatterns, Transfer};
use crate::shape::{DOMAIN, EMAIL, HOST, KEY, PATH, URL};
use portalctl_model::domain_name::PUBLIC_MAIL_PROVIDERS;
use portalctl_model::{Intent, mark, name};

/// The longest name of an object.
pub(super) const MAX_OBJECT_NAME: u32 = 253;

/// CEL rules, each with the message that refuses what breaks it.
pub(super) fn rules<const N: usize>(list: [(&str, &str); N]) -> Value {
    let rule = |(rule, message): (&str, &str)| json!({ "rule": rule, "message": message });
    Value::from(list.map(rule).to_vec())
}

/// A text that matches a pattern.
fn text(max: u32, pattern: &str, message: &str) -> Schema {
    let rule = format!("self.matches(r'{pattern}')");
    json_schema!({
        "type": "string",
        "maxLength": max,
        "x-kubernetes-validations": rules([(&rule, message)]),
    })
}

/// A list of texts in which each stands once.
fn set(max: u32, item: &Schema) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": max,
        "items": item,
        "x-kubernetes-list-type": "set",
    })
}

pub(super) fn url(_: &mut SchemaGenerator) -> Schema {
    text(
        2048,
        URL,
        "must be an absolute https URL with a host, and without user name, space or fragment (#); \
         http is for localhost, in an environment with `apiKey: test`",
    )
}

/// A URL for each of the intents.
pub(super) fn success_urls(generator: &mut SchemaGenerator) -> Schema {
    let names = Intent::ALL.map(Intent::as_str);
    let known = names.map(|name| format!("'{name}'")).join(",");
    json_schema!({
        "type": "object",
        "maxProperties": names.len(),
        "additionalProperties": url(generator),
        "x-kubernetes-validations": rules([(
            &format!("self.all(intent, intent in [{known}])"),
            &format!("must name intents: {}", names.join(", ")),
        )]),
    })
}

pub(super) fn endpoint(_: &mut SchemaGenerator) -> Schema {
    text(
        2048,
        URL,
        "must be an https URL, as in https://api.workos.com; plain http is for loopback only",
    )
}

pub(super) fn hosts(_: &mut SchemaGenerator) -> Schema {
    let message = "must be a bare host name, as in app.example.com";
    let mut hosts = set(100, &text(MAX_OBJECT_NAME, HOST, message));
    hosts.insert("minItems".to_owned(), json!(1));
    hosts
}

pub(super) fn key(_: &mut SchemaGenerator) -> Schema {
    text(
        63,
        KEY,
        "may hold lower-case letters, digits, `-` and `.`, and starts and ends with a letter or digit",
    )
}

pub(super) fn object_name(_: &mut SchemaGenerator) -> Schema {
    text(MAX_OBJECT_NAME, KEY, "must be the name of an object")
}

pub(super) fn namespace(_: &mut SchemaGenerator) -> Schema {
    let pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
    text(63, pattern, "must be the name of a namespace")
}

pub(super) fn namespaces(_: &mut SchemaGenerator) -> Schema {
    let pattern = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?|\*)$";
    let message = "must be the name of a namespace, or * for all of them";
    set(500, &text(63, pattern, message))
}

pub(super) fn cluster_id(_: &mut SchemaGenerator) -> Schema {
    let message = "must be a cluster id: letters, digits, `-`, `_`, `.` and `:`";
    text(128, "^[-A-Za-z0-9_.:]+$", message)
}

pub(super) fn patterns(_: &mut SchemaGenerator) -> Schema {
    let mut patterns = set(100, &text(128, EXTERNAL_ID, EXTERNAL_ID_MESSAGE));
    patterns.insert("minItems".to_owned(), json!(1));
    patterns
}

/// A list of mappings, in which the mapping with a value of `key` stands once.
fn map_by<T: JsonSchema>(generator: &mut SchemaGenerator, max: u32, key: &str) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": max,
        "items": T::json_schema(generator),
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": [key],
    })
}

pub(super) fn external_id_patterns(generator: &mut SchemaGenerator) -> Schema {
    map_by::<ExternalIdPatterns>(generator, 100, "namespace")
}

pub(super) fn transfers(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 100,
        "items": Transfer::json_schema(generator),
        "x-kubernetes-list-type": "atomic",
    })
}

pub(super) fn secret_key(_: &mut SchemaGenerator) -> Schema {
    let pattern = "^[-._a-zA-Z0-9]+$";
    text(
        MAX_OBJECT_NAME,
        pattern,
        "must be a key of the Secret's data",
    )
}

pub(super) fn client_id(_: &mut SchemaGenerator) -> Schema {
    let message = "must be `client_` followed by letters and digits: copy it from the dashboard";
    text(128, "^client_[A-Za-z0-9]+$", message)
}

pub(super) fn organization_id(_: &mut SchemaGenerator) -> Schema {
    let message = "must be `org_` followed by letters and digits: copy it from the dashboard; your \
                   own id for the customer goes to `externalId`";
    text(128, "^org_[A-Za-z0-9]+$", message)
}

pub(super) fn stripe_customer_id(_: &mut SchemaGenerator) -> Schema {
    let message = "must be `cus_` followed by letters and digits: copy it from the dashboard";
    text(255, "^cus_[A-Za-z0-9_]+$", message)
}

const EXTERNAL_ID: &str = "^[!-~]([ -~]*[!-~])?$";
const EXTERNAL_ID_MESSAGE: &str =
    "may hold printable ASCII characters only, and no space at either end";

pub(super) fn external_id(_: &mut SchemaGenerator) -> Schema {
    text(128, EXTERNAL_ID, EXTERNAL_ID_MESSAGE)
}

pub(super) fn external_ids(_: &mut SchemaGenerator) -> Schema {
    set(50, &text(128, EXTERNAL_ID, EXTERNAL_ID_MESSAGE))
}

/// Characters that no name may hold, wherever they stand; `model::name` knows more of them, which
/// depend on their neighbours.
const HIDDEN: &str = r"\x00-\x1f\x7f-\x9f\x{ad}\x{61c}\x{115f}\x{1160}\x{200b}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2060}\x{2066}-\x{2069}\x{3164}\x{feff}\x{ffa0}";

/// Text that people are shown.
pub(super) fn display_name(_: &mut SchemaGenerator) -> Schema {
    let hidden = format!("!self.matches(r'[{HIDDEN}]')");
    json_schema!({
        "type": "string",
        "maxLength": name::MAX_NAME_LENGTH,
        "x-kubernetes-validations": rules([
            (r"self.matches(r'\S')", "must not be blank"),
            (
                r"!self.matches(r'^[\s\p{Z}]|[\s\p{Z}]$')",
                "must not begin or end with white space, which WorkOS removes",
            ),
            (&hidden, "must not hold control characters, line breaks or characters that cannot be seen"),
        ]),
    })
}

pub(super) fn domain(_: &mut SchemaGenerator) -> Schema {
    let mut domain = text(
        MAX_OBJECT_NAME,
        DOMAIN,
        "must be a domain with a dot, as in acme.com: no URL, no wildcard, no e-mail address",
    );
    let providers = PUBLIC_MAIL_PROVIDERS
        .map(|name| format!("'{name}'"))
        .join(",");
    if let Some(Value::Array(list)) = domain.get_mut("x-kubernetes-validations") {
        list.push(json!({
            "rule": format!("!(self.lowerAscii() in [{providers}])"),
            "message": "is a public mail provider's: name a domain that only this customer has",
        }));
    }
    domain
}

pub(super) fn contacts(_: &mut SchemaGenerator) -> Schema {
    set(
        20,
        &text(320, EMAIL, "must be an address, as in ada@acme.com"),
    )
}

pub(super) fn ignored(_: &mut SchemaGenerator) -> Schema {
    set(
        100,
        &text(
            300,
            PATH,
            "must be name, external_id, stripe_customer_id, \
             allow_profiles_outside_organization, audit_logs.retention_days, domains, domains.DOMAIN, metadata, \
             metadata.KEY, it_contacts or it_contacts.EMAIL",
        ),
    )
}

pub(super) fn metadata(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": mark::MAX_DECLARED_KEYS,
        "additionalProperties": { "type": "string", "maxLength": 600 },
        "x-kubernetes-validations": rules([
            (
                "self.all(key, key.matches('^[ -~]{1,40}$'))",
                "WorkOS allows keys of at most 40 printable ASCII characters",
            ),
            (
                "!self.exists(key, key.startsWith('portalctl_'))",
                "keys that begin with portalctl_ are portalctl's own: choose another",
            ),
            (
                "!self.exists(key, self[key].matches('(^|[^A-Za-z0-9])sk_(test|live)_[A-Za-z0-9]{8}'))",
                "an API key does not belong here: remove it, and rotate it at WorkOS",
            ),
        ]),
    })
}

pub(super) fn metadata_keys(_: &mut SchemaGenerator) -> Schema {
    let item = json_schema!({
        "type": "string",
        "maxLength": 40,
        "x-kubernetes-validations": rules([
            ("self.matches('^[ -~]+$')", "must be printable ASCII characters"),
            ("!self.startsWith('portalctl_')", "keys that begin with portalctl_ are portalctl's own"),
        ]),
    });
    set(100, &item)
}

pub(super) fn update_limit(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "x-kubernetes-int-or-string": true,
        "maxLength": 5,
        "x-kubernetes-validations": rules([(
            "type(self) == int ? self >= 0 : self.matches('^(100|[1-9][0-9]?) *%$')",
            "must be a number, or a percentage from 1% to 100%",
        )]),
    })
}

/// A time span such as `90s` or `1h30m`, between two others.
fn span(default: &str, least: &str, most: &str) -> Schema {
    let rule = format!(
        "self.matches('^([0-9]+(h|m|s))+$') && duration(self) >= duration('{least}') && \
         duration(self) <= duration('{most}')"
    );
    let message = format!("must be a time from {least} to {most}, as in 90s, 5m or 1h30m");
    json_schema!({
        "type": "string",
        "maxLength": 16,
        "default": default,
        "x-kubernetes-validations": rules([(&rule, &message)]),
    })
}

pub(super) fn poll(_: &mut SchemaGenerator) -> Schema {
    span("60s", "10s", "1h")
}

pub(super) fn resync(_: &mut SchemaGenerator) -> Schema {
    span("1h", "5m", "24h")
}

pub(super) fn sweep(_: &mut SchemaGenerator) -> Schema {
    span("1h", "5m", "168h")
}
