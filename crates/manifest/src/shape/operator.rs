//! Operator settings of an environment: in a `PortalEnvironment`, and under `kubernetes` of a manifest
//! that was made from one.

use serde_json::json;

use super::kind::{Deletes, Flag, ListOf, Nested, Pace, SetOf};
use super::slot::{Group, OrDefault, Required};
use super::text::{
    AnyNamespace, ClusterId, Endpoint, IdPattern, Namespace, ObjectName, Poll, Resync, SecretKey,
    Sweep,
};

mapping! {
    /// The `PortalEnvironment` that the manifest is converted to: its name, its Secret, and how the
    /// operator works.
    default struct EnvironmentObject / RawEnvironmentObject, "`kubernetes`", kubernetes() {
        /// The object's name; made from the environment's name unless set.
        name: Option<ObjectName>;
        /// Its namespace.
        namespace: Option<Namespace>;
        /// The Secret in its namespace that holds the environment's API key.
        secret_ref: Option<Nested<KeyRef>>;
        /// How the operator works.
        @flatten operator: Group<OperatorSettings>;
    }
}

mapping! {
    /// How the operator works: pace, intervals, and what it may do.
    default struct OperatorSettings / RawOperatorSettings, "`kubernetes`", kubernetes() {
        /// Another endpoint than `https://api.workos.com`. It is sent the API key.
        api_url: Option<Endpoint>;
        /// The most requests a second. WorkOS allows 100 for each API key, shared with the application
        /// that uses the same one.
        requests_per_second: OrDefault<Pace>;
        /// How often WorkOS is asked for what has changed.
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
        /// Whether an existing organization that nobody claims may be taken over when it holds one of
        /// the declared domains, verified.
        allow_adoption: OrDefault<Flag>;
        /// Whether another external id may be written over the one that an organization has. Without
        /// it, the external id that it has now has to be listed in `previousKeys`.
        allow_rekey: OrDefault<Flag>;
        /// Whether domains that are declared as `verified` are created so, although nobody has proven
        /// them to WorkOS. Without it they are created pending.
        allow_trusted_domains: OrDefault<Flag>;
        /// Whether `domainsPolicy: exact` removes verified domains, too. Sign-in by them stops.
        allow_domain_removal: OrDefault<Flag>;
        /// Whether `auditLogs.retentionDays` may be shorter than it is at WorkOS. Events that are older
        /// are deleted for good.
        allow_data_loss: OrDefault<Flag>;
        /// Whether deleting a PortalOrganization with `deletionPolicy: Delete` deletes the organization
        /// at WorkOS, with its connections and directories. One that is in use is not deleted unless
        /// `allowActiveDeletion` is set, too.
        allow_deletion: OrDefault<Flag>;
        /// Whether organizations that are in use are deleted, too: with a connection, a directory, a
        /// verified domain, audit logs, a log stream or members. Of no effect without `allowDeletion`.
        allow_active_deletion: OrDefault<Flag>;
        /// The most organizations that are deleted within an hour. Those beyond it wait.
        max_deletes_per_hour: OrDefault<Deletes>;
        /// Stops all writing to WorkOS for the organizations of this environment; reading and reporting
        /// go on. The annotation `portalctl.dev/paused` does the same.
        suspend: OrDefault<Flag>;
        /// Where the secret of the webhook endpoint is. Signed webhooks only make the operator look
        /// sooner; without them it looks at its intervals.
        webhook: Option<Nested<Webhook>>;
    }
}

mapping! {
    /// The external ids that PortalOrganizations of one namespace may set.
    struct ExternalIdPatterns / RawExternalIdPatterns, "an item of `externalIdPatterns`",
        kubernetes() {
        /// The namespace of the PortalOrganizations.
        namespace: Required<Namespace>, required("the tenant's namespace");
        /// Patterns, one of which an external id has to match as a whole. `*` stands for any
        /// characters.
        patterns: Required<SetOf<IdPattern, 100, 1>>, required("what external ids may be");
    }
}

mapping! {
    /// A permission to take over what a PortalOrganization elsewhere held.
    struct Transfer / RawTransfer, "an item of `transfers`", kubernetes() {
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
    struct Webhook / RawWebhook, "`webhook`", kubernetes() {
        /// The Secret in this namespace that holds the secret with which WorkOS signs.
        secret_ref: Required<Nested<KeyRef>>,
            required("the Secret that holds the webhook's secret");
    }
}

mapping! {
    /// One key of a Secret.
    struct KeyRef / RawKeyRef, "`secretRef`", kubernetes() {
        /// The name of the Secret.
        name: Required<ObjectName>, required("the name of a Secret");
        /// The key within its data.
        key: Required<SecretKey>, required("the key within its data");
    }
}

mapping! {
    /// How often WorkOS is asked for what has changed. Times such as `90s`, `5m` or `1h30m`.
    default struct Intervals / RawIntervals, "`intervals`", kubernetes() {
        /// Between two looks at the environment's events, which tell what customers have done.
        poll: OrDefault<Poll>;
        /// Between two full listings of organizations, connections and directories.
        resync: OrDefault<Resync>;
        /// In which what can only be asked organization by organization is asked once for each: audit
        /// logs, log streams, certificates.
        sweep: OrDefault<Sweep>;
    }
}
