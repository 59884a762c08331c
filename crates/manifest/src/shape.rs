//! The raw shape of a manifest, as editors see it and `import` writes it.
//!
//! Comes out: the JSON Schema (`schema/portal.schema.json`) and YAML or JSON through serde. The
//! comments here are the texts that an editor shows beside each field. Reading goes through
//! `decode`, which knows places; a test holds both to the same fields.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kubernetes::{EnvironmentObject, OrganizationObject};
use portalctl_model::{Allow, Intent};

/// The customers of your product and the WorkOS Admin Portal features each of them should have.
///
/// All files of a folder make one manifest: everything but `organizations` stands in one of
/// them only.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub struct Manifest {
    /// The version of this format: 1. Stands in exactly one file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("const" = 1))]
    pub version: Option<u32>,
    /// This manifest's own name: the owner mark on the organizations it creates. Needed for
    /// `--prune`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = KEY), length(max = 63), example = &"customers")]
    pub manifest: Option<String>,
    /// Names that this manifest had before: their owner marks count as its own, and are rewritten.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), inner(regex(pattern = KEY), length(max = 63)), example = ["customers"])]
    pub previous_manifests: Option<Vec<String>>,
    /// The WorkOS environment that this manifest is meant for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// Where the portal sends browsers back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_urls: Option<ReturnUrls>,
    /// How much one run may change. A run that would change more changes nothing of that kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// What holds for organizations that do not say otherwise. Mappings are merged by key; a
    /// list of an organization's own replaces the default list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defaults: Option<Defaults>,
    /// What only the Kubernetes form says; kept by `portalctl convert`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<EnvironmentObject>,
    /// Your customers, one organization each, by a short stable key of your own (`acme`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend(
        "propertyNames" = { "pattern": KEY, "maxLength": 63 },
        "defaultSnippets" = [{
            "label": "organization",
            "description": "A new customer",
            "body": {
                "${1:key}": {
                    "name": "${2:Customer Inc.}",
                    "domains": ["${3:customer.com}"],
                    "intents": ["${4:sso}"]
                }
            }
        }]
    ))]
    pub organizations: Option<BTreeMap<String, Organization>>,
}

/// A key: usable as the name of a Kubernetes object.
pub(super) const KEY: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// An absolute HTTPS URL, or one of this machine.
pub(super) const URL: &str =
    r"^(https://[^\s@#/?\\]+|http://(localhost|127\.[0-9.]+|\[::1\])(:[0-9]+)?)([/?][^\s#\\]*)?$";
/// A host name without scheme, port and path.
pub(super) const HOST: &str = r"^[^\s/:@*]+$";
/// A host name with a dot, in A-labels or Unicode, with or without a final dot.
pub(super) const DOMAIN: &str =
    r"^[^\s/:@*._-]([^\s/:@*._]*[^\s/:@*._-])?(\.[^\s/:@*._-]([^\s/:@*._]*[^\s/:@*._-])?)+\.?$";
/// An e-mail address, loosely.
pub(super) const EMAIL: &str = r"^[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+$";
/// What `ignore_fields` takes.
pub(super) const PATH: &str = r"^(name|external_id|stripe_customer_id|allow_profiles_outside_organization|audit_logs\.retention_days|domains(\..+)?|metadata(\..+)?|it_contacts(\..+)?)$";

/// The WorkOS environment that a manifest is meant for.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Its name, shown in every plan and report.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"production")]
    pub name: Option<String>,
    /// The kind of API key it takes. A key of the other kind is refused before any request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key: Option<KeyKind>,
    /// The client id of the environment. Must agree with `WORKOS_CLIENT_ID` when both are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^client_[A-Za-z0-9]+$"), example = &"client_01HXYZ")]
    pub client_id: Option<String>,
}

/// The kind of an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// `sk_test_…`: a staging environment.
    Test,
    /// `sk_live_…`: a production environment.
    Live,
}

