//! Conditions: what a resource is told about itself. Pure.
//!
//! Goes in: what was found and done. Comes out: `Synced`, `Ready`, `Onboarded` with a [`Reason`]
//! each, and `Reconciling` or `Stalled` while they hold, as kstatus reads them. A customer who has
//! not finished never makes `Ready` false.

use jiff::Timestamp;

use super::reason::Reason;
use portalctl_core::identity::Identity;
use portalctl_core::readiness::{IntentReadiness, State};
use portalctl_manifest::kubernetes::{Condition, ConditionStatus};
use portalctl_model::text::escape;

/// The longest message of a condition, in characters. The definition bounds it.
const MAX_MESSAGE: usize = 2048;

/// WorkOS was reached, and nothing is left to write.
pub(super) const SYNCED: &str = "Synced";
/// The organization exists as declared.
pub(super) const READY: &str = "Ready";
/// Every declared intent is configured.
pub(super) const ONBOARDED: &str = "Onboarded";
/// The operator is at it, and will come back by itself.
pub(super) const RECONCILING: &str = "Reconciling";
/// A person has to do something.
pub(super) const STALLED: &str = "Stalled";
/// Another organization has verified a declared domain; everything else is written.
pub(super) const DOMAIN_CONTESTED: &str = "DomainContested";
/// The conditions that the operator sets.
pub(super) const OURS: [&str; 6] = [
    SYNCED,
    READY,
    ONBOARDED,
    DOMAIN_CONTESTED,
    RECONCILING,
    STALLED,
];

/// One condition without its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether it holds.
    pub(super) status: ConditionStatus,
    /// Why, for programs.
    pub(super) reason: Reason,
    /// Why, for people.
    pub(super) message: String,
}

impl Verdict {
    /// It holds.
    pub(super) fn yes(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(ConditionStatus::True, reason, message)
    }

    /// It does not.
    pub(super) fn no(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(ConditionStatus::False, reason, message)
    }

    /// It cannot be told.
    pub(super) fn unknown(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(ConditionStatus::Unknown, reason, message)
    }

    fn new(status: ConditionStatus, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            status,
            reason,
            message: message.into(),
        }
    }
}

/// Whether the operator comes back by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// There is nothing to do.
    Settled,
    /// It does.
    Reconciling,
    /// Somebody has to do something first.
    Stalled,
}

/// The contested domains of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Contested {
    /// Not looked at: the condition stays as it was said last.
    Unread,
    /// There are none.
    None,
    /// There are some: which, and who has verified them.
    Some(String),
}

/// What is said of a resource; `None` leaves a condition as it was said last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judgement {
    /// Whether WorkOS was reached and nothing is left to write.
    pub(super) synced: Verdict,
    /// Whether the organization exists as declared.
    pub(super) ready: Option<Verdict>,
    /// Whether every declared intent is configured; environments are not.
    pub(super) onboarded: Option<Verdict>,
    /// The contested domains.
    pub(super) contested: Contested,
    /// Whether the operator comes back by itself.
    pub(super) progress: Progress,
}

impl Judgement {
    /// The same with every message changed.
    #[must_use]
    pub(super) fn map_messages(mut self, change: impl Fn(&str) -> String) -> Self {
        let verdicts = [
            Some(&mut self.synced),
            self.ready.as_mut(),
            self.onboarded.as_mut(),
        ];
        for verdict in verdicts.into_iter().flatten() {
            verdict.message = change(&verdict.message);
        }
        if let Contested::Some(message) = &mut self.contested {
            *message = change(message);
        }
        self
    }
}

/// Something that keeps a resource from being looked at, or from being as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    /// What it is.
    pub(super) reason: Reason,
    /// What happened and what to do.
    pub(super) message: String,
}

impl Trouble {
    /// A trouble.
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    /// Whether it goes away by itself.
    pub(super) const fn passes(&self) -> bool {
        matches!(
            self.reason,
            Reason::RateLimited
                | Reason::Unreachable
                | Reason::Pending
                | Reason::Deleting
                | Reason::CreateLimit
        )
    }

    const fn progress(&self) -> Progress {
        if self.passes() {
            Progress::Reconciling
        } else {
            Progress::Stalled
        }
    }
}

