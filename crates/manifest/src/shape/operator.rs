//! Operator settings of an environment: in a `PortalEnvironment`, and under `kubernetes` of a manifest
//! that was made from one.

use serde_json::json;

use super::kind::{Deletes, Flag, ListOf, Nested, Pace, SetOf};
use super::slot::{Group, OrDefault, Required};
use super::text::{
    AnyNamespace, ClusterId, Endpoint, IdPattern, Namespace, ObjectName, Poll, Resync, SecretKey,
    Sweep,
};
use crate::form::Form;

mapping! {
    /// The `PortalEnvironment` that the manifest is converted to: its name, its Secret, and the settings
    /// of the operator.
    default struct EnvironmentObject / RawEnvironmentObject, "`kubernetes`", only(Form::Kubernetes) {
        /// The object's name; made from the environment's name unless set.
        name: Option<ObjectName>;
        /// The object's namespace.
        namespace: Option<Namespace>;
        /// The Secret in its namespace that holds the environment's API key.
        secret_ref: Option<Nested<KeyRef>>;
        /// Settings of the operator.
        @flatten operator: Group<OperatorSettings>;
    }
}

mapping! {
    /// Settings of the operator: pace, intervals and permissions.
    default struct OperatorSettings / RawOperatorSettings, "`kubernetes`", only(Form::Kubernetes) {
        /// Another endpoint than `https://api.workos.com`. It is sent the API key.
        api_url: Option<Endpoint>;
        /// The most requests a second. WorkOS allows 100 for each API key, shared with the application
        /// that uses the same one.
        requests_per_second: OrDefault<Pace>;
        /// Intervals at which the operator reads WorkOS.
        intervals: OrDefault<Nested<Intervals>>;
        /// Other namespaces whose PortalOrganizations may belong to this environment; `*` stands for
        /// all of them. Without it only those of its own namespace.
        allowed_namespaces: OrDefault<SetOf<AnyNamespace, 500>>;
        /// The external ids that PortalOrganizations of other namespaces may set with `externalId`.
        /// Without it they may set only those that begin with `NAMESPACE.`; an organization that sets
        /// none gets `NAMESPACE.KEY`.
        external_id_patterns: OrDefault<ListOf<ExternalIdPatterns>>, in_definition(|| json!({
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["namespace"],
        }));
        /// Organizations that may be taken over from a PortalOrganization of another namespace, once it
        /// is gone, or of another cluster. Each item is one permission.
        transfers: OrDefault<ListOf<Transfer>>,
            in_definition(|| json!({ "x-kubernetes-list-type": "atomic" }));
        /// Allows the operator to take over an existing, unclaimed organization that has verified one of
        /// the declared domains.
        allow_adoption: OrDefault<Flag>;
        /// Allows the operator to replace the external id of an organization. Without it, the present
        /// external id has to be listed in `previousKeys`.
        allow_rekey: OrDefault<Flag>;
        /// Allows the operator to create domains as verified that are declared so, without a proof to
        /// WorkOS. Without it they are created pending.
        allow_trusted_domains: OrDefault<Flag>;
        /// Allows `domainsPolicy: exact` to remove verified domains, too. Sign-in by them stops.
        allow_domain_removal: OrDefault<Flag>;
        /// Allows `auditLogs.retentionDays` to be shorter than it is at WorkOS. Older events are deleted for
        /// good.
        allow_data_loss: OrDefault<Flag>;
        /// Allows the deletion of a PortalOrganization with `deletionPolicy: Delete` to delete the
        /// organization at WorkOS, with its connections and directories. An organization that is in use is
        /// not deleted unless `allowActiveDeletion` is set, too.
        allow_deletion: OrDefault<Flag>;
        /// Allows the deletion of organizations that are in use, too: with a connection, a directory, a
        /// verified domain, audit logs, a log stream or members. Of no effect without `allowDeletion`.
        allow_active_deletion: OrDefault<Flag>;
        /// The most organizations that are deleted within an hour. Those beyond it wait.
        max_deletes_per_hour: OrDefault<Deletes>;
        /// Stops all writing to WorkOS for the organizations of this environment; reading and reporting
        /// go on. The annotation `portalctl.dev/paused` does the same.
        suspend: OrDefault<Flag>;
        /// The webhook endpoint of the environment. Signed webhooks only make the operator read WorkOS
        /// sooner; without them it reads at its intervals.
        webhook: Option<Nested<Webhook>>;
    }
}

mapping! {
    /// The external ids that PortalOrganizations of one namespace may set.
    struct ExternalIdPatterns / RawExternalIdPatterns, "an item of `externalIdPatterns`",
        only(Form::Kubernetes) {
        /// The namespace of the PortalOrganizations.
        namespace: Required<Namespace>, required("the tenant's namespace");
        /// Patterns, one of which an external id has to match as a whole. `*` stands for any
        /// characters.
        patterns: Required<SetOf<IdPattern, 100, 1>>, required("what external ids may be");
    }
}

mapping! {
    /// A permission to take over what a PortalOrganization elsewhere held.
    struct Transfer / RawTransfer, "an item of `transfers`", only(Form::Kubernetes) {
        /// The cluster id of the former holder: the first part of the mark `portalctl_holder`.
        from_cluster: Required<ClusterId>, required("the cluster id of the former holder");
        /// The namespace of the former holder.
        from_namespace: Required<Namespace>, required("the namespace of the former holder");
        /// The name of the former holder; any in that namespace unless set.
        name: Option<ObjectName>;
    }
}

mapping! {
    /// A webhook endpoint.
    struct Webhook / RawWebhook, "`webhook`", only(Form::Kubernetes) {
        /// The Secret in this namespace that holds the secret with which WorkOS signs.
        secret_ref: Required<Nested<KeyRef>>,
            required("the Secret that holds the webhook's secret");
    }
}

mapping! {
    /// One key of a Secret.
    struct KeyRef / RawKeyRef, "`secretRef`", only(Form::Kubernetes) {
        /// The name of the Secret.
        name: Required<ObjectName>, required("the name of a Secret");
        /// The key within its data.
        key: Required<SecretKey>, required("the key within its data");
    }
}

mapping! {
    /// Intervals at which the operator reads WorkOS, such as `90s`, `5m` or `1h30m`.
    default struct Intervals / RawIntervals, "`intervals`", only(Form::Kubernetes) {
        /// Interval between two reads of the environment's events, which tell what customers have done.
        poll: OrDefault<Poll>;
        /// Interval between two full listings of organizations, connections and directories.
        resync: OrDefault<Resync>;
        /// Time in which every organization is asked once about its audit logs, log streams and
        /// certificates, which WorkOS tells for one organization at a time only.
        sweep: OrDefault<Sweep>;
    }
}
