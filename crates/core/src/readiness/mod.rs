//! Readiness: how far every customer has configured every intent.
//!
//! Goes in: desired and observed state, who is who, and the time. Comes out: for every
//! organization and intent a state, its evidence, since when, whose turn it is and the next step.
//! Pure: no I/O, no clock of its own. A person at the customer configures an intent in the portal;
//! portalctl reports and never applies it.

mod certificates;
pub mod compare;
mod connections;
mod domains;
mod evidence;
pub mod fail_on;
mod keys;
mod logs;
mod sso_domain;
mod warnings;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::identity::{Contest, Identities, Identity};
use portalctl_model::desired::{Desired, DesiredOrganization};
use portalctl_model::mark::{self, InvitationMark};
use portalctl_model::observed::{Answer, FailedRead, Observed, Organization};
use portalctl_model::text::escape;
use portalctl_model::{Domain, Intent, OrgKey, OrganizationId, Selection, Unconfigured};

pub use sso_domain::missing_domain;
pub use warnings::Warning;

/// The readiness of all organizations of a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readiness {
    /// By key.
    pub organizations: Vec<OrganizationReadiness>,
    /// Reads that failed.
    pub warnings: Vec<Warning>,
}

/// The readiness of one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationReadiness {
    /// Key in the manifest.
    pub key: OrgKey,
    /// Display name, live if there is one, else as declared.
    pub name: Option<String>,
    /// Id at WorkOS; `None` while the organization does not exist.
    pub organization_id: Option<OrganizationId>,
    /// The declared intents.
    pub intents: Vec<IntentReadiness>,
    /// Invitation of an IT contact, as far as the organization is marked with one.
    pub invitation: Option<InvitationReadiness>,
}

/// Invitation of one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationReadiness {
    /// The organization's mark.
    pub mark: InvitationMark,
    /// Address of the contact that the mark names, where the IT contacts were read.
    pub address: Option<String>,
}

/// Readiness of one intent of one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentReadiness {
    /// The intent.
    pub intent: Intent,
    /// State of the intent.
    pub state: State,
    /// Since when, by the evidence's own time.
    pub since: Option<Timestamp>,
    /// The side that has to act.
    pub turn: Turn,
    /// One sentence that says why the state is what it is.
    pub reason: String,
    /// Next step, if there is one.
    pub next_step: Option<String>,
    /// Objects at WorkOS that the state rests on.
    pub evidence: Vec<Evidence>,
    /// Basis of the state.
    pub basis: Basis,
    /// Lack of a verified domain, without which single sign-on cannot be used; `None` where there
    /// is one, where none is needed, and for every other intent.
    pub missing_domain: Option<MissingDomain>,
}

/// Lack of a verified domain, which single sign-on needs.
///
/// WorkOS activates single sign-on for an organization with a verified domain, or for one that
/// allows profiles from outside its domains. Source: <https://workos.com/docs/sso/domains>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissingDomain {
    /// No domain is verified, and the organization allows no profiles from outside its domains.
    Missing,
    /// No domain is verified, and WorkOS does not tell whether the organization needs one.
    NotKnown,
}

/// Basis of a state: evidence that was read, or the reason why it was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Basis {
    /// The evidence was read, or none is needed.
    #[default]
    Read,
    /// The evidence was not asked for in this run: the state is `unknown`.
    NotRead,
    /// The evidence could not be read; WorkOS's answer.
    Failed(FailedRead),
}

impl IntentReadiness {
    /// Returns whether the evidence was not asked for in this run.
    pub fn is_not_read(&self) -> bool {
        self.basis == Basis::NotRead
    }
}

/// Readiness state of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Something is wrong that worked before, or was refused.
    Attention,
    /// WorkOS did not tell, or said something this version does not know.
    Unknown,
    /// The customer has begun.
    InProgress,
    /// No step has been taken yet.
    Unconfigured,
    /// The customer has finished.
    Configured,
    /// The intent cannot apply to this organization.
    NotApplicable,
}

impl State {
    /// All states, most urgent first.
    pub const ALL: [Self; 6] = [
        Self::Attention,
        Self::Unknown,
        Self::InProgress,
        Self::Unconfigured,
        Self::Configured,
        Self::NotApplicable,
    ];