/// What was found about one organization, and what may be done.
#[derive(Debug, Clone)]
pub(super) struct Facts<'a> {
    /// Which live organization it is.
    pub(super) identity: &'a Identity,
    /// What WorkOS differs in, in words; empty when it has what is declared.
    pub(super) differences: &'a [String],
    /// Why the differences are not written, if they are not; none while they are about to be.
    pub(super) trouble: Option<&'a Trouble>,
    /// Its contested domains, in words; empty when there are none.
    pub(super) contested: &'a [String],
    /// Why its IT contacts are not managed, where they cannot be.
    pub(super) no_contacts: Option<&'a str>,
    /// Warnings of its plan, in words.
    pub(super) warnings: &'a [String],
    /// Whether nothing is written, by whose wish.
    pub(super) restraint: Option<Restraint>,
    /// How far its intents are.
    pub(super) intents: &'a [IntentReadiness],
}

/// Why nothing is written for a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Restraint {
    /// It, or its environment, is paused.
    Paused,
    /// Its managementPolicy is Observe.
    ObserveOnly,
}

/// What is said of a resource that could not be looked at: what was said before still stands.
pub(super) fn blocked(trouble: &Trouble) -> Judgement {
    // What cannot be told apart from a temporary failure says nothing about the organization.
    let ready = (!trouble.passes()).then(|| Verdict::no(trouble.reason, &*trouble.message));
    Judgement {
        synced: Verdict::no(trouble.reason, &*trouble.message),
        ready,
        onboarded: None,
        contested: Contested::Unread,
        progress: trouble.progress(),
    }
}

/// What is said of an organization that was looked at.
pub(super) fn judge(facts: &Facts<'_>) -> Judgement {
    let synced = synced(facts);
    let ready = ready(facts);
    let progress = match facts.trouble {
        Some(trouble) => trouble.progress(),
        None if facts.restraint.is_some() || facts.differences.is_empty() => Progress::Settled,
        None => Progress::Reconciling,
    };
    Judgement {
        onboarded: Some(onboarded(facts)),
        contested: if facts.contested.is_empty() {
            Contested::None
        } else {
            Contested::Some(facts.contested.join("; "))
        },
        ready: Some(ready),
        synced,
        progress,
    }
}

/// Returns the verdict on [`SYNCED`], with the plan's warnings behind its message.
fn synced(facts: &Facts<'_>) -> Verdict {
    let mut verdict = synced_without_warnings(facts);
    for warning in facts.warnings {
        verdict.message = format!("{}; warning: {warning}", verdict.message);
    }
    verdict
}

fn synced_without_warnings(facts: &Facts<'_>) -> Verdict {
    if let Some(trouble) = facts.trouble {
        return Verdict::no(trouble.reason, &*trouble.message);
    }
    let differences = facts.differences.join("; ");
    match (facts.restraint, facts.differences.is_empty()) {
        (None, true) => Verdict::yes(Reason::InSync, in_sync(facts)),
        (None, false) => Verdict::no(Reason::Pending, differences),
        (Some(Restraint::Paused), true) => {
            Verdict::yes(Reason::Paused, "paused; WorkOS has what is declared")
        }
        (Some(Restraint::Paused), false) => Verdict::no(
            Reason::Paused,
            format!("paused, so this is not written: {differences}"),
        ),
        (Some(Restraint::ObserveOnly), true) => Verdict::yes(
            Reason::ObserveOnly,
            "only observed; WorkOS has what is declared",
        ),
        (Some(Restraint::ObserveOnly), false) => Verdict::no(
            Reason::ObserveOnly,
            format!("only observed, so this is not written: {differences}"),
        ),
    }
}

/// Returns the message of an organization of which nothing is left to write.
fn in_sync(facts: &Facts<'_>) -> String {
    let all = "WorkOS has what is declared";
    match (facts.contested.is_empty(), facts.no_contacts) {
        (true, None) => all.to_owned(),
        (false, None) => format!("{all}, except for contested domains"),
        (true, Some(why)) => format!("{all}, except for IT contacts: {why}"),
        (false, Some(why)) => {
            format!("{all}, except for contested domains and IT contacts: {why}")
        }
    }
}

