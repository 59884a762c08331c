//! What only Kubernetes resources say, wherever it stands: in a resource, or under `kubernetes` in a
//! manifest that was made from one. Spelled in camelCase in both.

use super::{Fields, Reader, Shape};
use crate::node::Node;
use crate::raw::{
    RawExternalIdPatterns, RawIntervals, RawKeyRef, RawOperator, RawOrganizationObject,
    RawTransfer, RawWebhook,
};

/// Under `kubernetes` of a manifest.
pub(super) const ENVIRONMENT_OBJECT: Shape = Shape::new(
    "`kubernetes`",
    &[
        "name",
        "namespace",
        "secret_ref",
        "api_url",
        "requests_per_second",
        "intervals",
        "allowed_namespaces",
        "external_id_patterns",
        "transfers",
        "allow_adoption",
        "allow_rekey",
        "allow_trusted_domains",
        "allow_domain_removal",
        "allow_data_loss",
        "allow_deletion",
        "allow_active_deletion",
        "max_deletes_per_hour",
        "suspend",
        "webhook",
    ],
);
/// Under `kubernetes` of an organization in a manifest.
pub(super) const ORGANIZATION_OBJECT: Shape = Shape::new(
    "`kubernetes`",
    &[
        "name",
        "namespace",
        "deletion_policy",
        "management_policy",
        "suspend",
        "recreate",
    ],
);
pub(super) const INTERVALS: Shape = Shape::new("`intervals`", &["poll", "resync", "sweep"]);
pub(super) const EXTERNAL_ID_PATTERNS: Shape =
    Shape::new("`externalIdPatterns`", &["namespace", "patterns"]);
pub(super) const TRANSFER: Shape =
    Shape::new("`transfers`", &["from_cluster", "from_namespace", "name"]);
pub(super) const KEY_REF: Shape = Shape::new("`secretRef`", &["name", "key"]);
pub(super) const WEBHOOK: Shape = Shape::new("`webhook`", &["secret_ref"]);

/// Reads what the operator needs to know of an environment out of the fields of a mapping.
pub(super) fn operator(reader: &mut Reader<'_>, fields: Fields<'_>) -> RawOperator {
    RawOperator {
        name: None,
        namespace: None,
        secret_ref: reader.field(fields, "secret_ref", key_ref),
        api_url: reader.field(fields, "api_url", Reader::text),
        requests_per_second: reader.field(fields, "requests_per_second", Reader::integer),
        intervals: reader.field(fields, "intervals", intervals),
        allowed_namespaces: reader.field(fields, "allowed_namespaces", Reader::texts),
        external_id_patterns: reader.field(fields, "external_id_patterns", |reader, node, what| {
            reader.list(node, what, external_id_patterns)
        }),
        transfers: reader.field(fields, "transfers", |reader, node, what| {
            reader.list(node, what, transfer)
        }),
        allow_adoption: reader.field(fields, "allow_adoption", Reader::boolean),
        allow_rekey: reader.field(fields, "allow_rekey", Reader::boolean),
        allow_trusted_domains: reader.field(fields, "allow_trusted_domains", Reader::boolean),
        allow_data_loss: reader.field(fields, "allow_data_loss", Reader::boolean),
        allow_domain_removal: reader.field(fields, "allow_domain_removal", Reader::boolean),
        allow_deletion: reader.field(fields, "allow_deletion", Reader::boolean),
        allow_active_deletion: reader.field(fields, "allow_active_deletion", Reader::boolean),
        suspend: reader.field(fields, "suspend", Reader::boolean),
        max_deletes_per_hour: reader.field(fields, "max_deletes_per_hour", Reader::integer),
        webhook: reader.field(fields, "webhook", webhook),
    }
}

/// Decodes `kubernetes` of a manifest.
pub(super) fn environment_object(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
) -> Option<RawOperator> {
    reader.in_camel_case(|reader| {
        let fields = reader.fields(node, what, &ENVIRONMENT_OBJECT)?;
        Some(RawOperator {
            name: reader.field(fields, "name", Reader::text),
            namespace: reader.field(fields, "namespace", Reader::text),
            ..operator(reader, fields)
        })
    })
}

/// Decodes `kubernetes` of an organization in a manifest.
pub(super) fn organization_object(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
) -> Option<RawOrganizationObject> {
    reader.in_camel_case(|reader| {
        let fields = reader.fields(node, what, &ORGANIZATION_OBJECT)?;
        Some(RawOrganizationObject {
            name: reader.field(fields, "name", Reader::text),
            namespace: reader.field(fields, "namespace", Reader::text),
            deletion_policy: reader.field(fields, "deletion_policy", Reader::text),
            management_policy: reader.field(fields, "management_policy", Reader::text),
            suspend: reader.field(fields, "suspend", Reader::boolean),
            recreate: reader.field(fields, "recreate", Reader::text),
        })
    })
}

fn key_ref(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<RawKeyRef> {
    let fields = reader.fields(node, what, &KEY_REF)?;
    reader.has(node, fields, "name", "`secretRef`", "the name of a Secret");
    reader.has(
        node,
        fields,
        "key",
        "`secretRef`",
        "the key within its data",
    );
    Some(RawKeyRef {
        name: reader.field(fields, "name", Reader::text),
        key: reader.field(fields, "key", Reader::text),
    })
}

fn external_id_patterns(
    reader: &mut Reader<'_>,
    node: &Node,
    what: &str,
) -> Option<RawExternalIdPatterns> {
    let fields = reader.fields(node, what, &EXTERNAL_ID_PATTERNS)?;
    let list = "an item of `externalIdPatterns`";
    reader.has(node, fields, "namespace", list, "the tenant's namespace");
    reader.has(node, fields, "patterns", list, "what external ids may be");
    Some(RawExternalIdPatterns {
        namespace: reader.field(fields, "namespace", Reader::text),
        patterns: reader.field(fields, "patterns", Reader::texts),
    })
}

fn transfer(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<RawTransfer> {
    let fields = reader.fields(node, what, &TRANSFER)?;
    let list = "an item of `transfers`";
    let whose = "of the former holder";
    reader.has(
        node,
        fields,
        "from_cluster",
        list,
        &format!("the cluster id {whose}"),
    );
    reader.has(
        node,
        fields,
        "from_namespace",
        list,
        &format!("the namespace {whose}"),
    );
    Some(RawTransfer {
        from_cluster: reader.field(fields, "from_cluster", Reader::text),
        from_namespace: reader.field(fields, "from_namespace", Reader::text),
        name: reader.field(fields, "name", Reader::text),
    })
}

fn intervals(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<RawIntervals> {
    let fields = reader.fields(node, what, &INTERVALS)?;
    Some(RawIntervals {
        poll: reader.field(fields, "poll", Reader::text),
        resync: reader.field(fields, "resync", Reader::text),
        sweep: reader.field(fields, "sweep", Reader::text),
    })
}

fn webhook(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<RawWebhook> {
    let fields = reader.fields(node, what, &WEBHOOK)?;
    let what = "the Secret that holds the webhook's secret";
    reader.has(node, fields, "secret_ref", "`webhook`", what);
    Some(RawWebhook {
        secret_ref: reader.field(fields, "secret_ref", key_ref),
    })
}