/// Where the portal sends browsers back to.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnUrls {
    /// Where the portal's back link goes: a page of your app. HTTPS; `http://localhost` only
    /// with `api_key: test`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = URL), example = &"https://app.example.com/settings/portal")]
    pub default: Option<String>,
    /// The hosts that return and success URLs may name. Without it any host may be named.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), inner(regex(pattern = HOST)), example = ["app.example.com"])]
    pub allowed_hosts: Option<Vec<String>>,
    /// Where the portal redirects when an intent was finished, by intent; the return URL unless
    /// declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend(
        "propertyNames" = { "enum": Intent::ALL },
        "additionalProperties" = { "type": "string", "pattern": URL }
    ))]
    pub success: Option<BTreeMap<String, String>>,
}

/// How much one run may change.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The most organizations one run may create. Catches a key of another environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0), example = 20)]
    pub create: Option<u32>,
    /// The most organizations one run may update: a number, or a percentage of the existing
    /// ones (not applied below ten of them).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"30%")]
    pub update: Option<UpdateLimit>,
    /// The most organizations and domains one run may delete; 3 unless declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0), example = 3)]
    pub delete: Option<u32>,
}

/// A number of organizations, or a percentage of them.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum UpdateLimit {
    /// A number of organizations.
    Count(u32),
    /// A percentage from 1% to 100%.
    Percent(#[schemars(regex(pattern = r"^(100|[1-9][0-9]?) *%$"))] String),
}

/// What holds for organizations that do not say otherwise.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// The features of customers that list none themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intents: Option<Vec<IntentItem>>,
    /// Metadata of every organization; one's own keys win.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend(
        "propertyNames" = metadata_key(),
        "additionalProperties" = { "type": ["string", "null"], "maxLength": 600 }
    ))]
    pub metadata: Option<BTreeMap<String, Option<String>>>,
    /// The return URL of organizations that name none themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = URL))]
    pub return_url: Option<String>,
    /// What happens to domains that are live but not declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domains_policy: Option<DomainsPolicy>,
    /// Fields whose differences are left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(inner(regex(pattern = PATH)))]
    pub ignore_fields: Option<Vec<String>>,
    /// Never deleted, whatever the flags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protect: Option<bool>,
}

/// One customer. A field that is absent is not managed: WorkOS's value stays as it is.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "anyOf" = [{ "required": ["name"] }, { "required": ["id"] }],
    "allOf" = [{
        "if": { "required": ["state"] },
        "then": { "required": ["id"], "properties": { "protect": { "const": false } } }
    }],
))]
pub struct Organization {
    /// The display name. Required unless `id` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"\S"), example = &"Acme Corp")]
    pub name: Option<String>,
    /// Pins an existing organization by its WorkOS id. Such an entry never creates one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        regex(pattern = r"^org_[A-Za-z0-9]+$"),
        example = &"org_01EHZNVPK3SFK441A1RGBFSHRT"
    )]
    pub id: Option<String>,
    /// The external id at WorkOS; the key unless declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[!-~]([ -~]*[!-~])?$"), length(min = 1, max = 128))]
    pub external_id: Option<String>,
    /// External ids that the organization had before, so that renaming a key finds it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_keys: Option<Vec<String>>,
    /// The customer's domains. They are added, never removed, unless `domains_policy: exact`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = ["acme.com"])]
    pub domains: Option<Vec<DomainItem>>,
    /// What happens to domains that are live but not declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domains_policy: Option<DomainsPolicy>,
    /// The features of the Admin Portal that this customer should have. An empty list means
    /// none; without it those of `defaults` hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = ["sso", "dsync"])]
    pub intents: Option<Vec<IntentItem>>,
    /// This customer's own return URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = URL))]
    pub return_url: Option<String>,
    /// Metadata: a text to set, or null to remove the key. Other keys are left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend(
        "propertyNames" = metadata_key(),
        "additionalProperties" = { "type": ["string", "null"], "maxLength": 600 }
    ))]
    pub metadata: Option<BTreeMap<String, Option<String>>>,
    /// E-mail addresses of the customer's IT administrators. They are added, never removed. WorkOS
    /// sends contacts alerts, such as that of an expiring certificate, as soon as they are added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20), inner(regex(pattern = EMAIL)), example = ["ada@acme.com"])]
    pub it_contacts: Option<Vec<String>>,
    /// Whether WorkOS should e-mail the IT contacts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invite: Option<Invite>,
    /// Never deleted, whatever the flags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protect: Option<bool>,
    /// The customer's id at Stripe.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^cus_[A-Za-z0-9_]+$"))]
    pub stripe_customer_id: Option<String>,
    /// Whether profiles from outside the organization's domains may sign in. With `true`, single
    /// sign-on needs no verified domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_profiles_outside_organization: Option<bool>,
    /// Settings of audit logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_logs: Option<AuditLogs>,
    /// Fields whose differences are left alone, because something else manages them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(inner(regex(pattern = PATH)), example = ["name", "metadata.tier"])]
    pub ignore_fields: Option<Vec<String>>,
    /// Accepts that another organization has one of the domains. Both entries have to say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_shared_domain: Option<bool>,
    /// Accepts that another organization has the same name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_same_name: Option<bool>,
    /// Writes this manifest's owner mark on the organization, also where portalctl did not create
    /// it. Needs `manifest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<bool>,
    /// Permissions for this organization, each as good as its flag. One that is used up may go.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = ["adopt"])]
    pub allow: Option<Vec<Allow>>,
    /// `absent` deletes the organization with this `id`, and no other. Needs `id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<OrganizationState>,
    /// What only the Kubernetes form says; kept by `portalctl convert`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<OrganizationObject>,
}