fn ready(facts: &Facts<'_>) -> Verdict {
    if let Some(trouble) = facts.trouble.filter(|trouble| !trouble.passes()) {
        return Verdict::no(trouble.reason, &*trouble.message);
    }
    match facts.identity {
        Identity::Matched { organization, .. } => Verdict::yes(
            Reason::Available,
            format!("the organization is {}", escape(organization.as_str())),
        ),
        Identity::Missing | Identity::Adoptable { .. } | Identity::Conflicted(_) => {
            let reason = match facts.restraint {
                Some(Restraint::Paused) => Reason::Paused,
                Some(Restraint::ObserveOnly) => Reason::NotFound,
                None => Reason::Pending,
            };
            Verdict::no(reason, "the organization does not exist at WorkOS")
        }
    }
}

fn onboarded(facts: &Facts<'_>) -> Verdict {
    let open: Vec<&IntentReadiness> = facts
        .intents
        .iter()
        .filter(|intent| !intent.state.is_settled())
        .collect();
    if facts.intents.is_empty() {
        return Verdict::yes(Reason::NothingDeclared, "no intent is declared");
    }
    if open.is_empty() {
        return Verdict::yes(Reason::AllConfigured, "every declared intent is configured");
    }
    let told: Vec<String> = open
        .iter()
        .map(|intent| format!("{} is {}: {}", intent.intent, intent.state, intent.reason))
        .collect();
    // Whoever has no organization yet cannot set anything up: it is not the customer's turn.
    if let Some(trouble) = facts.trouble
        && !matches!(facts.identity, Identity::Matched { .. })
    {
        return Verdict::no(trouble.reason, told.join("; "));
    }
    let needs_attention = open.iter().any(|intent| intent.state == State::Attention);
    let reason = if needs_attention {
        Reason::NeedsAttention
    } else {
        Reason::AwaitingCustomer
    };
    Verdict::no(reason, told.join("; "))
}

