//! Names of events.

/// Every event that the sandbox may write, comma-joined as `GET /events` takes them.
pub(crate) const EVERY_EVENT: &str = "organization.created,organization.updated,\
organization.deleted,organization_domain.created,organization_domain.updated,\
organization_domain.verified,organization_domain.deleted,organization_domain.verification_failed,\
connection.activated,connection.deactivated,connection.deleted,\
connection.saml_certificate_renewal_required,connection.saml_certificate_renewed,\
dsync.activated,dsync.deleted,vault.byok_key.verification_completed,vault.byok_key.deleted";