/// What should be of an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationState {
    /// It is deleted, with its connections, directories and members.
    Absent,
}

/// Settings of audit logs.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditLogs {
    /// For how many days audit-log events are kept: 30 or 365. A shorter time than now needs
    /// `--allow-data-loss`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [30, 365]))]
    pub retention_days: Option<u16>,
}

/// `acme.com`, or with a state.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum DomainItem {
    /// A domain that the customer still has to prove.
    Name(#[schemars(regex(pattern = DOMAIN))] String),
    /// A domain with its state.
    Settings(DomainSettings),
}

/// A domain with its state.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DomainSettings {
    /// The domain, as in `acme.com`.
    #[schemars(regex(pattern = DOMAIN))]
    pub domain: String,
    /// Whether its ownership is still to be proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<DomainState>,
}

/// Whether the ownership of a domain is still to be proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DomainState {
    /// The customer proves it with a DNS record.
    Pending,
    /// It is asserted without proof when portalctl creates the organization; needs
    /// `--allow-trusted-domains`.
    Verified,
}

/// What happens to domains that are live but not declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DomainsPolicy {
    /// They are left alone.
    Add,
    /// They are removed.
    Exact,
}

/// Whether WorkOS should e-mail the IT contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Invite {
    /// Only when asked with `portalctl invite`.
    Never,
    /// Once, while something is left for them to set up.
    Once,
}

/// `sso`, or with options.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum IntentItem {
    /// An intent by its name.
    Name(Intent),
    /// An intent with options.
    Settings(IntentSettings),
}

/// An intent with options.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("allOf" = [
    {
        "if": { "required": ["warn_days"] },
        "then": { "properties": { "intent": { "const": "certificate_renewal" } } }
    }
]))]
pub struct IntentSettings {
    /// The feature.
    pub intent: Intent,
    /// Where the portal's back link goes for this intent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = URL))]
    pub return_url: Option<String>,
    /// Where the portal redirects when the customer finished; the return URL unless declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = URL))]
    pub success_url: Option<String>,
    /// From how many days before its end a certificate needs attention; 30 unless declared
    /// (`certificate_renewal` only).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 365))]
    pub warn_days: Option<u16>,
}

fn metadata_key() -> serde_json::Value {
    serde_json::json!({
        "minLength": 1,
        "maxLength": 40,
        "pattern": "^[ -~]+$",
        "not": { "pattern": "^portalctl_" }
    })
}