/// The conditions as they are to stand, each keeping its time unless its status changes.
pub(super) fn merge(
    before: &[Condition],
    judgement: &Judgement,
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let was = |kind: &str| before.iter().find(|condition| condition.kind == kind);
    let set = |kind: &str, verdict: &Verdict| {
        let since = was(kind)
            .filter(|known| known.status == verdict.status)
            .map(|known| known.last_transition_time);
        Condition {
            kind: kind.to_owned(),
            status: verdict.status,
            observed_generation: generation,
            last_transition_time: since.unwrap_or_else(|| whole_second(now)),
            reason: verdict.reason.to_string(),
            message: shortened(&verdict.message),
        }
    };
    let keep = |kind: &str| {
        was(kind).map(|known| Condition {
            observed_generation: generation,
            ..known.clone()
        })
    };
    let ready = match &judgement.ready {
        Some(verdict) => Some(set(READY, verdict)),
        None => keep(READY).or_else(|| {
            let Verdict {
                reason, message, ..
            } = &judgement.synced;
            Some(set(READY, &Verdict::unknown(*reason, message)))
        }),
    };
    let onboarded = match &judgement.onboarded {
        Some(verdict) => Some(set(ONBOARDED, verdict)),
        None => keep(ONBOARDED),
    };
    let contested = match &judgement.contested {
        Contested::Unread => keep(DOMAIN_CONTESTED),
        Contested::None => None,
        Contested::Some(message) => {
            let verdict = Verdict::yes(Reason::DomainVerifiedElsewhere, message);
            Some(set(DOMAIN_CONTESTED, &verdict))
        }
    };
    let progress = match judgement.progress {
        Progress::Settled => None,
        Progress::Reconciling => Some(RECONCILING),
        Progress::Stalled => Some(STALLED),
    };
    let Verdict {
        reason, message, ..
    } = &judgement.synced;
    let progress = progress.map(|kind| set(kind, &Verdict::yes(*reason, message)));
    [
        Some(set(SYNCED, &judgement.synced)),
        ready,
        onboarded,
        contested,
        progress,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Kubernetes keeps whole seconds.
pub(super) fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

fn shortened(message: &str) -> String {
    let message = escape(message).to_string();
    match message.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portalctl_core::identity::MatchedBy;
    use portalctl_core::readiness::Turn;
    use portalctl_model::{Intent, OrganizationId};

    fn matched() -> Identity {
        Identity::Matched {
            organization: OrganizationId::from_api("org_1".to_owned()),
            by: MatchedBy::ExternalId,
        }
    }

    fn intent(state: State) -> IntentReadiness {
        IntentReadiness {
            intent: Intent::Sso,
            state,
            since: None,
            turn: Turn::Customer,
            reason: "no connection yet".to_owned(),
            next_step: None,
            evidence: Vec::new(),
            basis: portalctl_core::readiness::Basis::Read,
            missing_domain: None,
        }
    }

    fn facts<'a>(identity: &'a Identity, intents: &'a [IntentReadiness]) -> Facts<'a> {
        Facts {
            identity,
            differences: &[],
            trouble: None,
            contested: &[],
            no_contacts: None,
            warnings: &[],
            restraint: None,
            intents,
        }
    }

    #[test]
    fn warnings_of_the_plan_are_told_and_change_no_status() {
        let (identity, intents) = (matched(), [intent(State::Unconfigured)]);
        let warnings = ["an invitation may be on its way".to_owned()];
        let judgement = judge(&Facts {
            warnings: &warnings,
            ..facts(&identity, &intents)
        });
        assert_eq!(judgement.synced.status, ConditionStatus::True);
        assert_eq!(judgement.synced.reason, Reason::InSync);
        assert_eq!(
            judgement.synced.message,
            "WorkOS has what is declared; warning: an invitation may be on its way"
        );
        assert_eq!(judgement.progress, Progress::Settled);
    }

    #[test]
    fn a_customer_who_has_not_finished_is_no_trouble() {
        let (identity, intents) = (matched(), [intent(State::Unconfigured)]);
        let judgement = judge(&facts(&identity, &intents));
        assert_eq!(judgement.synced.reason, Reason::InSync);
        assert_eq!(judgement.ready.unwrap().reason, Reason::Available);
        let onboarded = judgement.onboarded.unwrap();
        assert_eq!(onboarded.status, ConditionStatus::False);
        assert_eq!(onboarded.reason, Reason::AwaitingCustomer);
        assert_eq!(judgement.progress, Progress::Settled);
    }

    #[test]
    fn where_there_is_no_organization_it_is_not_the_customers_turn() {
        let intents = [intent(State::Unknown)];
        let trouble = Trouble::new(Reason::Held, "spec.limits allow none");
        let judgement = judge(&Facts {
            trouble: Some(&trouble),
            ..facts(&Identity::Missing, &intents)
        });
        assert_eq!(judgement.onboarded.unwrap().reason, Reason::Held);
    }

    #[test]
    fn what_broke_does_not_make_it_red_either() {
        let (identity, intents) = (matched(), [intent(State::Attention)]);
        let judgement = judge(&facts(&identity, &intents));
        assert_eq!(judgement.ready.unwrap().status, ConditionStatus::True);
        assert_eq!(judgement.onboarded.unwrap().reason, Reason::NeedsAttention);
    }

    #[test]
    fn a_contested_domain_leaves_ready_true_and_is_a_condition_of_its_own() {
        let (identity, intents) = (matched(), [intent(State::Attention)]);
        let contested = ["the domain a.example is verified for org_2 (Other)".to_owned()];
        let judgement = judge(&Facts {
            contested: &contested,
            ..facts(&identity, &intents)
        });
        let at = Timestamp::UNIX_EPOCH;
        let told = merge(&[], &judgement, Some(1), at);
        let find = |told: &[Condition], kind: &str| {
            let found = told.iter().find(|one| one.kind == kind).cloned();
            found.map(|one| (one.status, one.reason, one.message))
        };
        for kind in [READY, SYNCED] {
            assert_eq!(
                find(&told, kind).unwrap().0,
                ConditionStatus::True,
                "{kind}"
            );
        }
        let (status, reason, message) = find(&told, DOMAIN_CONTESTED).unwrap();
        assert_eq!(status, ConditionStatus::True);
        assert_eq!(reason, "DomainVerifiedElsewhere");
        assert!(message.contains("org_2 (Other)"), "{message}");
        assert_eq!(find(&told, STALLED), None);
        // While WorkOS cannot be read it stays as it was, and it goes once it is resolved.
        let unread = blocked(&Trouble::new(Reason::Unreachable, "down"));
        assert!(find(&merge(&told, &unread, Some(1), at), DOMAIN_CONTESTED).is_some());
        let resolved = judge(&facts(&identity, &intents));
        let told = merge(&told, &resolved, Some(1), at);
        assert_eq!(find(&told, DOMAIN_CONTESTED), None);
    }

    #[test]
    fn contacts_that_are_not_to_be_had_are_said_and_harm_nothing() {
        let (identity, intents) = (matched(), [intent(State::Configured)]);
        let judgement = judge(&Facts {
            no_contacts: Some("its IT contacts cannot be read (404)"),
            ..facts(&identity, &intents)
        });
        assert_eq!(judgement.synced.status, ConditionStatus::True);
        let told = "WorkOS has what is declared, except for IT contacts: its IT contacts cannot be \
                    read (404)";
        assert_eq!(judgement.synced.message, told);
        assert_eq!(judgement.ready.unwrap().status, ConditionStatus::True);
        assert_eq!(judgement.progress, Progress::Settled);
    }

    #[test]
    fn whoever_asked_for_nothing_to_be_written_is_not_alarmed_by_differences() {
        let (identity, differences) = (matched(), ["differs in name".to_owned()]);
        for (restraint, reason) in [
            (Restraint::Paused, Reason::Paused),
            (Restraint::ObserveOnly, Reason::ObserveOnly),
        ] {
            let judgement = judge(&Facts {
                differences: &differences,
                restraint: Some(restraint),
                ..facts(&identity, &[])
            });
            assert_eq!(judgement.synced.status, ConditionStatus::False);
            assert_eq!(judgement.synced.reason, reason);
            assert_eq!(judgement.ready.unwrap().status, ConditionStatus::True);
            assert_eq!(judgement.progress, Progress::Settled);
        }
    }

    #[test]
    fn what_passes_leaves_ready_as_it_was_and_what_does_not_turns_it() {
        let ready = |reason| blocked(&Trouble::new(reason, "…")).ready;
        for reason in [Reason::Unreachable, Reason::RateLimited] {
            assert_eq!(ready(reason), None, "{reason}");
        }
        for reason in [Reason::SecretMissing, Reason::Invalid, Reason::Conflict] {
            let verdict = ready(reason).unwrap();
            assert_eq!(verdict.status, ConditionStatus::False, "{reason}");
        }
    }

    #[test]
    fn a_condition_keeps_its_time_until_its_status_changes() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let (identity, intents) = (matched(), [intent(State::Unconfigured)]);
        let good = judge(&facts(&identity, &intents));
        let first = merge(&[], &good, Some(1), at(100));
        let second = merge(&first, &good, Some(2), at(200));
        for condition in &second {
            assert_eq!(condition.last_transition_time, at(100));
            assert_eq!(condition.observed_generation, Some(2));
        }
        let down = blocked(&Trouble::new(Reason::Unreachable, "down"));
        let third = merge(&second, &down, Some(2), at(300));
        let time = |kind: &str| {
            let condition = third.iter().find(|one| one.kind == kind);
            condition.map(|one| one.last_transition_time)
        };
        assert_eq!(time(SYNCED), Some(at(300)));
        assert_eq!(time(READY), Some(at(100)));
        assert_eq!(time(RECONCILING), Some(at(300)));
        assert_eq!(time(STALLED), None);
    }

    #[test]
    fn messages_are_bounded_and_plain() {
        let trouble = Trouble::new(Reason::Refused, "é\u{202e}".repeat(5000));
        let conditions = merge(&[], &blocked(&trouble), None, Timestamp::UNIX_EPOCH);
        for condition in conditions {
            assert!(condition.message.chars().count() <= MAX_MESSAGE + 1);
            assert!(!condition.message.contains('\u{202e}'));
        }
    }
}
