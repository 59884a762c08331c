//! Overlays: the fields of one environment, over the manifest that all environments share.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use super::field::Place;
use super::kind::Nested;
use super::mapping::{self, InManifest};
use super::operator::EnvironmentObject;
use super::organization::{Organization, RawOrganization};
use super::settings::{EXTENSIONS, EntryDefaults, Environment, Limits, ReturnUrls, by_key_schema};
use super::slot::{Group, Required};
use super::text::Key;
use super::tree::Tree;
use crate::raw::Text;
use crate::reader::Reader;
use crate::source::Spotted;

/// Fields of the base, with what to do instead of writing them in an overlay.
const IN_BASE: &[(&str, &str)] = &[
    (
        "version",
        "it stands in the base, which all environments share",
    ),
    (
        "manifest",
        "it stands in the base, which all environments share",
    ),
    (
        "previous_manifests",
        "it stands in the base, which all environments share",
    ),
    (
        "profiles",
        "profiles stand in the base; `defaults` and organizations may differ here",
    ),
    ("environments", "an overlay is for one environment"),
    (
        "name",
        "the environment's name is that of the overlay, or `environment.name`",
    ),
    ("allowed_hosts", "it belongs under `return_urls`"),
    (
        "api_key",
        "the kind of key belongs under `environment`; the key itself comes from WORKOS_API_KEY",
    ),
];

mapping! {
    /// The fields of one WorkOS environment, over the manifest that all environments share.
    ///
    /// It stands in `environments/`, directly in the folder that -f names. Mappings are merged by key,
    /// lists replace lists, and null takes a field away.
    struct Overlay / RawOverlay, "an overlay",
        ignores(EXTENSIONS),
        instead(IN_BASE),
        in_schema(|| json!({ "patternProperties": { "^x-": true } })) {
        /// The name by which `--environment` and `PORTALCTL_ENVIRONMENT` choose this overlay; also the
        /// environment's name in plans and reports, unless `environment.name` is another.
        overlay: Required<Key>, required("the name of the environment, as in `overlay: production`"),
            example("production");
        /// The fields of the environment.
        @flatten content: Group<OverlayContent>;
    }
}

mapping! {
    /// The fields of one WorkOS environment.
    default struct OverlayContent / RawOverlayContent, "an environment", instead(IN_BASE) {
        /// The WorkOS environment.
        environment: Option<Nested<Environment>>;
        /// Return and success URLs of the portal.
        return_urls: Option<Nested<ReturnUrls>>;
        /// Limits on the changes of one run.
        limits: Option<Nested<Limits>>;
        /// Defaults of fields that an organization does not declare, over those of the base.
        defaults: Option<EntryDefaults>;
        /// Fields that only the Kubernetes form has; kept by `portalctl convert`.
        kubernetes: Option<Nested<EnvironmentObject>>;
        /// Fields of organizations that differ in this environment, by key.
        organizations: Option<Patches>;
    }
}

kinds! {
    /// Overlays, by name.
    Environments: BTreeMap<String, OverlayContent>, Vec<(Spotted<Text>, RawOverlayContent)>,
        |reader: &mut Reader<'_>, node, what| {
            reader.named(node, what, "production: { environment: { api_key: live } }", content)
        },
        |_, _: &mut SchemaGenerator| {
            let one = definition_in_overlay::<InManifest<OverlayContent>>();
            by_key_schema(&json_schema!({ "$ref": format!("#/$defs/{one}") }))
        },
        |plain: &BTreeMap<String, OverlayContent>, form| {
            let entry = |(key, one): (&String, _)| (key.clone(), mapping::tree(one, form));
            Tree::Map(plain.iter().map(entry).collect())
        };
    /// Fields of organizations that differ, by key.
    Patches: BTreeMap<String, Organization>, Vec<(Spotted<Text>, RawOrganization)>,
        |reader: &mut Reader<'_>, node, what| {
            reader.named(node, what, "acme: { id: org_… }", |reader, node, what| {
                mapping::decode::<Organization>(reader, node, what, Place::Patch)
            })
        },
        |_, generator: &mut SchemaGenerator| by_key_schema(&generator.subschema_for::<InPatch>()),
        |plain: &BTreeMap<String, Organization>, form| {
            let entry = |(key, one): (&String, _)| (key.clone(), mapping::tree(one, form));
            Tree::Map(plain.iter().map(entry).collect())
        };
}

fn content(
    reader: &mut Reader<'_>,
    node: &crate::node::Node,
    what: &str,
) -> Option<RawOverlayContent> {
    reader.in_patch(|reader| mapping::decode::<OverlayContent>(reader, node, what, Place::Manifest))
}

/// Returns the name of the definition that a type has where null takes fields away.
pub(crate) fn definition_in_overlay<T: JsonSchema>() -> String {
    in_overlay(&T::schema_name())
}

/// Returns the name that a definition has where null takes fields away.
pub(crate) fn in_overlay(name: &str) -> String {
    format!("{name}InOverlay")
}

/// Schema of an entry of an overlay.
struct InPatch;

impl JsonSchema for InPatch {
    fn schema_name() -> Cow<'static, str> {
        "OrganizationPatch".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        mapping::object::<Organization>(Place::Patch, generator)
    }
}
