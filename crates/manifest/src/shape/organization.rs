//! One organization, and its items.

use schemars::{Schema, SchemaGenerator};
use serde_json::json;

use super::kind::{
    Flag, Item, ItemsOf, Metadata, Nested, OneOf, RetentionDays, SetOf, SomeOf, WarnDays,
};
use super::slot::{Group, OrDefault, Required};
use super::text::{
    DisplayName, Domain, Email, ExternalId, FormerId, Key, MetadataKey, Namespace, ObjectName,
    OrganizationId, Path, StripeCustomerId, TextKind, Url, rules,
};
use crate::form::Form;
use crate::raw::{Field, Text};
use crate::source::Spotted;
use portalctl_model::desired::{
    DeclaredDomainState, DeletionPolicy, DomainsPolicy, Invite, Management, OrganizationState,
    Recreate,
};
use portalctl_model::{Allow, Intent};

/// Hint for a field that tells organizations apart.
const PER_CUSTOMER: &str = "it differs between organizations: declare it on each of them";
/// Hint for a decision in a profile.
const DECISION: &str = "it is a decision about one organization: declare it there";
/// Hint for profiles in the Kubernetes form.
const NO_PROFILES: &str = "write the fields of the profile out, as `portalctl convert` does";
/// Hint for a power that an entry gives itself.
const POWERS: &str = "in Kubernetes, powers are the PortalEnvironment's only: see `allowAdoption`";

