//! Errors of WorkOS, with the statuses and codes that it documents.

use serde::Serialize;

/// Field that failed validation.
///
/// Source: the 422 answer of `GET /events` in the API description, the only one that shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Field or parameter.
    pub field: String,
    /// Code of the failure.
    pub code: String,
}

impl FieldError {
    /// Returns a failed field.
    pub fn new(field: impl Into<String>, code: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            code: code.into(),
        }
    }
}

/// Reason why a request is refused. The text is the `message` of the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Object not found.
    #[error("{kind} not found: '{id}'.")]
    NotFound {
        /// Kind of the object.
        kind: &'static str,
        /// Given id.
        id: String,
    },
    /// Body is not a JSON object.
    #[error("{0}")]
    InvalidBody(String),
    /// Fields or parameters that are not acceptable.
    #[error("Validation failed.")]
    Invalid(Vec<FieldError>),
    /// Another organization of the environment has the external id.
    #[error("The external_id '{0}' is already used by another organization.")]
    ExternalIdUsed(String),
    /// Another organization has the Stripe customer id.
    #[error("The stripe_customer_id '{0}' is already used by another organization.")]
    StripeCustomerIdUsed(String),
    /// Metadata breaks a limit.
    #[error("Invalid metadata: {0}.")]
    InvalidMetadata(String),
    /// Organization has the domain already.
    #[error("Domain already exists for this organization.")]
    DomainExists,
    /// Domain is verified for another organization.
    #[error("The domain '{0}' is already verified by another organization.")]
    DomainVerifiedElsewhere(String),
    /// There is nothing left to verify.
    #[error("Domain is already verified.")]
    DomainAlreadyVerified,
    /// Organization has a contact with this address.
    #[error("An IT contact with this email already exists for this organization.")]
    ItContactExists,
    /// Organization has as many contacts as it may have.
    #[error("An organization can have at most {0} IT contacts.")]
    TooManyItContacts(usize),
    /// Another contact of the organization has an active invitation.
    #[error("The organization already has an active Admin Portal invitation.")]
    InvitationActive,
    /// Connection to create has options of both protocols.
    #[error("Provide either saml_options or oidc_options, not both.")]
    BothConnectionOptions,
    /// Connection to create has neither a type nor options.
    #[error("Provide a connection_type, saml_options or oidc_options.")]
    ConnectionTypeOrOptionsRequired,
    /// Connection of this type cannot be created by the API.
    #[error("Connections of type '{0}' cannot be created: SAML and OIDC only.")]
    ConnectionTypeNotSupported(String),
    /// Single sign-on needs a verified domain first.
    #[error(
        "A verified domain is required to activate SSO: verify one first, or allow profiles \
         from outside the organization's domains."
    )]
    NoVerifiedDomain,
    /// List of memberships names neither an organization nor a user.
    #[error("At least one of user_id or organization_id must be provided.")]
    NobodyNamed,
    /// Address of a webhook endpoint cannot be used.
    #[error("The endpoint URL must be an HTTPS URL.")]
    InvalidWebhookUrl,
    /// Another webhook endpoint has the address.
    #[error("A Webhook Endpoint with the same endpoint URL already exists.")]
    DuplicateWebhookUrl,
    /// Event that no webhook endpoint can be subscribed to.
    #[error("Validation failed: '{0}' is not an event that can be subscribed to.")]
    UnknownEvents(String),
    /// Account's plan does not include the feature.
    #[error("{0} is not enabled for this organization.")]
    NotEntitled(&'static str),
}

impl Refusal {
    /// There is no such object.
    pub fn not_found(kind: &'static str, id: &str) -> Self {
        Self::NotFound {
            kind,
            id: id.to_owned(),
        }
    }

    /// One field is not acceptable.
    pub fn invalid(field: FieldError) -> Self {
        Self::Invalid(vec![field])
    }

    /// Returns the HTTP status.
    ///
    /// Sources: the answers of each route in the API description.
    /// `DomainVerifiedElsewhere` is our choice among what is documented: creating and updating an
    /// organization answer 409 without naming a code, and the only conflict besides a domain that
    /// stands twice is this one; the code is the reason that the event
    /// `organization_domain.verification_failed` gives. Those of IT contacts are ours too.
    pub fn status(&self) -> u16 {
        match self {
            Self::InvalidBody(_)
            | Self::TooManyItContacts(_)
            | Self::ExternalIdUsed(_)
            | Self::StripeCustomerIdUsed(_)
            | Self::InvalidMetadata(_)
            | Self::DomainAlreadyVerified
            | Self::BothConnectionOptions
            | Self::ConnectionTypeOrOptionsRequired
            | Self::ConnectionTypeNotSupported(_)
            | Self::NobodyNamed => 400,
            Self::NotEntitled(_) => 403,
            Self::NotFound { .. } => 404,
            Self::DomainExists
            | Self::DomainVerifiedElsewhere(_)
            | Self::ItContactExists
            | Self::InvitationActive
            | Self::DuplicateWebhookUrl => 409,
            Self::Invalid(_)
            | Self::NoVerifiedDomain
            | Self::InvalidWebhookUrl
            | Self::UnknownEvents(_) => 422,
        }
    }

    /// Returns the `code` of the answer.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "entity_not_found",
            Self::InvalidBody(_) => "invalid_request_body",
            Self::Invalid(_) => "unprocessable_entity",
            Self::ExternalIdUsed(_) => "external_id_already_used",
            Self::StripeCustomerIdUsed(_) => "stripe_customer_id_already_used",
            Self::InvalidMetadata(_) => "invalid_metadata",
            Self::DomainExists => "domain_already_exists",
            Self::DomainVerifiedElsewhere(_) => "domain_verified_by_other_organization",
            Self::DomainAlreadyVerified => "domain_already_verified",
            Self::ItContactExists => "it_contact_already_exists",
            Self::TooManyItContacts(_) => "too_many_it_contacts",
            Self::InvitationActive => "it_contact_invitation_already_active",
            Self::BothConnectionOptions => "both_saml_and_oidc_options_provided",
            Self::ConnectionTypeOrOptionsRequired => "connection_type_or_options_required",
            Self::ConnectionTypeNotSupported(_) => "connection_type_not_supported",
            Self::NoVerifiedDomain => "verified_domain_required",
            Self::NobodyNamed => "missing_user_id_or_organization_id",
            Self::InvalidWebhookUrl => "invalid_url",
            Self::DuplicateWebhookUrl => "duplicate_endpoint",
            Self::UnknownEvents(_) => "invalid_request_parameters",
            Self::NotEntitled(_) => "forbidden",
        }
    }

    /// Returns the failed fields, where the answer lists them.
    pub fn fields(&self) -> &[FieldError] {
        match self {
            Self::Invalid(fields) => fields,
            _ => &[],
        }
    }
}
