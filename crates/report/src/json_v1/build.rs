//! Builds the documents from results.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{
    AppliedItem, ApplyDocument, ApplySummary, ChangeItem, ConflictItem, ErrorItem, EvidenceItem,
    FORMAT_VERSION, FieldItem, HeldItem, IdsDocument, IntentItem, InvitationItem,
    InvitationStateName, InvitationStatusItem, OrganizationItem, PlanDocument, PlanSummary,
    ReadWarningItem, SourceItem, StatusDocument, TargetItem, ValidateDocument, WarningItem,
};
use crate::{ApplyReportView, Headline, PlanReport, StatusReport, text};
use portalctl_core::plan::digest::Digest;
use portalctl_core::plan::{ActionKind, Change, Conflict, Held, HeldReason, Plan, Warning};
use portalctl_core::readiness::{
    self, Evidence, IntentReadiness, InvitationReadiness, OrganizationReadiness, Readiness, Totals,
};
use portalctl_workos::apply::{AppliedChange, OutcomeKind};

/// Builds the plan's document.
pub fn plan(report: &PlanReport<'_>) -> PlanDocument {
    let PlanReport {
        headline,
        plan,
        readiness,
    } = *report;
    PlanDocument {
        format_version: FORMAT_VERSION,
        environment: headline.target.environment.clone(),
        sandbox: headline.sandbox,
        target: TargetItem {
            endpoint: plan.target.endpoint.clone(),
            key_kind: plan.target.key_kind.clone(),
            client_id: plan.target.client_id.as_ref().map(ToString::to_string),
            manifest: plan.target.manifest.as_ref().map(ToString::to_string),
        },
        digest: Some(Digest::of(plan).to_string()),
        requests_used: headline.requests,
        summary: PlanSummary {
            not_read: readiness.totals().not_read,
            ..plan_summary(plan)
        },
        changes: plan.changes.iter().map(change).collect(),
        held: plan.held.iter().map(held).collect(),
        conflicts: plan.conflicts.iter().map(conflict).collect(),
        warnings: plan.warnings.iter().map(warning).collect(),
        manifest_warnings: headline.manifest_warnings.clone(),
        notes: text::notes(plan)
            .into_iter()
            .chain(text::unread(readiness))
            .collect(),
        errors: Vec::new(),
        readiness: organizations(readiness),
    }
}

/// Builds the status document.
pub fn status(report: &StatusReport<'_>) -> StatusDocument {
    let StatusReport {
        headline,
        readiness,
        now: _,
    } = *report;
    StatusDocument {
        format_version: FORMAT_VERSION,
        environment: headline.target.environment.clone(),
        sandbox: headline.sandbox,
        requests_used: headline.requests,
        summary: readiness.totals(),
        warnings: readiness.warnings.iter().map(read_warning).collect(),
        manifest_warnings: headline.manifest_warnings.clone(),
        organizations: organizations(readiness),
        changed: None,
        errors: Vec::new(),
    }
}

/// Builds the apply document.
pub fn apply(view: &ApplyReportView<'_>) -> ApplyDocument {
    let ApplyReportView {
        headline,
        plan,
        report,
        readiness,
    } = *view;
    ApplyDocument {
        format_version: FORMAT_VERSION,
        environment: headline.target.environment.clone(),
        sandbox: headline.sandbox,
        digest: Some(Digest::of(plan).to_string()),
        requests_used: headline.requests,
        summary: ApplySummary {
            outcomes: report.totals(),
            not_read: readiness.totals().not_read,
        },
        changes: report.changes.iter().map(applied).collect(),
        held: plan.held.iter().map(held).collect(),
        conflicts: plan.conflicts.iter().map(conflict).collect(),
        warnings: plan.warnings.iter().map(warning).collect(),
        manifest_warnings: headline.manifest_warnings.clone(),
        readiness: organizations(readiness),
        errors: Vec::new(),
    }
}

/// The plan document of a run that got no plan.
pub fn failed_plan(errors: Vec<ErrorItem>) -> PlanDocument {
    PlanDocument {
        format_version: FORMAT_VERSION,
        environment: None,
        sandbox: false,
        target: TargetItem::default(),
        digest: None,
        requests_used: 0,
        summary: PlanSummary::default(),
        changes: Vec::new(),
        held: Vec::new(),
        conflicts: Vec::new(),
        warnings: Vec::new(),
        manifest_warnings: Vec::new(),
        notes: Vec::new(),
        errors,
        readiness: Vec::new(),
    }
}

