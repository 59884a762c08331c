//! A manifest as it is written: decoded, not yet checked.
//!
//! Everything carries its place. `None` in a [`Field`] means that the field is there but was
//! refused, which has been reported; a field that is not there is `None` altogether. The two
//! are never the same: an absent field is not managed.

use super::node::Node;
use super::source::{Spot, Spotted};

/// A field: where its name stands, where its value stands, and the value.
#[derive(Debug, Clone)]
pub(super) struct Field<T> {
    pub(super) key: Spot,
    pub(super) spot: Spot,
    pub(super) value: Option<T>,
}

impl<T> Field<T> {
    /// A field that stands for something written at one place.
    pub(super) fn at(spot: Spot, value: T) -> Self {
        Self {
            key: spot,
            spot,
            value: Some(value),
        }
    }
}

/// The value of a field that is there and was not refused.
pub(super) fn good<T>(field: Option<&Field<T>>) -> Option<(&T, Spot)> {
    let field = field?;
    Some((field.value.as_ref()?, field.spot))
}

pub(super) type Text = Box<str>;
pub(super) type Texts = Vec<Spotted<Text>>;

/// One YAML document.
#[derive(Debug)]
pub(super) struct RawDocument {
    pub(super) version: Option<Field<i64>>,
    pub(super) manifest: Option<Field<Text>>,
    pub(super) previous_manifests: Option<Field<Texts>>,
    pub(super) environment: Option<Field<RawEnvironment>>,
    pub(super) return_urls: Option<Field<RawReturnUrls>>,
    pub(super) limits: Option<Field<RawLimits>>,
    pub(super) defaults: Option<Field<RawOrganization>>,
    pub(super) kubernetes: Option<Field<RawOperator>>,
    /// Not decoded yet: that waits for the defaults, and spares holding all of them at once.
    pub(super) organizations: Option<Field<Vec<(Node, Node)>>>,
}

#[derive(Debug, Default)]
pub(super) struct RawEnvironment {
    pub(super) name: Option<Field<Text>>,
    pub(super) api_key: Option<Field<Text>>,
    pub(super) client_id: Option<Field<Text>>,
}

/// What only Kubernetes says of an environment, and the object's own name.
#[derive(Debug, Default)]
pub(super) struct RawOperator {
    pub(super) name: Option<Field<Text>>,
    pub(super) namespace: Option<Field<Text>>,
    pub(super) secret_ref: Option<Field<RawKeyRef>>,
    pub(super) api_url: Option<Field<Text>>,
    pub(super) requests_per_second: Option<Field<i64>>,
    pub(super) intervals: Option<Field<RawIntervals>>,
    pub(super) allowed_namespaces: Option<Field<Texts>>,
    pub(super) external_id_patterns: Option<Field<Vec<RawExternalIdPatterns>>>,
    pub(super) transfers: Option<Field<Vec<RawTransfer>>>,
    pub(super) allow_adoption: Option<Field<bool>>,
    pub(super) allow_rekey: Option<Field<bool>>,
    pub(super) allow_trusted_domains: Option<Field<bool>>,
    pub(super) allow_domain_removal: Option<Field<bool>>,
    pub(super) allow_data_loss: Option<Field<bool>>,
    pub(super) allow_deletion: Option<Field<bool>>,
    pub(super) allow_active_deletion: Option<Field<bool>>,
    pub(super) suspend: Option<Field<bool>>,
    pub(super) max_deletes_per_hour: Option<Field<i64>>,
    pub(super) webhook: Option<Field<RawWebhook>>,
}

#[derive(Debug, Default)]
pub(super) struct RawExternalIdPatterns {
    pub(super) namespace: Option<Field<Text>>,
    pub(super) patterns: Option<Field<Texts>>,
}

#[derive(Debug, Default)]
pub(super) struct RawTransfer {
    pub(super) from_cluster: Option<Field<Text>>,
    pub(super) from_namespace: Option<Field<Text>>,
    pub(super) name: Option<Field<Text>>,
}

#[derive(Debug, Default)]
pub(super) struct RawKeyRef {
    pub(super) name: Option<Field<Text>>,
    pub(super) key: Option<Field<Text>>,
}

#[derive(Debug, Default)]
pub(super) struct RawIntervals {
    pub(super) poll: Option<Field<Text>>,
    pub(super) resync: Option<Field<Text>>,
    pub(super) sweep: Option<Field<Text>>,
}

#[derive(Debug, Default)]
pub(super) struct RawWebhook {
    pub(super) secret_ref: Option<Field<RawKeyRef>>,
}

