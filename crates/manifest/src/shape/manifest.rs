//! Fields of a manifest beside its organizations.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::json;

use super::field::Place;
use super::kind::{Count, Nested, OneOf, SetOf, UrlByIntent, Version};
use super::mapping::{self, InManifest};
use super::operator::EnvironmentObject;
use super::organization::{Organization, RawOrganization};
use super::overlay::Environments;
use super::text::{ClientId, EnvironmentName, Host, Key, TextKind, Url, rules};
use super::tree::Tree;
use crate::form::Form;
use crate::node::{Node, Value as NodeValue};
use crate::raw::{Layered, Text};
use crate::reader::Reader;
use crate::source::Spotted;
use portalctl_model::desired::KeyKind;

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

mapping! {
    /// The WorkOS environment that a manifest is meant for.
    default struct Environment / RawEnvironment, "`environment`" {
        /// The environment's name, shown in every plan and report.
        name: Option<EnvironmentName>, example("production"),
            kubernetes_doc("The environment's name in plans and reports; the name of this object unless set.");
        /// The kind of API key it takes. A key of the other kind is refused before any request.
        api_key: Option<OneOf<KeyKind>>, kubernetes_doc(
            "The kind of API key that belongs to the environment. A key of the other kind is refused \
             before any request is made."
        );
        /// The client id of the environment. Must agree with `WORKOS_CLIENT_ID` when both are there.
        client_id: Option<ClientId>, example("client_01HXYZ"),
            kubernetes_doc("The client id of the environment (`client_…`). Not needed for requests.");
    }
}

mapping! {
    /// Return and success URLs of the portal.
    default struct ReturnUrls / RawReturnUrls, "`return_urls`",
        in_definition(|| json!({ "x-kubernetes-validations": rules([(
            "!has(self.allowedHosts) || !has(self.default) || !isURL(self.default) || self.default.startsWith('http://') || url(self.default).getHostname() in self.allowedHosts",
            "default names a host that is not one of allowedHosts: add it there if it is meant",
        )]) })) {
        /// Target of the portal's back link: a page of your app. HTTPS; `http://localhost` only with
        /// `api_key: test`.
        default: Option<Url>, example("https://app.example.com/settings/portal"),
            kubernetes_doc("Target of the portal's back link: a page of your app.");
        /// The hosts that return and success URLs may name. Without it any host may be named.
        allowed_hosts: Option<SetOf<Host, 100, 1>>, example_list(&["app.example.com"]), kubernetes_doc(
            "The hosts that return and success URLs may name. Without it any host may be named; a \
             changed URL is a phishing vector."
        );
        /// Target of the portal's redirect after an intent was finished, by intent; the return URL unless
        /// declared.
        success: Option<UrlByIntent>;
    }
}

mapping! {
    /// Limits on the changes of one run.
    default struct Limits / RawLimits, "`limits`" {
        /// The most organizations one run may create. Catches a key of another environment.
        create: Option<Count>, example_number(20), kubernetes_doc(
            "The most organizations that the operator creates within an hour; 50 unless declared. Those \
             beyond it wait. `portalctl apply` creates nothing when one run would create more."
        );
        /// The most organizations one run may update: a number, or a percentage of the existing
        /// ones (not applied below ten of them).
        update: Option<NumberOrPercentage>, example("30%"), kubernetes_doc(
            "The most organizations that are updated: a number, or a percentage of the existing ones \
             (not applied below ten of them)."
        );
        /// The most organizations and domains one run may delete; 3 unless declared.
        delete: Option<Count>, example_number(3), kubernetes_doc(
            "The most domains that are removed; 3 unless declared. Deleted organizations are counted by \
             `maxDeletesPerHour`, too."
        );
    }
}

/// A number of organizations, or a percentage of them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum UpdateLimit {
    /// A number of organizations.
    Count(u32),
    /// A percentage from 1% to 100%.
    Percent(#[schemars(regex(pattern = r"^(100|[1-9][0-9]?) *%$"))] String),
}

/// [`UpdateLimit`] as it is written.
#[derive(Debug, Clone)]
pub(crate) enum RawUpdateLimit {
    Count(i64),
    Text(Text),
}

impl Layered for RawUpdateLimit {}

fn update_limit(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<RawUpdateLimit> {
    match &node.value {
        NodeValue::Int(number) => Some(RawUpdateLimit::Count(*number)),
        NodeValue::Str(text) => Some(RawUpdateLimit::Text(text.clone())),
        _ => {
            let help = "write a whole number, or a percentage as in 30%".to_owned();
            reader.wrong_type(node, what, "a number or a percentage", Some(help));
            None
        }
    }
}

fn update_limit_schema(form: Form, generator: &mut SchemaGenerator) -> Schema {
    match form {
        Form::Manifest => generator.subschema_for::<UpdateLimit>(),
        Form::Kubernetes => json_schema!({
            "x-kubernetes-int-or-string": true,
            "maxLength": 5,
            "x-kubernetes-validations": rules([(
                "type(self) == int ? self >= 0 : self.matches('^(100|[1-9][0-9]?) *%$')",
                "must be a number, or a percentage from 1% to 100%",
            )]),
        }),
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

/// Returns the schema of a mapping of names to values.
pub(super) fn by_key_schema(values: &Schema) -> Schema {
    let key = Key::text_schema(Form::Manifest);
    json_schema!({
        "type": "object",
        "propertyNames": { "pattern": key.get("pattern"), "maxLength": key.get("maxLength") },
        "additionalProperties": values,
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
    /// A number of organizations, or a percentage of them.
    NumberOrPercentage: UpdateLimit, RawUpdateLimit, update_limit, update_limit_schema,
        |plain: &UpdateLimit, _| match plain {
            UpdateLimit::Count(count) => Tree::Number(*count),
            UpdateLimit::Percent(text) => Tree::Text(text.clone()),
        };
    /// Fields of an organization that hold for all of them.
    EntryDefaults: Organization, RawOrganization,
        |reader: &mut Reader<'_>, node, what| {
            mapping::decode::<Organization>(reader, node, what, Place::Defaults)
        },
        |_, generator: &mut SchemaGenerator| generator.subschema_for::<InDefaults>(),
        mapping::tree;
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

/// Beginning of the names of fields that are not read: room for anchors and for other tools.
pub(super) const EXTENSIONS: &str = "x-";

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

/// Schema of `defaults`.
struct InDefaults;

impl JsonSchema for InDefaults {
    fn schema_name() -> Cow<'static, str> {
        "Defaults".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        mapping::object::<Organization>(Place::Defaults, generator)
    }
}