    /// The word for it in JSON and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::InProgress => "in_progress",
            Self::Unconfigured => "unconfigured",
            Self::Attention => "attention",
            Self::Unknown => "unknown",
            Self::NotApplicable => "not_applicable",
        }
    }

    /// Returns whether no action is left for anybody.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Configured | Self::NotApplicable)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Side that has to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Turn {
    /// The team that runs portalctl.
    You,
    /// The customer's IT admin.
    Customer,
    /// Waiting for DNS propagation.
    Dns,
    /// WorkOS.
    WorkOs,
    /// No action is needed.
    None,
}

impl Turn {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::You,
        Self::Customer,
        Self::Dns,
        Self::WorkOs,
        Self::None,
    ];

    /// The word for it in text and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::You => "you",
            Self::Customer => "customer",
            Self::Dns => "dns",
            Self::WorkOs => "workos",
            Self::None => "none",
        }
    }

    /// Finds the one with a word.
    pub(crate) fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|turn| turn.as_str() == word)
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One object at WorkOS that a state rests on. Holds no secret and no verification token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Type of the object: `connection`, `directory`, `domain`, `audit_log_configuration`,
    /// `log_stream`, `event`.
    pub object: &'static str,
    /// Id of the object, or the domain's name.
    pub id: Option<String>,
    /// Kind of the object, as WorkOS spells it (`OktaSAML`).
    pub kind: Option<String>,
    /// State of the object, as WorkOS spells it.
    pub state: String,
    /// Time of the last change.
    pub since: Option<Timestamp>,
}

/// Finding of a rule about one intent, before the organization's facts are added.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    state: State,
    since: Option<Timestamp>,
    turn: Turn,
    reason: String,
    next_step: Option<String>,
    evidence: Vec<Evidence>,
    basis: Basis,
    missing_domain: Option<MissingDomain>,
}

impl Finding {
    fn new(state: State, turn: Turn, reason: impl Into<String>) -> Self {
        Self {
            state,
            since: None,
            turn,
            reason: reason.into(),
            next_step: None,
            evidence: Vec::new(),
            basis: Basis::Read,
            missing_domain: None,
        }
    }

    /// Creates the finding that the evidence was not asked for.
    fn not_read(what: &str) -> Self {
        Self {
            basis: Basis::NotRead,
            ..Self::new(
                State::Unknown,
                Turn::None,
                format!("{what} not read in this run"),
            )
            .next("run portalctl status")
        }
    }

    fn next(mut self, step: impl Into<String>) -> Self {
        self.next_step = Some(step.into());
        self
    }

    fn since(mut self, since: Option<Timestamp>) -> Self {
        self.since = since;
        self
    }

    fn with(mut self, evidence: Vec<Evidence>) -> Self {
        self.evidence = evidence;
        self
    }

    /// A read failed: nothing is known, and WorkOS's answer says why.
    fn failed(why: &FailedRead) -> Self {
        let (turn, step) = if why.is_refused() {
            (
                Turn::You,
                "check whether the account has the feature, and ask WorkOS's support",
            )
        } else {
            (Turn::WorkOs, "run portalctl status again")
        };
        Self {
            basis: Basis::Failed(why.clone()),
            ..Self::new(State::Unknown, turn, format!("it could not be read: {why}")).next(step)
        }
    }

    fn not_entitled(message: &str) -> Self {
        let message = match message.trim() {
            "" => String::new(),
            said => format!(": {}", escape(said)),
        };
        Self::new(
            State::Unknown,
            Turn::You,
            format!("WorkOS refuses to tell (403){message}"),
        )
        .next("check the key's permissions, and whether the account's plan includes the feature")
    }
}

/// An object with its kind, `the OktaSAML connection`; WorkOS may leave the kind out.
fn named(kind: &str, object: &str) -> String {
    match kind.trim() {
        "" => format!("the {object}"),
        // `gsuite directory` says it already.
        kind if kind.ends_with(object) => format!("the {}", escape(kind)),
        kind => format!("the {} {object}", escape(kind)),
    }
}

/// Describes a state that this version does not know; WorkOS may leave the state out.
fn unknown_state(subject: &str, raw: &str) -> String {
    match raw.trim() {
        "" => format!("WorkOS does not tell the state of {subject}"),
        raw => format!(
            "the state of {subject} is one that this version does not know: {}",
            escape(raw)
        ),
    }
}

/// Input of a rule: one organization and its entry.
struct Subject<'a> {
    key: &'a OrgKey,
    declared: &'a DesiredOrganization,
    live: &'a Organization,
    observed: &'a Observed,
    /// The declared domains that other organizations hold too.
    contested: &'a BTreeMap<Domain, Contest>,
    now: Timestamp,
}

