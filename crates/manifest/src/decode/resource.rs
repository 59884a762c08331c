//! Kubernetes resources: what all objects have around them, and the two specs of ours.
//!
//! Decodes into the raw shapes of a manifest, so that the same rules hold for both forms.

use super::{Fields, Reader, Shape, operator, organization, settings};
use crate::diagnostic::{Finding, Severity};
use crate::kubernetes::Kind;
use crate::node::{Node, Value};
use crate::quote::quote;
use crate::raw::{
    Field, Object, RawDocument, RawEnvironment, RawEnvironmentRef, RawMap, RawOperator,
    RawOrganization, RawOrganizationObject, RawPortalEnvironment, RawPortalOrganization, Text,
    Texts,
};
use crate::source::Spotted;
use portalctl_model::codes::manifest as codes;

/// What stands around a spec.
const ENVELOPE: Shape = Shape {
    name: "a resource",
    fields: &["apiVersion", "kind", "metadata", "spec", "status"],
    elsewhere: &[],
};

pub(super) const ENVIRONMENT: Shape = Shape {
    name: "the spec of a PortalEnvironment",
    fields: &[
        "secret_ref",
        "api_key",
        "client_id",
        "name",
        "manifest",
        "return_urls",
        "limits",
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
    elsewhere: &[
        ("allowed_hosts", "it belongs under `return_urls`"),
        (
            "defaults",
            "a resource has no defaults: say it in each PortalOrganization",
        ),
        (
            "organizations",
            "write a PortalOrganization for each of them",
        ),
    ],
};

/// Said of fields that give powers to one entry of a manifest.
const POWERS: &str = "in Kubernetes, powers are the PortalEnvironment's only: see `allowAdoption`";

pub(super) const ORGANIZATION: Shape = Shape {
    name: "the spec of a PortalOrganization",
    fields: &[
        "environment_ref",
        "key",
        "name",
        "id",
        "external_id",
        "previous_keys",
        "domains",
        "domains_policy",
        "intents",
        "return_url",
        "metadata",
        "remove_metadata",
        "it_contacts",
        "invite",
        "protect",
        "stripe_customer_id",
        "allow_profiles_outside_organization",
        "audit_logs",
        "ignore_fields",
        "allow_shared_domain",
        "allow_same_name",
        "deletion_policy",
        "management_policy",
        "suspend",
        "recreate",
    ],
    elsewhere: &[
        ("claim", POWERS),
        ("allow", POWERS),
        (
            "state",
            "in Kubernetes, an organization is deleted with its resource: see `deletionPolicy`",
        ),
        (
            "success_url",
            "it belongs to an intent: `{ intent: sso, success_url: … }`",
        ),
        (
            "warn_days",
            "it belongs to an intent: `{ intent: certificate_renewal, warn_days: 45 }`",
        ),
    ],
};

const ENVIRONMENT_REF: Shape = Shape::new("`environmentRef`", &["name", "namespace"]);

/// Decodes a `PortalEnvironment`.
pub(crate) fn portal_environment(
    reader: &mut Reader<'_>,
    root: &Node,
) -> Option<RawPortalEnvironment> {
    let (object, spec) = wrapped(reader, root, Kind::PortalEnvironment)?;
    let fields = reader.fields(spec, "`spec`", &ENVIRONMENT)?;
    reader.has(
        spec,
        fields,
        "secret_ref",
        "the spec",
        "the Secret that holds the API key",
    );
    let operator = RawOperator {
        name: Some(as_field(&object.name)),
        namespace: object.namespace.as_ref().map(as_field),
        ..operator::operator(reader, fields)
    };
    let environment = RawEnvironment {
        name: reader
            .field(fields, "name", Reader::text)
            .or_else(|| Some(as_field(&object.name))),
        api_key: reader.field(fields, "api_key", Reader::text),
        client_id: reader.field(fields, "client_id", Reader::text),
    };
    let spot = reader.spot(spec);
    let document = RawDocument {
        version: None,
        manifest: reader.field(fields, "manifest", Reader::text),
        previous_manifests: None,
        environment: Some(Field::at(spot, environment)),
        return_urls: reader.field(fields, "return_urls", settings::return_urls),
        limits: reader.field(fields, "limits", settings::limits),
        defaults: None,
        kubernetes: Some(Field::at(spot, operator)),
        organizations: None,
    };
    Some(RawPortalEnvironment { object, document })
}

/// Decodes a `PortalOrganization`.
pub(crate) fn portal_organization(
    reader: &mut Reader<'_>,
    root: &Node,
) -> Option<RawPortalOrganization> {
    let (object, spec) = wrapped(reader, root, Kind::PortalOrganization)?;
    let decoded = organization::with_shape(reader, spec, "`spec`", &ORGANIZATION)?;
    let fields = Fields::of(spec)?;
    let what = "with the `name` of a PortalEnvironment";
    reader.has(spec, fields, "environment_ref", "the spec", what);
    let removed = reader.field(fields, "remove_metadata", Reader::texts);
    let kubernetes = RawOrganizationObject {
        name: Some(as_field(&object.name)),
        namespace: object.namespace.as_ref().map(as_field),
        deletion_policy: reader.field(fields, "deletion_policy", Reader::text),
        management_policy: reader.field(fields, "management_policy", Reader::text),
        suspend: reader.field(fields, "suspend", Reader::boolean),
        recreate: reader.field(fields, "recreate", Reader::text),
    };
    let key = match reader.field(fields, "key", Reader::spotted_text) {
        Some(field) => field.value?,
        None => object.name.clone(),
    };
    Some(RawPortalOrganization {
        key,
        environment: reader.field(fields, "environment_ref", environment_ref),
        organization: RawOrganization {
            metadata: with_removals(reader, decoded.metadata, removed),
            kubernetes: Some(Field::at(reader.spot(spec), kubernetes)),
            ..decoded
        },
        object,
    })
}

/// Keys to remove, as a manifest says it: with null as their value.
fn with_removals(
    reader: &mut Reader<'_>,
    metadata: Option<Field<RawMap>>,
    removed: Option<Field<Texts>>,
) -> Option<Field<RawMap>> {
    let Some(Field { key, spot, value }) = removed else {
        return metadata;
    };
    let mut metadata = metadata.unwrap_or(Field {
        key,
        spot,
        value: Some(RawMap::default()),
    });
    let map = metadata.value.get_or_insert_default();
    for text in value.unwrap_or_default() {
        let same = map.entries.iter().find(|(key, _)| key.value == text.value);
        if let Some((earlier, _)) = same {
            let message = format!("the metadata key {} stands twice", quote(&text.value));
            reader.findings.push(
                Finding::new(codes::DUPLICATE_KEY, Severity::Error, message)
                    .at(text.spot)
                    .related(earlier.spot, "first declared here")
                    .help(
                        "keep one of the two: `metadata` sets keys, `removeMetadata` removes them",
                    ),
            );
            continue;
        }
        let spot = text.spot;
        map.entries.push((text, Spotted { value: None, spot }));
    }
    Some(metadata)
}

fn environment_ref(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<RawEnvironmentRef> {
    let fields = reader.fields(node, what, &ENVIRONMENT_REF)?;
    reader.has(
        node,
        fields,
        "name",
        what,
        "the name of a PortalEnvironment",
    );
    Some(RawEnvironmentRef {
        name: reader.field(fields, "name", Reader::text),
        namespace: reader.field(fields, "namespace", Reader::text),
    })
}

/// The object's name and its spec. Its status, labels and annotations say nothing here.
fn wrapped<'n>(reader: &mut Reader<'_>, root: &'n Node, kind: Kind) -> Option<(Object, &'n Node)> {
    let what = kind.as_str();
    let fields = reader.fields(root, what, &ENVELOPE)?;
    let needs = format!("a {what}");
    reader.has(root, fields, "metadata", &needs, "with the object's `name`");
    reader.has(root, fields, "spec", &needs, "which says what is wanted");
    let object = reader
        .field(fields, "metadata", metadata)
        .and_then(|field| field.value);
    Some((object?, fields.get("spec")?))
}

fn metadata(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Object> {
    let Value::Map(_) = &node.value else {
        reader.wrong_type(
            node,
            what,
            "a mapping",
            Some("write `name:` below it".to_owned()),
        );
        return None;
    };
    let fields = Fields::of(node)?;
    reader.has(node, fields, "name", what, "the name of the object");
    let name = reader.field(fields, "name", Reader::spotted_text);
    let namespace = reader.field(fields, "namespace", Reader::spotted_text);
    Some(Object {
        name: name?.value?,
        namespace: namespace.and_then(|field| field.value),
    })
}

fn as_field(text: &Spotted<Text>) -> Field<Text> {
    Field::at(text.spot, text.value.clone())
}
