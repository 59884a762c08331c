//! Fields of a manifest beside its organizations.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use super::field::Place;
use super::kind::{Nested, SetOf, Version};
use super::mapping::{self, InManifest};
use super::operator::EnvironmentObject;
use super::organization::{Organization, RawOrganization};
use super::overlay::Environments;
use super::settings::{EXTENSIONS, EntryDefaults, Environment, Limits, ReturnUrls, by_key_schema};
use super::text::{Key, TextKind};
use super::tree::Tree;
use crate::form::Form;
use crate::node::Node;
use crate::raw::Text;
use crate::reader::Reader;
use crate::source::Spotted;

mapping! {
    /// The customers of your product and the WorkOS Admin Portal features each of them should have.
    ///
    /// All files of a folder make one manifest: everything but `organizations` stands in one of
    /// them only.
    default struct Manifest / RawManifest, "a manifest",
        ignores(EXTENSIONS),
        instead(&[
            (
                "name",
                "the environment's name is `environment.name`, an organization's is `organizations.KEY.name`",
            ),
            ("intents", "intents belong to an organization, or to `defaults` for all of them"),
            ("allowed_hosts", "it belongs under `return_urls`"),
            (
                "api_key",
                "the kind of key belongs under `environment`; the key itself comes from WORKOS_API_KEY",
            ),
        ]),
        in_schema(|| json!({ "minProperties": 1, "patternProperties": { "^x-": true } })) {
        /// The version of this format: 1. Stands in exactly one file.
        version: Option<Version>;
        /// This manifest's own name: the owner mark on the organizations it creates. Needed for
        /// `--prune`.
        manifest: Option<Key>, example("customers");
        /// Names that this manifest had before: their owner marks count as its own, and are rewritten.
        previous_manifests: Option<SetOf<Key, 100, 1>>, example_list(&["customers"]);
        /// The WorkOS environment that this manifest is meant for.
        environment: Option<Nested<Environment>>;
        /// Return and success URLs of the portal.
        return_urls: Option<Nested<ReturnUrls>>;
        /// Limits on the changes of one run. A run that would exceed a limit changes nothing of that kind.
        limits: Option<Nested<Limits>>;
        /// Defaults of fields that an organization does not declare. Mappings are merged by key; a list of
        /// an organization's own replaces the default list.
        defaults: Option<EntryDefaults>;
        /// Sets of fields that several organizations share, by a name that organizations list under `use`.
        profiles: Option<Profiles>;
        /// The fields of each WorkOS environment, by its name: for a manifest of one file. In a
        /// folder, each is a file of `environments/` that begins with `overlay: NAME`.
        environments: Option<Environments>;
        /// Fields that only the Kubernetes form has; kept by `portalctl convert`.
        kubernetes: Option<Nested<EnvironmentObject>>;
        /// Your customers, one organization each, by a short stable key of your own (`acme`).
        organizations: Option<Organizations>;
    }
}

fn organizations_schema(generator: &mut SchemaGenerator) -> Schema {
    let organization = generator.subschema_for::<InManifest<Organization>>();
    let key = Key::text_schema(Form::Manifest);
    json_schema!({
        "type": "object",
        "propertyNames": { "pattern": key.get("pattern"), "maxLength": key.get("maxLength") },
        "additionalProperties": organization,
        "defaultSnippets": [{
            "label": "organization",
            "description": "A new customer",
            "body": {
                "${1:key}": {
                    "name": "${2:Customer Inc.}",
                    "domains": ["${3:customer.com}"],
                    "intents": ["${4:sso}"]
                }
            }
        }],
    })
}

kinds! {
    /// Sets of fields that organizations share, by name.
    Profiles: BTreeMap<String, Organization>, Vec<(Spotted<Text>, RawOrganization)>,
        |reader: &mut Reader<'_>, node, what| {
            reader.named(node, what, "enterprise: { protect: true }", |reader, node, what| {
                mapping::decode::<Organization>(reader, node, what, Place::Profile)
            })
        },
        |_, generator: &mut SchemaGenerator| by_key_schema(&generator.subschema_for::<InProfile>()),
        |plain: &BTreeMap<String, Organization>, form| {
            let entry = |(key, one): (&String, _)| (key.clone(), mapping::tree(one, form));
            Tree::Map(plain.iter().map(entry).collect())
        };
    /// The organizations of a manifest, by key.
    ///
    /// The entries are taken out of the tree later, without a copy, and decoded one by one after the
    /// defaults.
    Organizations: BTreeMap<String, Organization>, Vec<(Node, Node)>,
        |reader: &mut Reader<'_>, node, what| {
            let entries = reader.entries(node, what, "acme: { name: Acme Corp }");
            entries.map(|_| Vec::new())
        },
        |_, generator: &mut SchemaGenerator| organizations_schema(generator),
        |plain: &BTreeMap<String, Organization>, form| {
            let entry = |(key, one): (&String, _)| (key.clone(), mapping::tree(one, form));
            Tree::Map(plain.iter().map(entry).collect())
        };
}

/// Schema of a profile.
struct InProfile;

impl JsonSchema for InProfile {
    fn schema_name() -> Cow<'static, str> {
        "Profile".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        mapping::object::<Organization>(Place::Profile, generator)
    }
}
