//! Conditions: what a resource is told about itself. Pure.
//!
//! Goes in: what was found and done. Comes out: `Synced`, `Ready`, `Onboarded` with a [`Reason`]
//! each, and `Reconciling` or `Stalled` while they hold, as kstatus reads them. A customer who has
//! not finished never makes `Ready` false.

use std::fmt;

use jiff::Timestamp;

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
pub(super) struct ConditionSet {
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

impl ConditionSet {
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
pub(super) struct BlockedReason {
    /// What it is.
    pub(super) reason: Reason,
    /// What happened and what to do.
    pub(super) message: String,
}

impl BlockedReason {
    /// A blocked.
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    /// Whether it goes away by itself.
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

/// What was found about one organization, and what may be done.
#[derive(Debug, Clone)]
pub(super) struct Facts<'a> {
    /// Which live organization it is.
    pub(super) identity: &'a Identity,
    /// What WorkOS differs in, in words; empty when it has what is declared.
    pub(super) diff: &'a [String],
    /// Why the diff are not written, if they are not; none while they are about to be.
    pub(super) blocked: Option<&'a BlockedReason>,
    /// Its contested domains, in words; empty when there are none.
    pub(super) contested: &'a [String],
    /// Why its IT contacts are not managed, where they cannot be.
    pub(super) no_contacts: Option<&'a str>,
    /// Warnings of its plan, in words.
    pub(super) warnings: &'a [String],
    /// Whether nothing is written, by whose wish.
    pub(super) read_only: Option<ReadOnly>,
    /// How far its intents are.
    pub(super) intents: &'a [IntentReadiness],
}

/// Why nothing is written for a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadOnly {
    /// It, or its environment, is paused.
    Paused,
    /// Its managementPolicy is Observe.
    ObserveOnly,
}

/// What is said of a resource that could not be looked at: what was said before still stands.
pub(super) fn not_observed(blocked: &BlockedReason) -> ConditionSet {
    // What cannot be told apart from a temporary failure says nothing about the organization.
    let ready = (!blocked.is_temporary()).then(|| Verdict::no(blocked.reason, &*blocked.message));
    ConditionSet {
        synced: Verdict::no(blocked.reason, &*blocked.message),
        ready,
        onboarded: None,
        contested: Contested::Unread,
        progress: blocked.progress(),
    }
}

/// What is said of an organization that was looked at.
pub(super) fn judge(facts: &Facts<'_>) -> ConditionSet {
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
    // Whoever has no organization yet cannot set anything up: it is not the customer's turn.
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

/// The conditions as they are to stand, each keeping its time unless its status changes.
pub(super) fn merge(
    before: &[Condition],
    conditions_set: &ConditionSet,
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
    let ready = match &conditions_set.ready {
        Some(verdict) => Some(set(READY, verdict)),
        None => keep(READY).or_else(|| {
            let Verdict {
                reason, message, ..
            } = &conditions_set.synced;
            Some(set(READY, &Verdict::unknown(*reason, message)))
        }),
    };
    let onboarded = match &conditions_set.onboarded {
        Some(verdict) => Some(set(ONBOARDED, verdict)),
        None => keep(ONBOARDED),
    };
    let contested = match &conditions_set.contested {
        Contested::Unread => keep(DOMAIN_CONTESTED),
        Contested::None => None,
        Contested::Some(message) => {
            let verdict = Verdict::yes(Reason::DomainVerifiedElsewhere, message);
            Some(set(DOMAIN_CONTESTED, &verdict))
        }
    };
    let progress = match conditions_set.progress {
        Progress::Settled => None,
        Progress::Reconciling => Some(RECONCILING),
        Progress::Stalled => Some(STALLED),
    };
    let Verdict {
        reason, message, ..
    } = &conditions_set.synced;
    let progress = progress.map(|kind| set(kind, &Verdict::yes(*reason, message)));
    [
        Some(set(SYNCED, &conditions_set.synced)),
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

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Why a condition is as it is. Its text is the variant's name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(super) enum Reason {
            $($(#[$doc])* $name,)+
        }

        impl Reason {
            /// All of them.
            pub(super) const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word for it.
            pub(super) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }
        }
    };
}

reasons! {
    /// WorkOS has what is declared.
    InSync,
    /// The organization exists as declared.
    Available,
    /// Every declared intent is configured.
    AllConfigured,
    /// No intent is declared.
    NothingDeclared,
    /// The key is there and accepted.
    Connected,
    /// Everything was read within its interval.
    Observed,
    /// The customer has not finished yet. Nothing is wrong.
    AwaitingCustomer,
    /// Something that worked, or should, does not: see the intents.
    NeedsAttention,
    /// WorkOS differs, and the operator is about to write.
    Pending,
    /// WorkOS differs, and nothing is written: paused.
    Paused,
    /// WorkOS differs, and nothing is written: managementPolicy is Observe.
    ObserveOnly,
    /// What is wanted is not allowed: the message says what would allow it.
    Held,
    /// The hourly limit of creations is reached: it waits.
    CreateLimit,
    /// Somebody else writes the same field again and again: it is written once an hour.
    Fighting,
    /// The organization was deleted at WorkOS by somebody else, and is not created again unasked.
    DeletedOutside,
    /// Most organizations that statuses name are not in the account that the API key opens.
    WrongAccount,
    /// The environment is being deleted: nothing is created or changed any more.
    EnvironmentTerminating,
    /// The environment is being deleted, and resources still need it.
    InUse,
    /// A person has to decide which organization is meant.
    Conflict,
    /// Another organization has verified a declared domain.
    DomainVerifiedElsewhere,
    /// The resource says something that no manifest may say.
    Invalid,
    /// WorkOS refused a change.
    Refused,
    /// The organization does not exist.
    NotFound,
    /// Another release of the operator keeps the environment.
    AnotherOperator,
    /// There is no such PortalEnvironment.
    EnvironmentMissing,
    /// The environment does not take organizations of this namespace.
    NotAllowed,
    /// The Secret with the API key, or its key, is not there.
    SecretMissing,
    /// What the Secret holds is no API key, or the key is of the other kind.
    KeyInvalid,
    /// WorkOS does not take the API key.
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

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests;
