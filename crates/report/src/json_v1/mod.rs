//! JSON documents, format version 1: fields are added, never renamed or removed.
//!
//! The types here are the published schemas (`portalctl schema plan`, `apply`, `status`).

mod apply;
mod changed;
mod diff;
mod doctor;
mod domains;
mod envelope;
mod ids;
mod import;
mod invite;
mod link;
mod plan;
mod readiness;
mod revoke_link;
mod status;
mod validate;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

pub use crate::problem::ErrorItem;
pub use apply::{ApplyDocument, apply, failed_apply};
pub use changed::{
    ChangedDocument, ChangedIntentItem, ChangedOrganizationItem, changed, changed_document,
};
pub use diff::{DiffDocument, diff, failed_diff};
pub use doctor::{CheckItem, DoctorDocument, doctor, failed_doctor};
pub use domains::{DnsItem, DomainItem, DomainsDocument, RecordItem, domains, failed_domains};
pub use envelope::Envelope;
pub use ids::{IdsDocument, failed_ids, ids};
pub use import::{ImportDocument, failed_import, import};
pub use invite::{InviteDocument, failed_invite, invite};
pub use link::{
    LinkDocument, UrlItem, WaitDocument, WaitItem, failed_link, failed_wait, link, wait,
};
pub use plan::{PlanDocument, failed_plan, plan};
pub use revoke_link::{RevokeLinkDocument, failed_revoke_link, revoke_link};
pub use status::{StatusDocument, failed_status, status};
pub use validate::{ValidateDocument, failed_validate};

/// Returns the JSON Schema of a document; every field that is always written is required.
pub fn schema<T: JsonSchema>() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>().into()
}