/// The status document of a run that got no readiness.
pub fn failed_status(errors: Vec<ErrorItem>) -> StatusDocument {
    StatusDocument {
        format_version: FORMAT_VERSION,
        environment: None,
        sandbox: false,
        requests_used: 0,
        summary: Totals::default(),
        warnings: Vec::new(),
        manifest_warnings: Vec::new(),
        organizations: Vec::new(),
        changed: None,
        errors,
    }
}

/// The apply document of a run that did nothing.
pub fn failed_apply(errors: Vec<ErrorItem>) -> ApplyDocument {
    ApplyDocument {
        format_version: FORMAT_VERSION,
        environment: None,
        sandbox: false,
        digest: None,
        requests_used: 0,
        summary: ApplySummary::default(),
        changes: Vec::new(),
        held: Vec::new(),
        conflicts: Vec::new(),
        warnings: Vec::new(),
        manifest_warnings: Vec::new(),
        readiness: Vec::new(),
        errors,
    }
}

/// Builds the document of ids.
pub fn ids(headline: &Headline, ids: BTreeMap<String, Option<String>>) -> IdsDocument {
    IdsDocument {
        format_version: FORMAT_VERSION,
        environment: headline.target.environment.clone(),
        sandbox: headline.sandbox,
        requests_used: headline.requests,
        ids,
        manifest_warnings: headline.manifest_warnings.clone(),
        errors: Vec::new(),
    }
}

/// The document of a run that got no ids.
pub fn failed_ids(errors: Vec<ErrorItem>) -> IdsDocument {
    IdsDocument {
        format_version: FORMAT_VERSION,
        environment: None,
        sandbox: false,
        requests_used: 0,
        ids: BTreeMap::new(),
        manifest_warnings: Vec::new(),
        errors,
    }
}

/// The document of a manifest that cannot be used.
pub fn failed_validate(errors: Vec<ErrorItem>) -> ValidateDocument {
    ValidateDocument {
        format_version: FORMAT_VERSION,
        valid: false,
        organizations: 0,
        files: 0,
        errors,
        warnings: Vec::new(),
    }
}

pub(crate) fn plan_summary(plan: &Plan) -> PlanSummary {
    PlanSummary {
        create: plan.count(ActionKind::Create),
        adopt: plan.count(ActionKind::Adopt),
        update: plan.count(ActionKind::Update),
        bookkeeping: plan.bookkeeping(),
        invite: plan.count(ActionKind::Invite),
        delete: plan.count(ActionKind::Delete),
        held: plan.held.len(),
        conflict: plan.open_conflicts().count(),
        contested_domain: plan.contested_domains().count(),
        warning: plan.warnings.len(),
        unchanged: plan.unchanged,
        not_read: 0,
    }
}

fn change(change: &Change) -> ChangeItem {
    ChangeItem {
        key: change.key.to_string(),
        action: change.action.kind(),
        organization_id: change.action.organization().map(ToString::to_string),
        fields: fields(change),
        invitation: invitation(change),
        bookkeeping: change.is_bookkeeping(),
        reason: change.reason.to_string(),
        source: change.source.is_somewhere().then(|| SourceItem {
            file: change.source.file.to_string(),
            line: change.source.line,
        }),
    }
}

fn fields(change: &Change) -> Vec<FieldItem> {
    change
        .fields
        .iter()
        .map(|field| FieldItem {
            path: field.path().to_string(),
            before: field.before().map(Cow::into_owned),
            after: field.after().map(Cow::into_owned),
            outcome: None,
            error: None,
        })
        .collect()
}

fn invitation(change: &Change) -> Option<InvitationItem> {
    change.action.invitation().map(|invitation| InvitationItem {
        contact: invitation.contact.to_string(),
        intents: invitation.intents.iter().copied().collect(),
        not_invitable: invitation.not_invitable.iter().copied().collect(),
    })
}

fn held(held: &Held) -> HeldItem {
    HeldItem {
        key: held.change.key.to_string(),
        action: held.change.action.kind(),
        organization_id: held.change.action.organization().map(ToString::to_string),
        fields: fields(&held.change),
        invitation: invitation(&held.change),
        code: held.reason.code().as_str(),
        reason: held_reason(held),
        allow: held.allow.to_string(),
        write: held.write.map(|allow| format!("allow: [{allow}]")),
    }
}

