//! Danger of changes: the order in which a reviewer has to see them.
//!
//! Goes in: a change. Comes out: its rank, most dangerous first. The plan itself stays in the order
//! in which it is applied.

use super::change::{Action, Change};
use super::field_change::FieldChange;
use portalctl_model::desired::DeclaredDomainState;
use portalctl_model::mark;

/// Rank of a change, most dangerous first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Danger {
    /// An organization is deleted, or audit-log events are.
    Delete,
    /// A domain of an organization changes, a new one counts as verified, or who may sign in does.
    Domain,
    /// An organization is taken over.
    Adopt,
    /// A mark of an owner, a holder or the protection changes, or the id that identifies the
    /// organization.
    Mark,
    /// WorkOS e-mails somebody.
    Invite,
    /// Other fields change.
    Update,
    /// An organization is created.
    Create,
}

impl Danger {
    /// Returns the rank of a change: that of its most dangerous part.
    pub fn of(change: &Change) -> Self {
        let of_action = match &change.action {
            Action::Delete(_) => Self::Delete,
            Action::Adopt(_) => Self::Adopt,
            Action::Invite(_) => Self::Invite,
            Action::Update(_) => Self::Update,
            Action::Create => Self::Create,
        };
        let is_new = change.action == Action::Create;
        let fields = change.fields.iter().filter_map(|field| {
            if is_new {
                of_new_field(field)
            } else {
                of_field(field)
            }
        });
        fields.chain([of_action]).min().unwrap_or(of_action)
    }

    /// Returns the reason why a reviewer has to look at a change of this rank; nothing for harmless ones.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Delete => "something is deleted for good",
            Self::Domain => "who may sign in changes",
            Self::Adopt => "an existing organization is taken over",
            Self::Mark => "owner, id or protection changes",
            Self::Invite => "WorkOS sends an e-mail",
            Self::Update | Self::Create => "",
        }
    }

    /// Returns whether a change of this rank may not be hidden behind others.
    pub fn is_grave(self) -> bool {
        self < Self::Update
    }
}

fn of_new_field(field: &FieldChange) -> Option<Danger> {
    let is_trusted = matches!(
        field,
        FieldChange::Domain {
            after: Some(DeclaredDomainState::Verified),
            ..
        }
    );
    let opens = matches!(
        field,
        FieldChange::OutsideProfiles {
            after: Some(true),
            ..
        }
    );
    (is_trusted || opens).then_some(Danger::Domain)
}

fn of_field(field: &FieldChange) -> Option<Danger> {
    match field {
        FieldChange::Domain { .. } | FieldChange::OutsideProfiles { .. } => Some(Danger::Domain),
        FieldChange::RetentionDays { before, after } => {
            let is_shorter = before.zip(*after).is_some_and(|(b, a)| u32::from(a) < b);
            is_shorter.then_some(Danger::Delete)
        }
        FieldChange::ExternalId { before, .. } => before.is_some().then_some(Danger::Mark),
        FieldChange::Metadata { key, before, .. } => {
            // Protection that is added only forbids; an owner that is added takes responsibility.
            let is_mark = match key.as_str() {
                mark::OWNER | mark::HOLDER => true,
                mark::PROTECT => before.is_some(),
                _ => false,
            };
            is_mark.then_some(Danger::Mark)
        }
        FieldChange::Name { .. }
        | FieldChange::StripeCustomerId { .. }
        | FieldChange::State
        | FieldChange::ItContact(_)
        | FieldChange::Connection { .. }
        | FieldChange::Directory { .. }
        | FieldChange::Dependent { .. } => None,
    }
}

/// Sorts items by the danger of their changes; equal ones keep their order.
pub fn most_dangerous_first<T>(items: &mut [T], change: impl Fn(&T) -> &Change) {
    items.sort_by_cached_key(|item| Danger::of(change(item)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::MatchedBy;
    use crate::plan::{Invitation, Reason};
    use portalctl_model::desired::Source;
    use portalctl_model::observed::DomainState;
    use portalctl_model::{Domain, Email, Intent, OrgKey, OrganizationId};

    fn change(action: Action, fields: Vec<FieldChange>) -> Change {
        Change {
            key: OrgKey::parse("acme").unwrap(),
            action,
            fields,
            reason: Reason::Differs(MatchedBy::Id),
            source: Source::nowhere(),
        }
    }

    fn update(field: FieldChange) -> Change {
        change(Action::Update(id()), vec![field])
    }

    fn id() -> OrganizationId {
        OrganizationId::from_api("org_1")
    }

    fn domain(after: Option<DeclaredDomainState>) -> FieldChange {
        FieldChange::Domain {
            domain: Domain::parse("acme.com").unwrap(),
            before: after.is_none().then_some(DomainState::Verified),
            after,
        }
    }

    fn metadata(key: &str) -> FieldChange {
        FieldChange::metadata(key, None, Some("x".to_owned()))
    }

    fn removed(key: &str) -> FieldChange {
        FieldChange::metadata(key, Some("true".to_owned()), None)
    }

    #[test]
    fn the_most_dangerous_part_of_a_change_decides() {
        let pending = || domain(Some(DeclaredDomainState::Pending));
        let retention = |before, after| FieldChange::RetentionDays {
            before: Some(before),
            after: Some(after),
        };
        let wanted = [Intent::Sso];
        let contact = Email::parse("ada@acme.com").unwrap();
        let invitation = Invitation::to(None, contact, wanted).unwrap();
        let in_order = [
            (Danger::Delete, change(Action::Delete(id()), Vec::new())),
            (Danger::Delete, update(retention(365, 30))),
            (Danger::Domain, update(pending())),
            (Danger::Domain, update(domain(None))),
            (
                Danger::Domain,
                change(
                    Action::Create,
                    vec![domain(Some(DeclaredDomainState::Verified))],
                ),
            ),
            (Danger::Domain, change(Action::Adopt(id()), vec![pending()])),
            (
                Danger::Adopt,
                change(Action::Adopt(id()), vec![metadata(mark::OWNER)]),
            ),
            (Danger::Mark, update(metadata(mark::OWNER))),
            (Danger::Mark, update(removed(mark::PROTECT))),
            (
                Danger::Invite,
                change(Action::Invite(invitation), Vec::new()),
            ),
            (Danger::Update, update(retention(30, 365))),
            (Danger::Update, update(metadata("tier"))),
            (Danger::Update, update(metadata(mark::PROTECT))),
            (
                Danger::Create,
                change(Action::Create, vec![pending(), metadata(mark::OWNER)]),
            ),
        ];
        for (danger, change) in &in_order {
            assert_eq!(Danger::of(change), *danger, "{change:?}");
        }
        let mut shuffled: Vec<&Change> = in_order.iter().rev().map(|(_, change)| change).collect();
        most_dangerous_first(&mut shuffled, |change| change);
        let ranks: Vec<Danger> = shuffled.into_iter().map(Danger::of).collect();
        let expected: Vec<Danger> = in_order.iter().map(|(danger, _)| *danger).collect();
        assert_eq!(ranks, expected);
        let graves = ranks.iter().filter(|danger| danger.is_grave()).count();
        assert_eq!(graves, 10);
    }
}
