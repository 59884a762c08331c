//! Specs of the two Kubernetes resources.
//!
//! Their comments are what `kubectl explain` prints.

use serde_json::json;

use super::kind::Nested;
use super::operator::{KeyRef, OperatorSettings};
use super::organization::{Organization, OrganizationPolicies};
use super::settings::{Environment, Limits, ReturnUrls};
use super::slot::{Group, Required};
use super::text::{Key, Namespace, ObjectName, rules};
use crate::form::Form;

mapping! {
    /// One WorkOS environment: its API key, the return URLs of its portal, and the permissions of the
    /// operator.
    ///
    /// A PortalOrganization names the environment that it belongs to. Everything that could do harm is
    /// off or small until it is set here.
    struct PortalEnvironmentSpec / RawPortalEnvironmentSpec, "the spec of a PortalEnvironment",
        only(Form::Kubernetes),
        instead(&[
            ("allowed_hosts", "it belongs under `return_urls`"),
            ("defaults", "a resource has no defaults: say it in each PortalOrganization"),
            ("organizations", "write a PortalOrganization for each of them"),
        ]),
        in_definition(|| json!({ "x-kubernetes-validations": rules([
            (
                "!has(oldSelf.manifest) || (has(self.manifest) && self.manifest == oldSelf.manifest)",
                "manifest cannot be changed: the organizations created so far carry it as their owner mark",
            ),
            (
                "!has(self.allowDeletion) || !self.allowDeletion || has(self.manifest)",
                "allowDeletion needs manifest: only organizations with its owner mark are ever deleted",
            ),
            (
                "(has(self.apiKey) && self.apiKey == 'test') || !has(self.returnUrls) || !has(self.returnUrls.default) || self.returnUrls.default.startsWith('https://')",
                "returnUrls.default must use https: http://localhost is for environments with apiKey: test",
            ),
            (
                "(has(self.apiKey) && self.apiKey == 'test') || !has(self.returnUrls) || !has(self.returnUrls.success) || self.returnUrls.success.all(intent, self.returnUrls.success[intent].startsWith('https://'))",
                "success URLs must use https: http://localhost is for environments with apiKey: test",
            ),
        ]) })) {
        /// The Secret in this namespace that holds the environment's API key.
        secret_ref: Required<Nested<KeyRef>>, required("the Secret that holds the API key");
        /// The environment itself.
        @flatten environment: Group<Environment>;
        /// The owner mark on the organizations that are created. Nothing without this mark is ever
        /// deleted. Cannot be changed once it is set.
        manifest: Option<Key>;
        /// Return and success URLs of the portal.
        return_urls: Option<Nested<ReturnUrls>>;
        /// Limits on changes. `create` is for one hour; for the others, a pass that would exceed a limit
        /// changes nothing of that kind.
        limits: Option<Nested<Limits>>;
        /// Settings of the operator.
        @flatten operator: Group<OperatorSettings>;
    }
}

mapping! {
    /// One customer: its organization at WorkOS, and the Admin Portal features that it should have.
    ///
    /// A field that is absent is not managed: WorkOS's value stays as it is.
    struct PortalOrganizationSpec / RawPortalOrganizationSpec, "the spec of a PortalOrganization",
        only(Form::Kubernetes),
        instead(&[
            ("success_url", "it belongs to an intent: `{ intent: sso, success_url: … }`"),
            ("warn_days", "it belongs to an intent: `{ intent: certificate_renewal, warn_days: 45 }`"),
        ]),
        in_definition(|| json!({ "x-kubernetes-validations": rules([
            (
                "has(self.name) || has(self.id)",
                "name is required, unless id names an organization that exists at WorkOS",
            ),
            (
                "!has(self.invite) || self.invite != 'once' || (has(self.itContacts) && size(self.itContacts) > 0)",
                "invite: once needs itContacts: they are who WorkOS writes to",
            ),
            (
                "!has(self.domains) || size(self.domains) > 0 || (has(self.domainsPolicy) && self.domainsPolicy == 'exact')",
                "domains is empty: remove it to leave the domains alone, or set domainsPolicy: exact to remove every domain",
            ),
            (
                "!has(self.removeMetadata) || !has(self.metadata) || self.removeMetadata.all(key, !(key in self.metadata))",
                "a metadata key stands in metadata and in removeMetadata: remove it from one of them",
            ),
            (
                "!has(oldSelf.id) || (has(self.id) && self.id == oldSelf.id)",
                "id cannot be changed: write another PortalOrganization for another organization",
            ),
        ]) })) {
        /// The PortalEnvironment that the organization belongs to. Cannot be changed.
        environment_ref: Required<Nested<EnvironmentRef>>,
            required("with the `name` of a PortalEnvironment"),
            in_definition(|| json!({ "x-kubernetes-validations": rules([(
                "self == oldSelf",
                "environmentRef cannot be changed: write another PortalOrganization for another environment",
            )]) }));
        /// The customer's stable short key in plans and reports; the name of this object unless set.
        /// Cannot be changed.
        key: Option<Key>;
        /// The organization.
        @flatten organization: Group<Organization>;
        /// Policies of the operator.
        @flatten policies: Group<OrganizationPolicies>;
    }
}

mapping! {
    /// The PortalEnvironment that an organization belongs to.
    struct EnvironmentRef / RawEnvironmentRef, "`environmentRef`", only(Form::Kubernetes) {
        /// The environment's name.
        name: Required<ObjectName>, required("the name of a PortalEnvironment");
        /// The environment's namespace; the organization's own unless set. Another one has to be allowed by
        /// `allowedNamespaces` of the environment.
        namespace: Option<Namespace>;
    }
}
