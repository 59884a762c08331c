//! One organization, and `defaults`, which holds some of the same fields.

use super::{Reader, Shape, operator};
use crate::node::{Node, Value};
use crate::quote::quote;
use crate::raw::{RawAuditLogs, RawDomain, RawIntent, RawMap, RawOrganization};
use portalctl_model::codes::manifest as codes;

const PER_ORGANIZATION: &str = "declare it on each organization it is meant for";

pub(super) const ORGANIZATION: Shape = Shape {
    name: "an organization",
    fields: &[
        "name",
        "id",
        "external_id",
        "previous_keys",
        "domains",
        "domains_policy",
        "intents",
        "return_url",
        "metadata",
        "it_contacts",
        "invite",
        "protect",
        "stripe_customer_id",
        "allow_profiles_outside_organization",
        "audit_logs",
        "ignore_fields",
        "allow_shared_domain",
        "allow_same_name",
        "claim",
        "allow",
        "state",
        "kubernetes",
    ],
    elsewhere: &[
        (
            "success_url",
            "it belongs to an intent: `{ intent: sso, success_url: … }`",
        ),
        (
            "warn_days",
            "it belongs to an intent: `{ intent: certificate_renewal, warn_days: 45 }`",
        ),
        (
            "key",
            "the key is the name under `organizations`; `external_id` is what WorkOS knows",
        ),
    ],
};

/// What makes sense for every organization alike. The others say something about one customer,
/// or accept a risk, which has to be accepted case by case.
pub(super) const DEFAULTS: Shape = Shape {
    name: "`defaults`",
    fields: &[
        "intents",
        "metadata",
        "return_url",
        "domains_policy",
        "ignore_fields",
        "protect",
    ],
    elsewhere: &[
        ("name", PER_ORGANIZATION),
        ("id", PER_ORGANIZATION),
        ("external_id", PER_ORGANIZATION),
        ("previous_keys", PER_ORGANIZATION),
        ("domains", PER_ORGANIZATION),
        ("it_contacts", PER_ORGANIZATION),
        ("invite", PER_ORGANIZATION),
        ("stripe_customer_id", PER_ORGANIZATION),
        ("allow_profiles_outside_organization", PER_ORGANIZATION),
        ("audit_logs", PER_ORGANIZATION),
        ("allow_shared_domain", PER_ORGANIZATION),
        ("allow_same_name", PER_ORGANIZATION),
        ("claim", PER_ORGANIZATION),
        ("allow", PER_ORGANIZATION),
        ("state", PER_ORGANIZATION),
        ("kubernetes", PER_ORGANIZATION),
    ],
};
pub(super) const DOMAIN: Shape = Shape::new("a domain", &["domain", "state"]);
pub(super) const AUDIT_LOGS: Shape = Shape::new("`audit_logs`", &["retention_days"]);
pub(super) const INTENT: Shape = Shape::new(
    "an intent",
    &["intent", "return_url", "success_url", "warn_days"],
);

/// Decodes one organization.
pub(crate) fn organization(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
) -> Option<RawOrganization> {
    with_shape(reader, node, what, &ORGANIZATION)
}

/// Decodes `defaults`: fields that may not stand there are reported and left out.
pub(super) fn defaults(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
) -> Option<RawOrganization> {
    with_shape(reader, node, what, &DEFAULTS)
}

