//! Settings that a manifest and an overlay both have: the environment, URLs, limits and defaults.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::json;

use super::field::Place;
use super::kind::{Count, OneOf, SetOf, UrlByIntent};
use super::mapping;
use super::organization::{Organization, RawOrganization};
use super::text::{ClientId, EnvironmentName, Host, Key, TextKind, Url, rules};
use super::tree::Tree;
use crate::form::Form;
use crate::node::{Node, Value as NodeValue};
use crate::raw::{Layered, Text};
use crate::reader::Reader;
use portalctl_model::desired::KeyKind;

/// Beginning of the names of fields that are not read: room for anchors and for other tools.
pub(super) const EXTENSIONS: &str = "x-";

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