/// Why a change is held, in one sentence.
pub(crate) fn held_reason(held: &Held) -> String {
    match &held.reason {
        HeldReason::NeedsFlag | HeldReason::Saved(_) => held.change.reason.to_string(),
        HeldReason::LimitExceeded { planned, allowed }
            if held.change.action.kind() == ActionKind::Invite =>
        {
            format!("a run sends {allowed} invitations at most unasked, the plan has {planned}")
        }
        HeldReason::HeldByAnother(rival) => format!("{}; {rival} has it", held.change.reason),
        HeldReason::WaitsForHeld => {
            "the change of its organization that comes first is held".to_owned()
        }
        HeldReason::LimitExceeded { planned, allowed } => format!(
            "the manifest's limits allow {allowed} of these in one run, the plan has {planned}"
        ),
        HeldReason::MostlyUndeclared { marked, declared } => format!(
            "of {marked} organizations that this manifest created only {declared} are declared: \
             is this the whole manifest?"
        ),
        HeldReason::FilesSkipped { first, more } => format!(
            "`{first}`{} of the manifest was not read, so what is not declared is not certain",
            and_more(*more)
        ),
        HeldReason::PossibleRename { first, more } => format!(
            "the plan also creates `{first}`{}: if it is this customer under another key, write \
             `previous_keys: [{}]` there",
            and_more(*more),
            held.change.key
        ),
    }
}

fn and_more(more: usize) -> String {
    match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    }
}

fn conflict(conflict: &Conflict) -> ConflictItem {
    ConflictItem {
        key: conflict.key.to_string(),
        code: conflict.code.as_str(),
        message: conflict.message.clone(),
        help: conflict.help.clone(),
        scope: conflict.scope.as_str(),
        domain: conflict.scope.domain().map(ToString::to_string),
    }
}

fn warning(warning: &Warning) -> WarningItem {
    WarningItem {
        key: warning.key.to_string(),
        code: warning.code.as_str(),
        message: warning.message.clone(),
    }
}

fn read_warning(warning: &readiness::Warning) -> ReadWarningItem {
    ReadWarningItem {
        code: warning.code.as_str(),
        message: warning.message.clone(),
        keys: warning.keys.iter().map(ToString::to_string).collect(),
    }
}

fn applied(applied: &AppliedChange) -> AppliedItem {
    let error = applied.outcome.problem();
    let mut item = change(&applied.change);
    let kind = applied.outcome.kind();
    for (field, told) in applied.change.fields.iter().zip(&mut item.fields) {
        let known = error.filter(|problem| !problem.fields.is_empty());
        let ended = known.map(|problem| problem.field(&field.path()));
        told.outcome = Some(match ended {
            None => kind,
            Some(None) => OutcomeKind::Done,
            Some(Some(ended)) => ended.kind,
        });
        let problem = ended.flatten().and_then(|ended| ended.problem.as_ref());
        told.error =
            problem.map(|problem| ErrorItem::new(problem.code, &problem.to_string(), None));
    }
    if let Some(organization) = applied.outcome.organization() {
        item.organization_id = Some(organization.id.to_string());
    }
    AppliedItem {
        change: item,
        outcome: applied.outcome.kind(),
        error: error.map(|problem| ErrorItem::new(problem.code, &problem.to_string(), None)),
    }
}

fn organizations(readiness: &Readiness) -> Vec<OrganizationItem> {
    readiness.organizations.iter().map(organization).collect()
}

fn organization(organization: &OrganizationReadiness) -> OrganizationItem {
    OrganizationItem {
        key: organization.key.to_string(),
        name: organization.name.clone(),
        organization_id: organization
            .organization_id
            .as_ref()
            .map(ToString::to_string),
        intents: organization.intents.iter().map(intent).collect(),
        invitation: organization.invitation.as_ref().map(invitation_status),
    }
}

fn invitation_status(invitation: &InvitationReadiness) -> InvitationStatusItem {
    let mark = &invitation.mark;
    InvitationStatusItem {
        state: InvitationStateName::of(mark),
        at: mark.time().map(|at| at.to_string()),
        contact_id: mark.contact().map(str::to_owned),
    }
}

pub(super) fn intent(intent: &IntentReadiness) -> IntentItem {
    IntentItem {
        intent: intent.intent,
        state: intent.state,
        since: intent.since.map(|since| since.to_string()),
        turn: intent.turn,
        not_read: intent.is_not_read(),
        verified_domain: intent.missing_domain,
        reason: intent.reason.clone(),
        next_step: intent.next_step.clone(),
        evidence: intent.evidence.iter().map(evidence).collect(),
    }
}

fn evidence(evidence: &Evidence) -> EvidenceItem {
    EvidenceItem {
        object: evidence.object,
        id: evidence.id.clone(),
        kind: evidence.kind.clone(),
        state: evidence.state.clone(),
        since: evidence.since.map(|since| since.to_string()),
    }
}
