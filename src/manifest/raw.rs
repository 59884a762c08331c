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
    pub(super) environment: Option<Field<RawEnvironment>>,
    pub(super) return_urls: Option<Field<RawReturnUrls>>,
    pub(super) limits: Option<Field<RawLimits>>,
    pub(super) defaults: Option<Field<RawOrganization>>,
    /// Not decoded yet: that waits for the defaults, and spares holding all of them at once.
    pub(super) organizations: Option<Field<Vec<(Node, Node)>>>,
}

#[derive(Debug, Default)]
pub(super) struct RawEnvironment {
    pub(super) name: Option<Field<Text>>,
    pub(super) api_key: Option<Field<Text>>,
    pub(super) client_id: Option<Field<Text>>,
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
    pub(super) ignore_fields: Option<Field<Texts>>,
    pub(super) allow_shared_domain: Option<Field<bool>>,
    pub(super) allow_same_name: Option<Field<bool>>,
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
