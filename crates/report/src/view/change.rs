//! Signs, reasons and field names of changes.

use portalctl_core::identity::MatchedBy;
use portalctl_core::plan::{ActionKind, Change, FieldChange, Reason};
use portalctl_model::desired::{Dependent, FieldPath};

use super::{Emails, Tone};

/// Returns the sign of an action and its meaning.
pub(crate) const fn action_sign(kind: ActionKind) -> (Tone, &'static str) {
    match kind {
        ActionKind::Create => (Tone::Good, "+"),
        ActionKind::Adopt | ActionKind::Update => (Tone::Notice, "~"),
        ActionKind::Invite => (Tone::Notice, "@"),
        ActionKind::Delete => (Tone::Bad, "-"),
    }
}

/// Returns the reason for a change, unless its fields tell it.
pub(crate) fn surprising_reason(change: &Change) -> Option<String> {
    match &change.reason {
        Reason::Missing
        | Reason::NotInvited
        | Reason::Saved(_)
        | Reason::Differs(MatchedBy::Id | MatchedBy::ExternalId) => None,
        Reason::Differs(MatchedBy::PreviousKey(_))
        | Reason::Renamed(_)
        | Reason::HoldsDomain(_)
        | Reason::DomainNotDeclared
        | Reason::DomainMoves { .. }
        | Reason::FormerName(_)
        | Reason::NotDeclared
        | Reason::DeclaredAbsent
        | Reason::ShorterRetention
        | Reason::LiftsProtection
        | Reason::TrustedDomain => Some(change.reason.to_string()),
    }
}

/// Returns the name of a field; a contact's address is masked on request.
pub(crate) fn field_name(path: &FieldPath, emails: Emails) -> String {
    match path {
        FieldPath::ItContact(email) => format!("it_contacts.{}", emails.show(email.as_str())),
        _ => path.shown(),
    }
}

/// Returns whether a value of a field is shown without quotes: the field's name says what it is.
pub(crate) const fn is_bare_value(field: &FieldChange) -> bool {
    matches!(
        field,
        FieldChange::Domain { .. } | FieldChange::ItContact(_)
    )
}

/// Returns the noun of the kind that a field is of, as short forms say it.
pub(crate) fn group(path: &FieldPath) -> &'static str {
    match path {
        FieldPath::Name => "name",
        FieldPath::ExternalId => "external id",
        FieldPath::StripeCustomerId => "Stripe customer",
        FieldPath::OutsideProfiles => "profiles from outside",
        FieldPath::State => "state",
        FieldPath::Domain(_) => "domains",
        FieldPath::ItContact(_) => "IT contacts",
        FieldPath::Metadata(_) => "metadata",
        FieldPath::Connection(_) | FieldPath::Dependent(Dependent::Connections) => "connections",
        FieldPath::Directory(_) | FieldPath::Dependent(Dependent::Directories) => "directories",
        FieldPath::RetentionDays | FieldPath::Dependent(Dependent::AuditLogs) => "audit logs",
        FieldPath::Dependent(Dependent::LogStream) => "log stream",
        FieldPath::Dependent(Dependent::Members) => "members",
        FieldPath::Whole(group) => group.as_str(),
    }
}
