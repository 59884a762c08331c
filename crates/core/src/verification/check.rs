//! Result of one domain in a run of `portalctl verify-domain`, and the next step.

use super::{DnsCheck, Failure, Record, RecordPresence};
use portalctl_model::codes::{Code, domain as codes};
use portalctl_model::observed::DomainState;
use portalctl_model::text::escape;
use portalctl_model::{Domain, OrgKey, OrganizationId};

/// One domain, as a run leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainCheck {
    /// The domain.
    pub domain: Domain,
    /// State at WorkOS after the run; `None` where WorkOS does not have the domain.
    pub state: Option<DomainState>,
    /// Reason why WorkOS gave the verification up, where it did and told.
    pub failure: Option<Failure>,
    /// Days left of a pending domain's 30, rounded up.
    pub days_left: Option<i64>,
    /// The record to set, when it is not verified and has one.
    pub record: Option<ShownRecord>,
    /// DNS check of the record, where it was looked for.
    pub seen: Option<DnsCheck>,
    /// Request to WorkOS to verify the domain.
    pub asked: Asked,
    /// The other organizations that hold the domain, when there are any.
    pub contest: Option<Contested>,
}

/// The other organizations that hold a domain, as a report may tell them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contested {
    /// The others in one phrase: those that have verified it, else all.
    pub holders: String,
    /// True where one of them has verified the domain.
    pub is_lost: bool,
    /// Each of them.
    pub rivals: Vec<RivalHolder>,
}

/// Another organization that holds a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RivalHolder {
    /// `org_…`
    pub organization: OrganizationId,
    /// Display name of the organization.
    pub name: String,
    /// State of the domain on that organization.
    pub state: DomainState,
}

/// A record as a report may show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownRecord {
    /// The full name that carries it.
    pub host: Domain,
    /// Beginning of the value; no secret.
    pub prefix: String,
    /// The whole value, only if somebody asked to have it revealed.
    pub value: Option<String>,
}

/// Treatment of a record's value in reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordValue {
    /// The value is left out.
    Hidden,
    /// The value is shown, because somebody asked for it.
    Shown,
}

impl ShownRecord {
    /// Creates the shown form of a record, with its value or without.
    pub fn new(record: &Record, value: RecordValue) -> Self {
        Self {
            host: record.host().clone(),
            prefix: record.prefix().to_owned(),
            value: (value == RecordValue::Shown).then(|| record.reveal()),
        }
    }
}

/// Request to WorkOS to verify a domain, or the reason why there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// There was nothing to ask: it is verified, or WorkOS does not have it.
    NotNeeded,
    /// The world does not see the record yet.
    InVain,
    /// Another organization has verified the domain.
    Contested,
    /// Only DNS was to be asked.
    DnsOnly,
    /// WorkOS gave the domain no id to ask by.
    NoId,
    /// The run was stopped before.
    Stopped,
    /// WorkOS answered with the domain.
    Answered,
    /// WorkOS did not answer as asked; the run's errors say why.
    Failed,
}

impl DomainCheck {
    /// Returns whether WorkOS has verified the domain for the customer.
    pub fn is_verified(&self) -> bool {
        self.state.as_ref().is_some_and(DomainState::is_verified)
    }

    /// Returns the code that `portalctl explain` knows, if there is one.
    pub fn code(&self) -> Option<Code> {
        if self.is_lost() {
            return Some(codes::VERIFIED_ELSEWHERE);
        }
        match (&self.state, &self.failure) {
            (None, _) => Some(codes::NOT_ADDED),
            (Some(DomainState::Failed), Some(Failure::VerifiedElsewhere)) => {
                Some(codes::VERIFIED_ELSEWHERE)
            }
            (Some(DomainState::Failed), Some(Failure::PeriodExpired)) => {
                Some(codes::PERIOD_EXPIRED)
            }
            (Some(_), _) => None,
        }
    }

    /// Returns whether another organization has verified the domain, and this one has not.
    pub fn is_lost(&self) -> bool {
        !self.is_verified() && self.contest.as_ref().is_some_and(|one| one.is_lost)
    }

    /// One sentence about the other organizations that hold the domain, when there are any.
    pub fn contested(&self) -> Option<String> {
        let contest = self.contest.as_ref()?;
        let holders = &contest.holders;
        Some(if contest.is_lost {
            format!("{holders} has verified the domain; only one organization can")
        } else {
            format!("{holders} has the domain too; only one organization can verify it")
        })
    }

    /// Returns the next step, if there is one.
    pub fn next_step(&self, key: &OrgKey) -> Option<String> {
        if self.is_lost() {
            let step = "decide whose domain it is, then remove it from the other organization";
            return Some(step.to_owned());
        }
        let again = format!("portalctl verify-domain {key}");
        match &self.state {
            None => return Some("run portalctl apply: it adds the domain".to_owned()),
            Some(state) if state.is_verified() => return None,
            Some(DomainState::Unknown(_)) => {
                return Some("look at it in the WorkOS dashboard".to_owned());
            }
            Some(_) => {}
        }
        if self.code() == Some(codes::VERIFIED_ELSEWHERE) {
            return Some(
                "find out which of the two organizations the domain belongs to".to_owned(),
            );
        }
        let step = match self.asked {
            Asked::NoId => "look at it in the WorkOS dashboard".to_owned(),
            Asked::Failed | Asked::Stopped => format!("run {again} again"),
            Asked::NotNeeded
            | Asked::InVain
            | Asked::Contested
            | Asked::DnsOnly
            | Asked::Answered => self.by_sight(&again),
        };
        Some(step)
    }

    fn by_sight(&self, again: &str) -> String {
        let host = &self.domain;
        let Some(seen) = &self.seen else {
            return format!("run {again} again: it shows the record to set");
        };
        match seen.presence {
            RecordPresence::Yes if self.asked == Asked::DnsOnly => {
                format!("run {again} without --dns-only: WorkOS can be asked")
            }
            RecordPresence::Yes if self.contest.is_some() => format!(
                "find out whose domain it is, and remove it from the other organization: only one \
                 can verify it; {again} asks WorkOS again any time"
            ),
            RecordPresence::Yes => format!(
                "wait: WorkOS looks for the record by itself; {again} asks it again any time"
            ),
            RecordPresence::No => format!(
                "ask the customer to set the TXT record{}",
                self.where_from()
            ),
            RecordPresence::OtherValue => format!(
                "ask the customer to set this very value{}; other TXT records may stay",
                self.where_from()
            ),
            RecordPresence::WrongName => format!(
                "ask the customer to set the record at {host} itself; many DNS panels write that \
                 as @ and add the domain to any other name"
            ),
            RecordPresence::Unknown => {
                format!("run {again} again later, or with another resolver (--resolver 1.1.1.1)")
            }
        }
    }

    /// Returns the hint how to see a value that is not shown.
    fn where_from(&self) -> &'static str {
        match &self.record {
            Some(record) if record.value.is_none() => " (--reveal shows its value)",
            Some(_) | None => "",
        }
    }

    /// Describes why the verification failed, as a sentence; `None` unless it did.
    pub fn why_failed(&self) -> Option<String> {
        if self.state != Some(DomainState::Failed) {
            return None;
        }
        self.failure.as_ref().map(Failure::sentence)
    }
}

impl Failure {
    /// Describes the failure in one sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::PeriodExpired => format!(
                "the TXT record did not appear within {} days",
                super::VERIFICATION_DAYS
            ),
            Self::VerifiedElsewhere => "another organization has verified it".to_owned(),
            Self::Other(reason) => escape(reason).into_owned(),
        }
    }
}
