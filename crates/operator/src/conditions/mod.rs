//! Conditions of both resources. Pure.
//!
//! Goes in: findings and results of a pass. Comes out: `Synced`, `Ready`, `Onboarded` with a [`Reason`]
//! each, and `Reconciling` or `Stalled` while they hold, as kstatus reads them. A customer who has
//! not finished never makes `Ready` false.

use std::fmt;

use jiff::Timestamp;

use portalctl_core::identity::Identity;
use portalctl_core::readiness::{IntentReadiness, State};
use portalctl_manifest::kubernetes::{Condition, ConditionStatus};
use portalctl_model::text::escape;

/// Longest message of a condition in characters: half of what the CRD allows, since two dozen conditions
/// share one status.
const MAX_MESSAGE: usize = 2048;

/// Condition: WorkOS was reached, and no difference is left to write.
pub(super) const SYNCED: &str = "Synced";
/// Condition: the organization exists as declared.
pub(super) const READY: &str = "Ready";
/// Condition: every declared intent is configured.
pub(super) const ONBOARDED: &str = "Onboarded";
/// Condition: the operator is working on it, or will retry by itself.
pub(super) const RECONCILING: &str = "Reconciling";
/// Condition: a person has to act.
pub(super) const STALLED: &str = "Stalled";
/// Condition: another organization has verified a declared domain; all else is written.
pub(super) const DOMAIN_CONTESTED: &str = "DomainContested";
/// Conditions that the operator sets.
pub(super) const OURS: [&str; 6] = [
    SYNCED,
    READY,
    ONBOARDED,
    DOMAIN_CONTESTED,
    RECONCILING,
    STALLED,
];

/// Status, reason and message of one condition, without its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Status of the condition.
    pub(super) status: ConditionStatus,
    /// Reason for programs.
    pub(super) reason: Reason,
    /// Message for people.
    pub(super) message: String,
}

impl Verdict {
    /// Creates a verdict with the status True.
    pub(super) fn yes(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(ConditionStatus::True, reason, message)
    }

    /// Creates a verdict with the status False.
    pub(super) fn no(reason: Reason, message: impl Into<String>) -> Self {
        Self::new(ConditionStatus::False, reason, message)
    }

    /// Creates a verdict with the status Unknown.
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

/// Progress towards the declared state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// No work is left.
    Settled,
    /// The operator goes on, or retries by itself.
    Reconciling,
    /// A person has to act first.
    Stalled,
}

/// Contested domains of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Contested {
    /// Not read: the condition stays as it was.
    Unread,
    /// No domain is contested.
    None,
    /// Message that names the domains and the organizations that have verified them.
    Some(String),
}

/// Conditions of one resource; `None` leaves a condition as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConditionSet {
    /// Verdict on [`SYNCED`].
    pub(super) synced: Verdict,
    /// Verdict on [`READY`].
    pub(super) ready: Option<Verdict>,
    /// Verdict on [`ONBOARDED`], which environments do not have.
    pub(super) onboarded: Option<Verdict>,
    /// Contested domains.
    pub(super) contested: Contested,
    /// Progress, shown as [`RECONCILING`] or [`STALLED`].
    pub(super) progress: Progress,
}

impl ConditionSet {
    /// Applies a change to every message.
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

/// Reason why a resource cannot be observed, or is not as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BlockedReason {
    /// Reason for programs.
    pub(super) reason: Reason,
    /// Description of the problem, and what to do about it.
    pub(super) message: String,
}

impl BlockedReason {
    /// Creates a reason.
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    /// Returns whether it may end without a person.
    pub(super) const fn is_temporary(&self) -> bool {
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
        if self.is_temporary() {
            Progress::Reconciling
        } else {
            Progress::Stalled
        }
    }
}

/// Findings about one organization, and what may be written.
#[derive(Debug, Clone)]
pub(super) struct Facts<'a> {
    /// Match of the entry with a live organization.
    pub(super) identity: &'a Identity,
    /// Differences between WorkOS and the entry, in words.
    pub(super) diff: &'a [String],
    /// Reason why they are not written; none while they are about to be.
    pub(super) blocked: Option<&'a BlockedReason>,
    /// Contested domains, in words.
    pub(super) contested: &'a [String],
    /// Reason why IT contacts cannot be managed.
    pub(super) no_contacts: Option<&'a str>,
    /// Warnings of the plan, in words.
    pub(super) warnings: &'a [String],
    /// Reason why nothing is to be written.
    pub(super) read_only: Option<ReadOnly>,
    /// Readiness of the declared intents.
    pub(super) intents: &'a [IntentReadiness],
}