/// What only Kubernetes says of an organization, and the object's own name.
#[derive(Debug, Default)]
pub(super) struct RawOrganizationObject {
    pub(super) name: Option<Field<Text>>,
    pub(super) namespace: Option<Field<Text>>,
    pub(super) deletion_policy: Option<Field<Text>>,
    pub(super) management_policy: Option<Field<Text>>,
    pub(super) suspend: Option<Field<bool>>,
    pub(super) recreate: Option<Field<Text>>,
}

/// A `PortalEnvironment`.
#[derive(Debug)]
pub(super) struct RawPortalEnvironment {
    pub(super) object: Object,
    pub(super) document: RawDocument,
}

/// A `PortalOrganization`.
#[derive(Debug)]
pub(super) struct RawPortalOrganization {
    pub(super) object: Object,
    pub(super) key: Spotted<Text>,
    pub(super) environment: Option<Field<RawEnvironmentRef>>,
    pub(super) organization: RawOrganization,
}

/// The name of a Kubernetes object.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) name: Spotted<Text>,
    pub(super) namespace: Option<Spotted<Text>>,
}

#[derive(Debug, Default)]
pub(super) struct RawEnvironmentRef {
    pub(super) name: Option<Field<Text>>,
    pub(super) namespace: Option<Field<Text>>,
}

#[derive(Debug, Default)]
pub(super) struct RawReturnUrls {
    pub(super) default: Option<Field<Text>>,
    pub(super) allowed_hosts: Option<Field<Texts>>,
    pub(super) success: Option<Field<RawMap>>,
}

#[derive(Debug, Default)]
pub(super) struct RawLimits {
    pub(super) create: Option<Field<i64>>,
    pub(super) update: Option<Field<RawUpdateLimit>>,
    pub(super) delete: Option<Field<i64>>,
}

#[derive(Debug, Clone)]
pub(super) enum RawUpdateLimit {
    Count(i64),
    Text(Text),
}

/// The fields of an organization, and those of `defaults`.
#[derive(Debug, Default)]
pub(super) struct RawOrganization {
    pub(super) id: Option<Field<Text>>,
    pub(super) external_id: Option<Field<Text>>,
    pub(super) previous_keys: Option<Field<Texts>>,
    pub(super) name: Option<Field<Text>>,
    pub(super) domains: Option<Field<Vec<RawDomain>>>,
    pub(super) domains_policy: Option<Field<Text>>,
    pub(super) intents: Option<Field<Vec<RawIntent>>>,
    pub(super) return_url: Option<Field<Text>>,
    pub(super) metadata: Option<Field<RawMap>>,
    pub(super) it_contacts: Option<Field<Texts>>,
    pub(super) invite: Option<Field<Text>>,
    pub(super) protect: Option<Field<bool>>,
    pub(super) stripe_customer_id: Option<Field<Text>>,
    pub(super) allow_profiles_outside_organization: Option<Field<bool>>,
    pub(super) audit_logs: Option<Field<RawAuditLogs>>,
    pub(super) ignore_fields: Option<Field<Texts>>,
    pub(super) allow_shared_domain: Option<Field<bool>>,
    pub(super) allow_same_name: Option<Field<bool>>,
    pub(super) claim: Option<Field<bool>>,
    pub(super) state: Option<Field<Text>>,
    pub(super) allow: Option<Field<Texts>>,
    pub(super) kubernetes: Option<Field<RawOrganizationObject>>,
}

/// Declared settings of audit logs.
#[derive(Debug, Default)]
pub(super) struct RawAuditLogs {
    pub(super) retention_days: Option<Field<i64>>,
}

/// `acme.com`, or `{ domain: acme.com, state: verified }`.
#[derive(Debug)]
pub(super) struct RawDomain {
    pub(super) domain: Spotted<Text>,
    pub(super) state: Option<Field<Text>>,
}

/// `sso`, or `{ intent: sso, success_url: … }`.
#[derive(Debug)]
pub(super) struct RawIntent {
    pub(super) intent: Spotted<Text>,
    pub(super) return_url: Option<Field<Text>>,
    pub(super) success_url: Option<Field<Text>>,
    pub(super) warn_days: Option<Field<i64>>,
}

/// A mapping whose keys are the user's own; `None` as a value is null.
#[derive(Debug, Default)]
pub(super) struct RawMap {
    pub(super) entries: Vec<(Spotted<Text>, Spotted<Option<Text>>)>,
}
