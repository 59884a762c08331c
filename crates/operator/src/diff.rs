//! Differences between the desired and the observed state, and the part that may be written. Pure.
//!
//! Goes in: both states. Comes out: a plan, and its content in words for each entry.

use std::collections::{BTreeMap, BTreeSet};

use super::conditions::{BlockedReason, Reason};
use portalctl_core::identity::Identities;
use portalctl_core::plan::{
    Action, ActionKind, Change, FieldChange, Flag, Held, HeldReason, Plan, PlanInput, Policy,
    Scope, Target, plan as make_plan,
};
use portalctl_model::codes::{Code, invite as invite_codes, plan as codes};
use portalctl_model::desired::{Desired, FieldPath};
use portalctl_model::observed::Observed;
use portalctl_model::text::escape;
use portalctl_model::{OrgKey, Selection, Unconfigured};
use portalctl_workos::observe::refresh;

/// Content of a plan in words, by entry.
#[derive(Debug, Clone, Default)]
pub(super) struct Diff {
    /// Differences between WorkOS and the entry.
    pub(super) by_key: BTreeMap<OrgKey, Vec<String>>,
    /// Reasons why changes are not written, and what would allow them.
    pub(super) blocked: BTreeMap<OrgKey, BlockedReason>,
    /// Reasons why IT contacts are not managed.
    pub(super) no_contacts: BTreeMap<OrgKey, String>,
    /// Contested domains, each with its owner and a remedy.
    pub(super) contested: BTreeMap<OrgKey, Vec<String>>,
    /// Warnings of the plan that name no other resource.
    pub(super) warnings: BTreeMap<OrgKey, Vec<String>>,
}

/// Codes of the warnings that concern the resource's own organization alone.
const OWN_WARNINGS: [Code; 2] = [invite_codes::MAY_BE_SENT, codes::KEPT_DIFFERENTLY];

/// States that a plan compares.
pub(super) struct Input<'a> {
    /// Desired state.
    pub(super) desired: &'a Desired,
    /// Observed state.
    pub(super) observed: &'a Observed,
    /// Matches between both.
    pub(super) identities: &'a Identities,
    /// Declared intents that are not configured yet.
    pub(super) unconfigured: &'a Unconfigured,
    /// Target of the plan.
    pub(super) target: &'a Target,
}

/// Plans the changes of some entries.
pub(super) fn plan(input: &Input<'_>, keys: BTreeSet<OrgKey>) -> Plan {
    let Input {
        desired,
        observed,
        identities,
        unconfigured,
        target,
    } = *input;
    let policy = Policy {
        // A previous key is an explicit wish. Any other change of an external id is held below.
        allow_rekey: true,
        ..Policy::default()
    };
    let target = Target {
        environment: desired.environment.name.clone(),
        manifest: desired.manifest.clone(),
        ..target.clone()
    };
    let mut plan = make_plan(
        PlanInput {
            desired,
            observed,
            identities,
            unconfigured,
            policy,
            selection: &Selection::of(keys),
        },
        target,
    );
    if !desired.powers.rekey {
        let is_unasked = |change: &mut Change| replaces_external_id(change, desired);
        let unasked = plan.changes.extract_if(.., is_unasked);
        plan.held.extend(unasked.map(|change| Held {
            change,
            reason: HeldReason::NeedsFlag,
            flag: Flag::AllowRekey,
            permission: None,
        }));
    }
    // Too many invitations at once are held, so all of them have to be known first.
    let invites = |change: &Change| change.action.kind() == ActionKind::Invite;
    if plan.changes.iter().any(invites) && !refresh::knows_contacts(desired, observed, identities) {
        plan.changes.retain(|change| !invites(change));
    }
    plan
}

/// Returns whether a change replaces an external id that the entry does not list as a previous key.
fn replaces_external_id(change: &Change, desired: &Desired) -> bool {
    let declared = desired.organizations.get(&change.key);
    let is_former = |before: &str| {
        let mut former = declared.iter().flat_map(|entry| &entry.previous_keys);
        former.any(|id| id.as_str() == before)
    };
    change
        .fields
        .iter()
        .filter_map(|field| match field {
            FieldChange::ExternalId {
                before,
                after: Some(_),
            } => before.as_deref(),
            _ => None,
        })
        .any(|before| !is_former(before))
}

