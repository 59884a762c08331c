//! Error codes of WorkOS, each with the code of portalctl that explains it.
//!
//! Sources: the error answers of the WorkOS API description, and the error codes of its
//! documentation of single sign-on. A code that is not listed is shown as it came.

use super::{Code, api, domain, portal};

/// All codes of WorkOS that have a code of portalctl.
pub const ALL: &[(&str, Code)] = &[
    ("bad_request", api::REJECTED),
    (
        "both_saml_and_oidc_options_provided",
        api::CONNECTION_OPTIONS,
    ),
    ("concurrent_request", api::CONCURRENT_REQUEST),
    ("connection_invalid", portal::NO_CONNECTION),
    ("connection_type_not_supported", api::CONNECTION_OPTIONS),
    (
        "connection_type_or_options_required",
        api::CONNECTION_OPTIONS,
    ),
    ("domain_already_exists", api::DOMAIN_EXISTS),
    ("domain_already_verified", api::DOMAIN_ALREADY_VERIFIED),
    ("domain_verification_period_expired", domain::PERIOD_EXPIRED),
    (
        "domain_verified_by_other_organization",
        domain::VERIFIED_ELSEWHERE,
    ),
    ("entity_not_found", api::NOT_FOUND),
    ("external_id_already_used", api::EXTERNAL_ID_TAKEN),
    ("forbidden", api::FORBIDDEN),
    ("invalid_metadata", api::INVALID_METADATA),
    ("invalid_request", api::REJECTED),
    ("invalid_request_body", api::REJECTED),
    ("invalid_request_parameters", api::REJECTED),
    (
        "it_contact_invitation_already_active",
        portal::SETUP_LINK_ACTIVE,
    ),
    ("not_found", api::NOT_FOUND),
    ("organization_invalid", portal::NO_CONNECTION),
    ("organization_not_found", api::ORGANIZATION_NOT_FOUND),
    (
        "profile_not_allowed_outside_organization",
        portal::PROFILE_OUTSIDE,
    ),
    ("rate_limit_exceeded", api::RATE_LIMITED),
    (
        "stripe_customer_id_already_used",
        api::STRIPE_CUSTOMER_TAKEN,
    ),
    ("unauthorized", api::UNAUTHORIZED),
    ("unprocessable_entity", api::REJECTED),
];

/// Returns the code of portalctl for a code of WorkOS.
pub fn find(upstream: &str) -> Option<Code> {
    ALL.iter()
        .find(|(name, _)| *name == upstream)
        .map(|(_, code)| *code)
}

/// Returns the codes of WorkOS for a code of portalctl.
pub fn names(code: Code) -> impl Iterator<Item = &'static str> {
    ALL.iter()
        .filter(move |(_, ours)| *ours == code)
        .map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_names_each_code_once() {
        assert!(ALL.is_sorted_by(|(one, _), (next, _)| one < next));
    }
}