mapping! {
    /// One customer. A field that is absent is not managed: WorkOS's value stays as it is.
    default struct Organization / RawOrganization, "an organization",
        as_defaults(("`defaults`", "Defaults of fields that an organization does not declare.")),
        instead(&[
            ("success_url", "it belongs to an intent: `{ intent: sso, success_url: … }`"),
            ("warn_days", "it belongs to an intent: `{ intent: certificate_renewal, warn_days: 45 }`"),
            (
                "key",
                "the key is the name under `organizations`; `external_id` is what WorkOS knows",
            ),
        ]),
        in_schema(|| json!({
            "anyOf": [{ "required": ["name"] }, { "required": ["id"] }],
            "allOf": [{
                "if": { "required": ["state"], "properties": { "state": { "const": "absent" } } },
                "then": { "required": ["id"], "properties": { "protect": { "const": false } } }
            }],
        })) {
        /// The display name. Required unless `id` is given.
        name: Option<DisplayName>, not_in_profiles(PER_CUSTOMER), example("Acme Corp");
        /// Pins an existing organization by its WorkOS id. Such an entry never creates one.
        id: Option<OrganizationId>, not_in_profiles(PER_CUSTOMER), example("org_01EHZNVPK3SFK441A1RGBFSHRT"), kubernetes_doc(
            "Pins an existing organization by its WorkOS id. Such an organization is never created."
        );
        /// The external id at WorkOS; the key unless declared. To change it, list the former one in
        /// `previous_keys`.
        external_id: Option<ExternalId>, not_in_profiles(PER_CUSTOMER);
        /// External ids that the organization had before, so that it is found again.
        previous_keys: Option<SetOf<FormerId, 50>>, not_in_profiles(PER_CUSTOMER);
        /// The customer's domains. They are added, never removed, unless `domains_policy: exact`.
        domains: Option<ItemsOf<DomainSettings>>, not_in_profiles(PER_CUSTOMER), example_list(&["acme.com"]), in_definition(|| json!({
            "maxItems": 100,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["domain"],
        }));
        /// Treatment of domains that are live but not declared.
        domains_policy: Option<OneOf<DomainsPolicy>>,
            in_defaults("Treatment of domains that are live but not declared.");
        /// The features of the Admin Portal that this customer should have. An empty list means
        /// none; without it those of `defaults` hold.
        intents: Option<ItemsOf<IntentSettings>>, example_list(&["sso", "dsync"]),
            in_defaults("The features of customers that list none themselves."),
            kubernetes_doc(
                "The features of the Admin Portal that this customer should have. The customer's IT \
                 admin configures them in the portal; `status.intents` tells the progress."
            ),
            in_definition(|| json!({
                "maxItems": Intent::ALL.len(),
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["intent"],
            }));
        /// This customer's own return URL: the target of the portal's back link.
        return_url: Option<Url>,
            in_defaults("The return URL of organizations that name none themselves.");
        /// Metadata: a text to set, or null to remove the key. Other keys are left alone.
        metadata: Option<Metadata>,
            in_defaults("Metadata of every organization; an organization's own keys win."),
            kubernetes_doc("Metadata to set. Keys that are not named here are left alone.");
        /// Metadata keys to remove.
        remove_metadata: Option<SetOf<MetadataKey, 100>>, only(Form::Kubernetes);
        /// The customer's IT contacts, by e-mail address. They are added, never removed. WorkOS sends
        /// contacts alerts, such as that of an expiring certificate, as soon as they are added.
        it_contacts: Option<SetOf<Email, 20>>, example_list(&["ada@acme.com"]),
            in_schema(|| json!({ "maxItems": 20 }));
        /// Invitation of the IT contacts, which WorkOS sends by e-mail.
        invite: Option<OneOf<Invite>>, not_in_profiles(PER_CUSTOMER);
        /// Never deleted, whatever the flags.
        protect: Option<Flag>,
            in_defaults("Never deleted, whatever the flags."),
            kubernetes_doc("Never deleted, whatever the policies.");
        /// The customer's id at Stripe.
        stripe_customer_id: Option<StripeCustomerId>, not_in_profiles(PER_CUSTOMER);
        /// Allows profiles from outside the organization's domains to sign in. With `true`, single sign-on
        /// needs no verified domain.
        allow_profiles_outside_organization: Option<Flag>;
        /// Settings of audit logs.
        audit_logs: Option<Nested<AuditLogs>>;
        /// Fields whose differences are left alone, because something else manages them, by the paths
        /// that plans show: `name`, `metadata.tier`.
        ignore_fields: Option<SetOf<Path, 100>>, example_list(&["name", "metadata.tier"]),
            in_defaults("Fields whose differences are left alone.");
        /// Accepts that another organization has one of the domains. Both have to say so.
        allow_shared_domain: Option<Flag>;
        /// Accepts that another organization has the same name.
        allow_same_name: Option<Flag>;
        /// Writes this manifest's owner mark on the organization, also where portalctl did not create
        /// it. Needs `manifest`.
        claim: Option<Flag>, not_in_profiles(DECISION), not_in_kubernetes(POWERS);
        /// Permissions for this organization, each as good as its flag. One that is used up may go.
        allow: Option<SomeOf<Allow>>, example_list(&["adopt"]), not_in_profiles(DECISION), not_in_kubernetes(POWERS);
        /// `absent` deletes the organization with this `id`, and no other; it needs `id`. `excluded`
        /// leaves the organization alone in this environment.
        state: Option<OneOf<OrganizationState>>, not_in_profiles(DECISION), not_in_kubernetes(
            "in Kubernetes, an organization is deleted with its resource: see `deletionPolicy`"
        );
        /// Fields that only the Kubernetes form has; kept by `portalctl convert`.
        kubernetes: Option<Nested<OrganizationObject>>, only(Form::Manifest),
            not_in_profiles(DECISION);
        /// Profiles whose fields the organization takes: later ones win, and its own fields win over
        /// all of them.
        r#use: Option<SetOf<Key, 20>>, example_list(&["enterprise"]),
            not_in_profiles("a profile uses no other: list both on the organization"),
            not_in_kubernetes(NO_PROFILES);
    }
}

mapping! {
    /// Settings of audit logs.
    default struct AuditLogs / RawAuditLogs, "`audit_logs`" {
        /// Days for which audit-log events are kept: 30 or 365. A shorter time than now needs
        /// `--allow-data-loss`.
        retention_days: Option<RetentionDays>, kubernetes_doc(
            "Days for which audit-log events are kept: 30 or 365. A shorter time than now needs \
             `allowDataLoss` of the environment."
        );
    }
}

mapping! {
    /// A domain of the customer, with its state.
    struct DomainSettings / RawDomainSettings, "a domain" {
        /// The domain, as in `acme.com`.
        domain: Required<Domain>, required("as in `{ domain: acme.com, state: verified }`");
        /// State in which the domain is created; pending unless set.
        state: Option<OneOf<DeclaredDomainState>>;
    }
}

