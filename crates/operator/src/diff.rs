//! What WorkOS differs in, by entry, and what the operator may write. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::conditions::BlockedReason;
use super::conditions::Reason;
use portalctl_core::identity::Identities;
use portalctl_core::plan::{
    Action, ActionKind, Change, Flag, Held, HeldReason, Plan, Policy, Scope, Target,
    plan as make_plan,
};
use portalctl_model::codes::{Code, invite as invite_codes, plan as codes};
use portalctl_model::desired::{Desired, FieldPath};
use portalctl_model::observed::Observed;
use portalctl_model::text::escape;
use portalctl_model::{OrgKey, Selection, Unconfigured};
use portalctl_workos::observe::refresh;

/// What there is to do, and what is in its way.
#[derive(Debug, Clone, Default)]
pub(super) struct Diff {
    /// What WorkOS differs in, in words.
    pub(super) by_key: BTreeMap<OrgKey, Vec<String>>,
    /// What is not done, and what would allow it.
    pub(super) blocked: BTreeMap<OrgKey, BlockedReason>,
    /// Why IT contacts are not managed.
    pub(super) no_contacts: BTreeMap<OrgKey, String>,
    /// Contested domains, each with who has verified it and what resolves it.
    pub(super) contested: BTreeMap<OrgKey, Vec<String>>,
    /// Warnings of the plan that name no other resource.
    pub(super) warnings: BTreeMap<OrgKey, Vec<String>>,
}

/// Codes of the warnings that a resource is told: they are about its own organization alone.
const OWN_WARNINGS: [Code; 2] = [invite_codes::MAY_BE_SENT, codes::KEPT_DIFFERENTLY];

/// Works out what there is to do for some entries.
pub(super) fn plan(
    desired: &Desired,
    observed: &Observed,
    identities: &Identities,
    unconfigured: &Unconfigured,
    keys: BTreeSet<OrgKey>,
    target: &Target,
) -> Plan {
    let policy = Policy {
        // A former key is an explicit wish. What else would write over an external id is held
        // below.
        allow_rekey: true,
        ..Policy::default()
    };
    let target = Target {
        environment: desired.environment.name.clone(),
        manifest: desired.manifest.clone(),
        ..target.clone()
    };
    let selection = Selection::of(keys);
    let mut plan = make_plan(
        desired,
        observed,
        identities,
        unconfigured,
        policy,
        &selection,
        target,
    );
    let unasked = |change: &mut Change| writes_over_external_id(change, desired);
    if !desired.powers.rekey {
        let held = plan.changes.extract_if(.., unasked).map(|change| Held {
            change,
            reason: HeldReason::NeedsFlag,
            allow: Flag::AllowRekey,
            write: None,
        });
        let held: Vec<Held> = held.collect();
        plan.held.extend(held);
    }
    // Invitations are held when there are too many of them: that takes all of them to be known.
    let invites = |change: &Change| change.action.kind() == ActionKind::Invite;
    if plan.changes.iter().any(invites) && !refresh::knows_contacts(desired, observed, identities) {
        plan.changes.retain(|change| !invites(change));
    }
    plan
}

/// Whether a change takes an external id away that the entry does not say it had.
fn writes_over_external_id(change: &Change, desired: &Desired) -> bool {
    let former = desired
        .organizations
        .get(&change.key)
        .map(|entry| entry.previous_keys.as_slice())
        .unwrap_or_default();
    change
        .fields
        .iter()
        .filter(|field| field.path == FieldPath::ExternalId && field.after.is_some())
        .filter_map(|field| field.before.as_deref())
        .any(|before| !former.iter().any(|id| id.as_str() == before))
}

/// Tells a plan by entry.
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
        // A contested domain is in the way of nothing else.
        if matches!(conflict.scope, Scope::Domain(_)) {
            let contested = found.contested.entry(conflict.key.clone()).or_default();
            contested.push(message);
            continue;
        }
        let blocked = BlockedReason::new(Reason::Conflict, message);
        // A conflict goes before anything held.
        found.blocked.insert(conflict.key.clone(), blocked);
    }
    found
}

/// A change in one phrase, without values: they may be long, or an address.
fn in_words(change: &Change) -> String {
    let fields: Vec<String> = change
        .fields
        .iter()
        .map(|field| match &field.path {
            FieldPath::ItContact(_) => "it_contacts".to_owned(),
            path => escape(&path.to_string()).into_owned(),
        })
        .collect();
    match &change.action {
        Action::Create => "to be created".to_owned(),
        Action::Adopt(id) => format!("to be taken over: {id}"),
        Action::Update(_) if change.takes_hold_only() => {
            "the mark of its holder is to be written".to_owned()
        }
        Action::Update(_) => format!("differs in {}", fields.join(", ")),
        Action::Invite(_) => "an IT contact is to be invited".to_owned(),
        Action::Delete(id) => format!("to be deleted: {id}"),
    }
}

/// Why something is held, and what allows it: flags are the command line's.
fn why(held: &Held) -> String {
    match (&held.reason, held.allow) {
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
            "it waits for a change of the same organization that spec.limits hold".to_owned()
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