/// Next steps that lead through the Admin Portal, with the command that opens it in full.
struct PortalSteps {
    /// Command that makes a link to the intent.
    link: String,
    /// Command that has WorkOS e-mail an invitation, where nobody was invited yet.
    invite: Option<String>,
}

impl PortalSteps {
    /// Returns the steps of an intent: the entry's contacts are invited where that is possible.
    fn of(subject: &Subject<'_>, intent: Intent) -> Self {
        let Subject {
            key,
            declared,
            live,
            ..
        } = subject;
        let is_invitable = intent.invite_name().is_some()
            && !declared.it_contacts.is_empty()
            && !live.metadata.contains_key(mark::INVITED);
        Self {
            link: format!("portalctl link {key} {intent}"),
            invite: is_invitable.then(|| format!("portalctl invite {key}")),
        }
    }

    /// Returns the step of an intent for which nothing has been done.
    fn first(&self) -> String {
        let step = self.after("send the customer's IT admin to the Admin Portal");
        match &self.invite {
            Some(invite) => format!("{step}, or {invite}"),
            None => step,
        }
    }

    /// Returns a step that the customer's IT admin takes in the portal.
    fn after(&self, step: &str) -> String {
        format!("{step}: {}", self.link)
    }
}

/// Works out how far every selected organization and intent is.
pub fn readiness(
    desired: &Desired,
    observed: &Observed,
    identities: &Identities,
    selection: &Selection,
    now: Timestamp,
) -> Readiness {
    let uncontested = BTreeMap::new();
    let organizations: Vec<OrganizationReadiness> = desired
        .organizations
        .iter()
        .filter(|(key, _)| selection.has_key(key))
        .map(|(key, declared)| {
            let identity = identities.entries.get(key).unwrap_or(&Identity::Missing);
            let live = match identity {
                Identity::Matched { organization, .. } => observed.organizations.get(organization),
                Identity::Adoptable { .. } | Identity::Missing | Identity::Conflicted(_) => None,
            };
            let intents = declared
                .intents
                .keys()
                .filter(|intent| selection.has_intent(**intent));
            let find = |intent: &Intent| {
                let finding = match live {
                    Some(live) => rule(
                        *intent,
                        &Subject {
                            key,
                            declared,
                            live,
                            observed,
                            contested: identities.contested.get(key).unwrap_or(&uncontested),
                            now,
                        },
                    ),
                    None => without_organization(identity, observed),
                };
                complete(*intent, finding, live)
            };
            OrganizationReadiness {
                key: key.clone(),
                name: live
                    .map(|live| live.name.clone())
                    .or_else(|| declared.name.clone()),
                organization_id: live.map(|live| live.id.clone()),
                intents: intents.map(find).collect(),
                invitation: live.and_then(|live| invitation(live, observed)),
            }
        })
        .collect();
    let warnings = warnings::of(&organizations, observed);
    Readiness {
        organizations,
        warnings,
    }
}

fn invitation(live: &Organization, observed: &Observed) -> Option<InvitationReadiness> {
    let mark = InvitationMark::parse(live.metadata.get(mark::INVITED)?);
    let contacts = match observed.it_contacts.get(&live.id) {
        Some(Answer::Found(contacts)) => contacts.as_slice(),
        _ => &[],
    };
    let contact = contacts
        .iter()
        .find(|contact| Some(contact.id.as_str()) == mark.contact());
    Some(InvitationReadiness {
        address: contact.map(|contact| contact.email.clone()),
        mark,
    })
}

fn rule(intent: Intent, subject: &Subject<'_>) -> Finding {
    match intent {
        Intent::Sso => sso_domain::noted(connections::sso(subject), subject),
        Intent::Dsync => connections::dsync(subject),
        Intent::DomainVerification => domains::domain_verification(subject),
        Intent::AuditLogs => logs::audit_logs(subject),
        Intent::LogStreams => logs::log_streams(subject),
        Intent::CertificateRenewal => certificates::certificate_renewal(subject),
        Intent::BringYourOwnKey => keys::bring_your_own_key(subject),
    }
}

