//! The plan of a run: made from the manifest and what is live, with warnings of what could not be read.
//!
//! Takes a manifest and the live state of a target. Returns a plan and the exit code of its guards. Sends
//! nothing, and renders nothing.

use std::collections::BTreeSet;

use super::exit::Exit;
use super::manifest::Manifest;
use super::session::LiveState;
use portalctl_core::plan::{Plan, PlanInput, Policy, Target, Warning, plan};
use portalctl_core::readiness::{Basis, Readiness};
use portalctl_model::codes::{api, plan as codes};
use portalctl_model::desired::{Desired, Invite};
use portalctl_model::observed::Observed;
use portalctl_model::{OrgKey, OrganizationId, mark};

/// The key of warnings that are about the manifest as a whole.
const MANIFEST: &str = "(manifest)";
/// The key of warnings that are about no single entry.
const SEVERAL: &str = "(several)";

/// Plans what was read from a target.
pub(super) fn make_plan(
    manifest: &Manifest,
    target: &Target,
    live: &LiveState,
    readiness: &Readiness,
    policy: Policy,
) -> Plan {
    let desired = &manifest.desired;
    let input = PlanInput {
        desired,
        observed: &live.observed,
        identities: &live.identities,
        unconfigured: &readiness.unconfigured(),
        policy,
        selection: &manifest.selection,
    };
    let mut plan = plan(input, target.clone());
    let mut warnings = unread(desired, &live.observed, readiness);
    warnings.extend(any_host(&plan));
    plan.warn(warnings);
    plan
}

/// Warns where people are sent somewhere, and nothing says which hosts are the app's.
fn any_host(plan: &Plan) -> Option<Warning> {
    plan.destinations.are_unbounded().then(|| Warning {
        key: OrgKey::undeclared(MANIFEST),
        code: codes::NO_ALLOWED_HOSTS,
        message: "return_urls.allowed_hosts is not declared, so a URL may lead to any host"
            .to_owned(),
    })
}

/// Returns the warnings of what could not be read: of each invitation that is not planned on account
/// of it, and of everything else.
fn unread(desired: &Desired, observed: &Observed, readiness: &Readiness) -> Vec<Warning> {
    let is_open = |id: &OrganizationId| {
        let live = observed.organizations.get(id);
        live.is_some_and(|live| !live.metadata.contains_key(mark::INVITED))
    };
    let mut warnings = Vec::new();
    for organization in &readiness.organizations {
        let declared = desired.organizations.get(&organization.key);
        let invites = declared.is_some_and(|entry| entry.invite == Invite::Once)
            && organization.organization_id.as_ref().is_some_and(is_open);
        let failed = organization.intents.iter().find_map(|intent| {
            let is_invitable = intent.intent.invite_name().is_some();
            match &intent.basis {
                Basis::Failed(why) if invites && is_invitable => Some((intent.intent, why)),
                _ => None,
            }
        });
        warnings.extend(failed.map(|(intent, why)| Warning {
            key: organization.key.clone(),
            code: api::READ_FAILED,
            message: format!(
                "nobody is invited in this run, because {intent} could not be read: {why}"
            ),
        }));
    }
    let told: BTreeSet<OrgKey> = warnings.iter().map(|warning| warning.key.clone()).collect();
    let others = readiness.warnings.iter();
    let others =
        others.filter(|it| it.keys.is_empty() || !it.keys.iter().all(|k| told.contains(k)));
    warnings.extend(others.map(|warning| Warning {
        key: match warning.keys.as_slice() {
            [key] => key.clone(),
            _ => OrgKey::undeclared(SEVERAL),
        },
        code: warning.code,
        message: warning.message.clone(),
    }));
    warnings
}

/// Returns the exit code of the guards that stop a plan, if any does.
pub(super) fn guard_exit(plan: &Plan) -> Exit {
    if plan.open_conflicts().next().is_some() || plan.exceeds_a_limit() {
        Exit::Stopped
    } else {
        Exit::Done
    }
}