/// Reason why nothing is to be written for a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadOnly {
    /// The resource or its environment is paused.
    Paused,
    /// managementPolicy is Observe.
    ObserveOnly,
}

/// Returns the conditions of a resource that could not be observed; earlier findings still stand.
pub(super) fn not_observed(blocked: &BlockedReason) -> ConditionSet {
    // A temporary failure says nothing about the organization.
    let ready = (!blocked.is_temporary()).then(|| Verdict::no(blocked.reason, &*blocked.message));
    ConditionSet {
        synced: Verdict::no(blocked.reason, &*blocked.message),
        ready,
        onboarded: None,
        contested: Contested::Unread,
        progress: blocked.progress(),
    }
}

/// Returns the conditions of a resource that is being deleted and waits.
pub(super) fn being_deleted(blocked: &BlockedReason) -> ConditionSet {
    ConditionSet {
        ready: None,
        ..not_observed(blocked)
    }
}

/// Returns the conditions of an organization that was observed.
pub(super) fn observed(facts: &Facts<'_>) -> ConditionSet {
    let synced = synced(facts);
    let ready = ready(facts);
    let progress = match facts.blocked {
        Some(blocked) => blocked.progress(),
        None if facts.read_only.is_some() || facts.diff.is_empty() => Progress::Settled,
        None => Progress::Reconciling,
    };
    ConditionSet {
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
    if let Some(blocked) = facts.blocked {
        return Verdict::no(blocked.reason, &*blocked.message);
    }
    let diff = facts.diff.join("; ");
    match (facts.read_only, facts.diff.is_empty()) {
        (None, true) => Verdict::yes(Reason::InSync, in_sync(facts)),
        (None, false) => Verdict::no(Reason::Pending, diff),
        (Some(ReadOnly::Paused), true) => {
            Verdict::yes(Reason::Paused, "paused; WorkOS has what is declared")
        }
        (Some(ReadOnly::Paused), false) => Verdict::no(
            Reason::Paused,
            format!("paused, so this is not written: {diff}"),
        ),
        (Some(ReadOnly::ObserveOnly), true) => Verdict::yes(
            Reason::ObserveOnly,
            "only observed; WorkOS has what is declared",
        ),
        (Some(ReadOnly::ObserveOnly), false) => Verdict::no(
            Reason::ObserveOnly,
            format!("only observed, so this is not written: {diff}"),
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
    if let Some(blocked) = facts.blocked.filter(|blocked| !blocked.is_temporary()) {
        return Verdict::no(blocked.reason, &*blocked.message);
    }
    match facts.identity {
        Identity::Matched { organization, .. } => Verdict::yes(
            Reason::Available,
            format!("the organization is {}", escape(organization.as_str())),
        ),
        Identity::Missing | Identity::Adoptable { .. } | Identity::Conflicted(_) => {
            let reason = match facts.read_only {
                Some(ReadOnly::Paused) => Reason::Paused,
                Some(ReadOnly::ObserveOnly) => Reason::NotFound,
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
    // Without an organization the customer cannot set anything up yet.
    if let Some(blocked) = facts.blocked
        && !matches!(facts.identity, Identity::Matched { .. })
    {
        return Verdict::no(blocked.reason, told.join("; "));
    }
    let needs_attention = open.iter().any(|intent| intent.state == State::Attention);
    let reason = if needs_attention {
        Reason::NeedsAttention
    } else {
        Reason::AwaitingCustomer
    };
    Verdict::no(reason, told.join("; "))
}

/// Merges new conditions into the old ones; a condition keeps its time unless its status changes.
pub(super) fn merge(
    before: &[Condition],
    conditions: &ConditionSet,
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
    let ready = match &conditions.ready {
        Some(verdict) => Some(set(READY, verdict)),
        None => keep(READY).or_else(|| {
            let Verdict {
                reason, message, ..
            } = &conditions.synced;
            Some(set(READY, &Verdict::unknown(*reason, message)))
        }),
    };
    let onboarded = match &conditions.onboarded {
        Some(verdict) => Some(set(ONBOARDED, verdict)),
        None => keep(ONBOARDED),
    };
    let contested = match &conditions.contested {
        Contested::Unread => keep(DOMAIN_CONTESTED),
        Contested::None => None,
        Contested::Some(message) => {
            let verdict = Verdict::yes(Reason::DomainVerifiedElsewhere, message);
            Some(set(DOMAIN_CONTESTED, &verdict))
        }
    };
    let progress = match conditions.progress {
        Progress::Settled => None,
        Progress::Reconciling => Some(RECONCILING),
        Progress::Stalled => Some(STALLED),
    };
    let Verdict {
        reason, message, ..
    } = &conditions.synced;
    let progress = progress.map(|kind| set(kind, &Verdict::yes(*reason, message)));
    [
        Some(set(SYNCED, &conditions.synced)),
        ready,
        onboarded,
        contested,
        progress,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Rounds a time down to whole seconds, as Kubernetes stores it.
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

/// Declares an enum whose text is the name of its variant.
macro_rules! named {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $name:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(super) enum $type {
            $($(#[$variant_doc])* $name,)+
        }

        impl $type {
            /// All variants.
            #[allow(dead_code, reason = "not every such enum is searched by its text")]
            pub(super) const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the text of the variant.
            pub(super) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }
        }
    };
}
pub(super) use named;

named! {
    /// Machine-readable reason of a condition.
    Reason {
        /// WorkOS has everything that is declared.
        InSync,
        /// The organization exists as declared.
        Available,
        /// Every declared intent is configured.
        AllConfigured,
        /// No intent is declared.
        NothingDeclared,
        /// The API key is there and accepted.
        Connected,
        /// All lists were read within their interval.
        Observed,
        /// The customer has not finished yet. No error.
        AwaitingCustomer,
        /// An intent that worked, or should work, does not.
        NeedsAttention,
        /// WorkOS differs, and the operator is about to write.
        Pending,
        /// WorkOS differs, and the resource is paused.
        Paused,
        /// WorkOS differs, and managementPolicy is Observe.
        ObserveOnly,
        /// The change is not allowed; the message names the setting that allows it.
        Held,
        /// The creation waits: the hourly limit is reached.
        CreateLimit,
        /// Another writer changes the same field again and again; it is written once an hour.
        Fighting,
        /// The organization was deleted at WorkOS from outside, and is not created again unasked.
        DeletedOutside,
        /// The account of the API key lacks most organizations that statuses name.
        WrongAccount,
        /// The environment is being deleted, so nothing is created or changed any more.
        EnvironmentTerminating,
        /// The environment is being deleted, and resources still need it.
        InUse,
        /// A person has to decide which organization is meant.
        Conflict,
        /// Another organization has verified a declared domain.
        DomainVerifiedElsewhere,
        /// The resource breaks a rule of manifests.
        Invalid,
        /// WorkOS refused a change.
        Refused,
        /// The organization does not exist.
        NotFound,
        /// Another release of the operator keeps the environment.
        AnotherOperator,
        /// The PortalEnvironment does not exist.
        EnvironmentMissing,
        /// The environment does not take organizations of this namespace.
        NotAllowed,
        /// The Secret, or its key, does not exist.
        SecretMissing,
        /// The Secret holds no API key, or one of the other kind.
        KeyInvalid,
        /// WorkOS does not accept the API key.
        Unauthorized,
        /// WorkOS asks to wait.
        RateLimited,
        /// WorkOS cannot be reached, or fails.
        Unreachable,
        /// The resource is being deleted, and the organization with it.
        Deleting,
        /// The resource is being deleted, and the organization may not be.
        DeletionBlocked,
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Returns the conditions that the operator sets; those of others are not its own to write.
pub(super) fn own_conditions(conditions: &[Condition]) -> Vec<Condition> {
    conditions
        .iter()
        .filter(|condition| OURS.contains(&condition.kind.as_str()))
        .cloned()
        .collect()
}

/// Returns whether two lists hold the same conditions of the operator, in any order.
pub(super) fn same_conditions(one: &[Condition], other: &[Condition]) -> bool {
    let sorted = |conditions: &[Condition]| {
        let mut conditions = own_conditions(conditions);
        conditions.sort_by(|a, b| a.kind.cmp(&b.kind));
        conditions
    };
    sorted(one) == sorted(other)
}

/// Returns the reason and the status of the condition [`SYNCED`].
pub(super) fn synced_reason(conditions: &[Condition]) -> Option<(&str, ConditionStatus)> {
    let synced = conditions.iter().find(|one| one.kind == SYNCED)?;
    Some((&synced.reason, synced.status))
}

#[cfg(test)]
mod tests;