/// The organization does not exist yet, or it is not known which one it is.
fn without_organization(identity: &Identity, observed: &Observed) -> Finding {
    match identity {
        Identity::Missing | Identity::Matched { .. } => Finding::new(
            State::Unconfigured,
            Turn::You,
            "the organization is not created yet",
        )
        .next("run portalctl apply"),
        Identity::Adoptable { organization, .. } => Finding::new(
            State::Unconfigured,
            Turn::You,
            match observed.organizations.get(organization) {
                Some(live) => format!(
                    "{} ({}) would be adopted first",
                    escape(&live.name),
                    escape(organization.as_str())
                ),
                None => format!("{} would be adopted first", escape(organization.as_str())),
            },
        )
        .next("run portalctl apply --adopt"),
        Identity::Conflicted(conflicts) => {
            let why = conflicts
                .first()
                .map(|conflict| format!(": {}", conflict.message))
                .unwrap_or_default();
            Finding::new(
                State::Unknown,
                Turn::You,
                format!("the entry is in conflict{why}"),
            )
            .next("resolve the conflict that portalctl plan shows")
        }
    }
}

/// `since` of something that has not begun is the organization's own beginning.
fn complete(intent: Intent, finding: Finding, live: Option<&Organization>) -> IntentReadiness {
    let Finding {
        state,
        since,
        turn,
        reason,
        next_step,
        evidence,
        basis,
        missing_domain,
    } = finding;
    let beginning = || match state {
        State::Unconfigured => live.and_then(|live| live.created_at),
        _ => None,
    };
    let since = since.or_else(beginning);
    IntentReadiness {
        intent,
        state,
        since,
        turn,
        reason,
        next_step,
        evidence,
        basis,
        missing_domain,
    }
}

/// Number of intents in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Totals {
    /// Intents that are done.
    pub configured: usize,
    /// Intents that the customer has begun.
    pub in_progress: usize,
    /// Intents for which nothing has been done.
    pub unconfigured: usize,
    /// Intents with something wrong.
    pub attention: usize,
    /// Intents that WorkOS did not tell about.
    pub unknown: usize,
    /// Intents that cannot apply.
    pub not_applicable: usize,
    /// Intents whose evidence was not asked for in this run; they count in no state.
    pub not_read: usize,
}

impl Readiness {
    /// Returns the intents that nobody has begun to configure: what invitations are planned by.
    ///
    /// None of an organization of which something invitable could not be read: it is invited once,
    /// and to everything.
    pub fn unconfigured(&self) -> Unconfigured {
        let is_unconfigured = |intent: &&IntentReadiness| intent.state == State::Unconfigured;
        let is_unread = |intent: &IntentReadiness| {
            intent.intent.invite_name().is_some() && matches!(intent.basis, Basis::Failed(_))
        };
        let organizations = self.organizations.iter();
        let organizations = organizations.filter(|one| !one.intents.iter().any(is_unread));
        let organizations = organizations.map(|organization| {
            let intents = organization.intents.iter().filter(is_unconfigured);
            let intents = intents.map(|intent| intent.intent).collect();
            (organization.key.clone(), intents)
        });
        organizations.collect()
    }

    /// Counts the intents by state.
    pub fn totals(&self) -> Totals {
        let organizations = self.organizations.iter();
        let intents = organizations.flat_map(|organization| &organization.intents);
        Totals::count(intents)
    }
}

impl Totals {
    /// Counts intents by state.
    pub fn count<'a>(intents: impl Iterator<Item = &'a IntentReadiness>) -> Self {
        let mut totals = Self::default();
        for intent in intents {
            if intent.is_not_read() {
                totals.not_read += 1;
            } else {
                *totals.of_mut(intent.state) += 1;
            }
        }
        totals
    }

    /// Returns the totals with what was not read counted as unknown, for reports without a place
    /// for it.
    #[must_use]
    pub const fn with_unread_as_unknown(mut self) -> Self {
        self.unknown += self.not_read;
        self.not_read = 0;
        self
    }

    /// Returns the number of intents in a state.
    pub const fn of(&self, state: State) -> usize {
        match state {
            State::Configured => self.configured,
            State::InProgress => self.in_progress,
            State::Unconfigured => self.unconfigured,
            State::Attention => self.attention,
            State::Unknown => self.unknown,
            State::NotApplicable => self.not_applicable,
        }
    }

    const fn of_mut(&mut self, state: State) -> &mut usize {
        match state {
            State::Configured => &mut self.configured,
            State::InProgress => &mut self.in_progress,
            State::Unconfigured => &mut self.unconfigured,
            State::Attention => &mut self.attention,
            State::Unknown => &mut self.unknown,
            State::NotApplicable => &mut self.not_applicable,
        }
    }
}