/// Describes a plan, by entry.
pub(super) fn of(plan: &Plan) -> Diff {
    let mut found = Diff::default();
    for change in &plan.changes {
        let told = found.by_key.entry(change.key.clone()).or_default();
        told.push(in_words(change));
    }
    for held in &plan.held {
        let key = &held.change.key;
        let told = in_words(&held.change);
        let message = format!("{told}: {}", why(held));
        found.by_key.entry(key.clone()).or_default().push(told);
        let blocked = BlockedReason::new(Reason::Held, message);
        found.blocked.entry(key.clone()).or_insert(blocked);
    }
    for warning in &plan.warnings {
        if warning.code == codes::CONTACTS_UNAVAILABLE {
            let told = warning.message.clone();
            found.no_contacts.insert(warning.key.clone(), told);
        } else if OWN_WARNINGS.contains(&warning.code) {
            let told = found.warnings.entry(warning.key.clone()).or_default();
            told.push(format!("{} ({})", warning.message, warning.code));
        }
    }
    for conflict in &plan.conflicts {
        let message = format!(
            "{} ({}); {}",
            conflict.message, conflict.code, conflict.help
        );
        // A contested domain stops only its own changes.
        if matches!(conflict.scope, Scope::Domain(_)) {
            let contested = found.contested.entry(conflict.key.clone()).or_default();
            contested.push(message);
            continue;
        }
        let blocked = BlockedReason::new(Reason::Conflict, message);
        // A conflict is more urgent than a change that is held.
        found.blocked.insert(conflict.key.clone(), blocked);
    }
    found
}

/// Describes a change in one phrase, without values: they may be long, or an address.
fn in_words(change: &Change) -> String {
    let fields: Vec<String> = change
        .fields
        .iter()
        .map(|field| match &field.path() {
            FieldPath::ItContact(_) => "it_contacts".to_owned(),
            path => escape(&path.to_string()).into_owned(),
        })
        .collect();
    match &change.action {
        Action::Create => "to be created".to_owned(),
        Action::Adopt(id) => format!("to be taken over: {id}"),
        Action::Update(_) if change.takes_hold_only() => {
            "the holder mark is to be written".to_owned()
        }
        Action::Update(_) => format!("differs in {}", fields.join(", ")),
        Action::Invite(_) => "an IT contact is to be invited".to_owned(),
        Action::Delete(id) => format!("to be deleted: {id}"),
    }
}

/// Describes why a change is held, and what allows it: flags are the command line's.
fn why(held: &Held) -> String {
    match (&held.reason, held.flag) {
        (HeldReason::LimitExceeded { planned, allowed }, flag)
            if held.change.action.kind() == ActionKind::Invite =>
        {
            format!(
                "{planned} invitations are due at once, and no more than {allowed} are sent \
                 unasked; if they are meant, run `portalctl apply {flag}` once"
            )
        }
        (HeldReason::LimitExceeded { planned, allowed }, _) => format!(
            "{planned} changes of this kind are due at once, and spec.limits of the \
             PortalEnvironment allow {allowed}; raise the limit if they are meant"
        ),
        (HeldReason::WaitsForHeld, _) => {
            "it waits for another change of the same organization, which spec.limits hold back"
                .to_owned()
        }
        (HeldReason::Saved(code), _) => code.to_string(),
        (HeldReason::HeldByAnother(rival), _) => format!("{rival} has it"),
        (HeldReason::MostlyUndeclared { marked, declared }, _) => {
            format!("only {declared} of {marked} organizations are declared")
        }
        (HeldReason::FilesSkipped { first, .. }, _) => format!("`{first}` was not read"),
        (HeldReason::PossibleRename { first, .. }, _) => {
            format!("`{first}` is created in the same pass, and may be the same customer")
        }
        (HeldReason::NeedsFlag, Flag::Adopt) => {
            "set allowAdoption on the PortalEnvironment, or pin the organization with spec.id"
                .to_owned()
        }
        (HeldReason::NeedsFlag, Flag::AllowRekey) => {
            "list the external id that it has now in previousKeys, or set allowRekey on the \
             PortalEnvironment"
                .to_owned()
        }
        (HeldReason::NeedsFlag, Flag::AllowDataLoss) => {
            "set allowDataLoss on the PortalEnvironment if older audit-log events are to be deleted"
                .to_owned()
        }
        (HeldReason::NeedsFlag, Flag::AllowDomainRemoval) => {
            "set allowDomainRemoval on the PortalEnvironment if verified domains are to be removed"
                .to_owned()
        }
        (HeldReason::NeedsFlag, Flag::AllowTrustedDomains) => {
            "set allowTrustedDomains on the PortalEnvironment".to_owned()
        }
        (HeldReason::NeedsFlag, flag) => format!(
            "the operator never does this; if it is meant, run `portalctl apply {flag}` once"
        ),
    }
}
