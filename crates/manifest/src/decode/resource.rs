//! Decoding of Kubernetes resources: the fields of every object, and the two specs.
//!
//! The result has the types of a manifest, so that the same rules apply to both forms.

use crate::diagnostic::Finding;
use crate::kubernetes::Kind;
use crate::node::{Node, Value};
use crate::quote::quote;
use crate::raw::{Field, RawMap, Text, Texts};
use crate::reader::{Fields, Known, Reader, Required};
use crate::shape::{
    self, Place, PortalEnvironmentSpec, PortalOrganizationSpec, RawEnvironmentObject,
    RawEnvironmentRef, RawManifest, RawOrganization, RawOrganizationObject,
    RawPortalEnvironmentSpec, RawPortalOrganizationSpec,
};
use crate::source::Spotted;
use portalctl_model::codes::manifest as codes;

/// The name of a Kubernetes object.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) name: Spotted<Text>,
    pub(crate) namespace: Option<Spotted<Text>>,
}

/// A `PortalEnvironment`.
#[derive(Debug)]
pub(crate) struct RawPortalEnvironment {
    pub(crate) object: Object,
    pub(crate) manifest: RawManifest,
}

/// A `PortalOrganization`.
#[derive(Debug)]
pub(crate) struct RawPortalOrganization {
    pub(crate) object: Object,
    pub(crate) key: Spotted<Text>,
    pub(crate) environment: Option<Field<RawEnvironmentRef>>,
    pub(crate) organization: RawOrganization,
}

/// The fields around a spec.
struct Envelope;

impl Known for Envelope {
    fn called(&self) -> &'static str {
        "a resource"
    }

    fn names(&self) -> Vec<&'static str> {
        vec!["apiVersion", "kind", "metadata", "spec", "status"]
    }

    fn has(&self, name: &str) -> bool {
        self.names().contains(&name)
    }

    fn hint_about(&self, _: &str) -> Option<&'static str> {
        None
    }
}

/// Decodes a `PortalEnvironment`.
pub(crate) fn portal_environment(
    reader: &mut Reader<'_>,
    root: &Node,
) -> Option<RawPortalEnvironment> {
    let (object, spec) = wrapped(reader, root, Kind::PortalEnvironment)?;
    let RawPortalEnvironmentSpec {
        secret_ref,
        mut environment,
        manifest,
        return_urls,
        limits,
        operator,
    } = shape::decode::<PortalEnvironmentSpec>(reader, spec, "`spec`", Place::Kubernetes)?;
    environment.name = environment.name.or_else(|| Some(as_field(&object.name)));
    let spot = reader.spot(spec);
    let kubernetes = RawEnvironmentObject {
        name: Some(as_field(&object.name)),
        namespace: object.namespace.as_ref().map(as_field),
        secret_ref,
        operator,
    };
    let manifest = RawManifest {
        manifest,
        environment: Some(Field::at(spot, environment)),
        return_urls,
        limits,
        kubernetes: Some(Field::at(spot, kubernetes)),
        ..RawManifest::default()
    };
    Some(RawPortalEnvironment { object, manifest })
}

/// Decodes a `PortalOrganization`.
pub(crate) fn portal_organization(
    reader: &mut Reader<'_>,
    root: &Node,
) -> Option<RawPortalOrganization> {
    let (object, spec) = wrapped(reader, root, Kind::PortalOrganization)?;
    let RawPortalOrganizationSpec {
        environment_ref,
        key,
        organization,
        policies,
    } = shape::decode::<PortalOrganizationSpec>(reader, spec, "`spec`", Place::Kubernetes)?;
    let kubernetes = RawOrganizationObject {
        name: Some(as_field(&object.name)),
        namespace: object.namespace.as_ref().map(as_field),
        policies,
    };
    let key = match key {
        Some(Field { spot, value, .. }) => Spotted {
            value: value?,
            spot,
        },
        None => object.name.clone(),
    };
    let RawOrganization {
        metadata,
        remove_metadata,
        ..
    } = organization;
    Some(RawPortalOrganization {
        key,
        environment: environment_ref,
        organization: RawOrganization {
            metadata: with_removals(reader, metadata, remove_metadata),
            remove_metadata: None,
            kubernetes: Some(Field::at(reader.spot(spec), kubernetes)),
            ..organization
        },
        object,
    })
}

/// Adds the keys to remove to metadata, with null as their value, as a manifest has them.
fn with_removals(
    reader: &mut Reader<'_>,
    metadata: Option<Field<RawMap>>,
    removed: Option<Field<Texts>>,
) -> Option<Field<RawMap>> {
    let Some(Field {
        key, spot, value, ..
    }) = removed
    else {
        return metadata;
    };
    let mut metadata = metadata.unwrap_or(Field {
        key,
        spot,
        value: Some(RawMap::default()),
        is_null: false,
    });
    let map = metadata.value.get_or_insert_default();
    for text in value.unwrap_or_default() {
        let same = map.entries.iter().find(|(key, _)| key.value == text.value);
        if let Some((earlier, _)) = same {
            let message = format!("the metadata key {} stands twice", quote(&text.value));
            reader.findings.push(
                Finding::error(codes::DUPLICATE_KEY, message)
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

const fn required<'a>(name: &'static str, within: &'a str, hint: &'a str) -> Required<'a> {
    Required { name, within, hint }
}

/// Returns the object's name and its spec. Its status, labels and annotations have no meaning here.
fn wrapped<'n>(reader: &mut Reader<'_>, root: &'n Node, kind: Kind) -> Option<(Object, &'n Node)> {
    let what = kind.as_str();
    let fields = reader.fields(root, what, &Envelope)?;
    let needs = format!("a {what}");
    reader.require(
        root,
        fields,
        &required("metadata", &needs, "with the object's `name`"),
    );
    reader.require(
        root,
        fields,
        &required("spec", &needs, "which says what is wanted"),
    );
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
    reader.require(
        node,
        fields,
        &required("name", what, "the name of the object"),
    );
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