pub(super) fn with_shape(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
    shape: &Shape,
) -> Option<RawOrganization> {
    let fields = reader.fields(node, what, shape)?;
    Some(RawOrganization {
        id: reader.field(fields, "id", Reader::text),
        external_id: reader.field(fields, "external_id", Reader::text),
        previous_keys: reader.field(fields, "previous_keys", Reader::texts),
        name: reader.field(fields, "name", Reader::text),
        domains: reader.field(fields, "domains", |reader, node, what| {
            reader.list(node, what, domain)
        }),
        domains_policy: reader.field(fields, "domains_policy", Reader::text),
        intents: reader.field(fields, "intents", |reader, node, what| {
            reader.list(node, what, intent)
        }),
        return_url: reader.field(fields, "return_url", Reader::text),
        metadata: reader.field(fields, "metadata", metadata),
        it_contacts: reader.field(fields, "it_contacts", Reader::texts),
        invite: reader.field(fields, "invite", Reader::text),
        protect: reader.field(fields, "protect", Reader::boolean),
        stripe_customer_id: reader.field(fields, "stripe_customer_id", Reader::text),
        allow_profiles_outside_organization: reader.field(
            fields,
            "allow_profiles_outside_organization",
            Reader::boolean,
        ),
        audit_logs: reader.field(fields, "audit_logs", audit_logs),
        ignore_fields: reader.field(fields, "ignore_fields", Reader::texts),
        allow_shared_domain: reader.field(fields, "allow_shared_domain", Reader::boolean),
        allow_same_name: reader.field(fields, "allow_same_name", Reader::boolean),
        claim: reader.field(fields, "claim", Reader::boolean),
        allow: reader.field(fields, "allow", Reader::texts),
        state: reader.field(fields, "state", Reader::text),
        kubernetes: reader.field(fields, "kubernetes", operator::organization_object),
    })
}

/// Metadata. In a resource null says nothing: tools drop it on the way.
fn metadata(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<RawMap> {
    let mut map = reader.map(node, what, true)?;
    if reader.is_resource() {
        map.entries.retain(|(key, value)| {
            if value.value.is_none() {
                reader.findings.error(
                    codes::WRONG_TYPE,
                    value.spot,
                    format!("{} has no value", quote(&key.value)),
                    "write text; to remove a key at WorkOS, list it under `removeMetadata`",
                );
            }
            value.value.is_some()
        });
    }
    Some(map)
}

fn domain(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<RawDomain> {
    if !matches!(node.value, Value::Map(_)) && !reader.is_resource() {
        let domain = reader.spotted_text(node, what)?;
        return Some(RawDomain {
            domain,
            state: None,
        });
    }
    let fields = reader.fields(node, what, &DOMAIN)?;
    let domain = reader.field(fields, "domain", Reader::spotted_text);
    let state = reader.field(fields, "state", Reader::text);
    let Some(domain) = domain else {
        missing(
            reader,
            node,
            "a domain needs `domain`",
            "as in `{ domain: acme.com, state: verified }`",
        );
        return None;
    };
    Some(RawDomain {
        domain: domain.value?,
        state,
    })
}

fn intent(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<RawIntent> {
    if !matches!(node.value, Value::Map(_)) && !reader.is_resource() {
        return Some(RawIntent {
            intent: reader.spotted_text(node, what)?,
            return_url: None,
            success_url: None,
            warn_days: None,
        });
    }
    let fields = reader.fields(node, what, &INTENT)?;
    let intent = reader.field(fields, "intent", Reader::spotted_text);
    let return_url = reader.field(fields, "return_url", Reader::text);
    let success_url = reader.field(fields, "success_url", Reader::text);
    let warn_days = reader.field(fields, "warn_days", Reader::integer);
    let Some(intent) = intent else {
        missing(
            reader,
            node,
            "an intent needs `intent`",
            "as in `{ intent: sso, success_url: … }`",
        );
        return None;
    };
    Some(RawIntent {
        intent: intent.value?,
        return_url,
        success_url,
        warn_days,
    })
}

fn audit_logs(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<RawAuditLogs> {
    let fields = reader.fields(node, what, &AUDIT_LOGS)?;
    Some(RawAuditLogs {
        retention_days: reader.field(fields, "retention_days", Reader::integer),
    })
}

fn missing(reader: &mut Reader<'_>, node: &Node, message: &str, help: &str) {
    let spot = reader.spot(node);
    let help = reader.findings.words(help);
    reader
        .findings
        .error(codes::MISSING_FIELD, spot, message, help);
}