impl From<String> for DomainSettings {
    fn from(domain: String) -> Self {
        Self {
            domain,
            state: None,
        }
    }
}

impl Item for DomainSettings {
    const EITHER: (&'static str, &'static str) = ("DomainItem", "`acme.com`, or with a state.");
    const SHORT: &'static str = "A domain that the customer still has to prove.";
    const LONG: &'static str = "A domain with its state.";

    fn from_text(text: Spotted<Text>) -> RawDomainSettings {
        RawDomainSettings {
            domain: Some(Field::at(text.spot, text.value)),
            ..RawDomainSettings::default()
        }
    }

    fn as_text(&self) -> Option<&str> {
        self.state.is_none().then_some(&self.domain)
    }

    fn short(_: &mut SchemaGenerator) -> Schema {
        Domain::text_schema(Form::Manifest)
    }
}

mapping! {
    /// A feature of the Admin Portal, with its options.
    struct IntentSettings / RawIntentSettings, "an intent",
        in_schema(|| json!({ "allOf": [{
            "if": { "required": ["warn_days"] },
            "then": { "properties": { "intent": { "const": "certificate_renewal" } } }
        }] })),
        in_definition(|| json!({ "x-kubernetes-validations": rules([(
            "!has(self.warnDays) || self.intent == 'certificate_renewal'",
            "warnDays belongs to certificate_renewal: remove it from other intents",
        )]) })) {
        /// The feature, by the name that the WorkOS API has for it.
        intent: Required<OneOf<Intent>>, required("as in `{ intent: sso, success_url: … }`");
        /// Target of the portal's back link for this intent.
        return_url: Option<Url>;
        /// Target of the portal's redirect after the customer finished; the return URL unless set.
        success_url: Option<Url>;
        /// Days before its end at which a certificate needs attention; 30 unless declared
        /// (`certificate_renewal` only).
        warn_days: Option<WarnDays>;
    }
}

impl From<Intent> for IntentSettings {
    fn from(intent: Intent) -> Self {
        Self {
            intent,
            return_url: None,
            success_url: None,
            warn_days: None,
        }
    }
}

impl Item for IntentSettings {
    const EITHER: (&'static str, &'static str) = ("IntentItem", "`sso`, or with options.");
    const SHORT: &'static str = "An intent by its name.";
    const LONG: &'static str = "An intent with options.";

    fn from_text(text: Spotted<Text>) -> RawIntentSettings {
        RawIntentSettings {
            intent: Some(Field::at(text.spot, text.value)),
            ..RawIntentSettings::default()
        }
    }

    fn as_text(&self) -> Option<&str> {
        (*self == Self::from(self.intent)).then_some(self.intent.as_str())
    }

    fn short(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Intent>()
    }
}

mapping! {
    /// The `PortalOrganization` that an organization is converted to.
    default struct OrganizationObject / RawOrganizationObject, "`kubernetes`", only(Form::Kubernetes) {
        /// The object's name; the key unless set.
        name: Option<ObjectName>;
        /// The object's namespace; that of the environment unless set.
        namespace: Option<Namespace>;
        /// Policies of the operator.
        @flatten policies: Group<OrganizationPolicies>;
    }
}

mapping! {
    /// Policies of the operator for one organization.
    default struct OrganizationPolicies / RawOrganizationPolicies, "`kubernetes`", only(Form::Kubernetes) {
        /// Fate of the organization at WorkOS when this object is deleted.
        deletion_policy: OrDefault<OneOf<DeletionPolicy>>;
        /// Permission to write to WorkOS for this organization.
        management_policy: OrDefault<OneOf<Management>>;
        /// Stops all writing to WorkOS for this organization; reading and reporting go on. The
        /// annotation `portalctl.dev/paused` does the same.
        suspend: OrDefault<Flag>;
        /// Permission to create an organization again that was deleted at WorkOS by somebody else. It is
        /// used up by one creation: remove the field and set it again for another.
        recreate: Option<OneOf<Recreate>>;
    }
}
