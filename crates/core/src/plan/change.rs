//! Parts of a plan: plain data, in one total order.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::field_change::FieldChange;
use super::invitation::Invitation;
use crate::identity::MatchedBy;
use crate::identity::ownership::OtherOwner;
use portalctl_model::codes::{Code, plan as codes};
use portalctl_model::desired::Source;
use portalctl_model::text::escape;
use portalctl_model::{Allow, ClientId, Domain, ManifestName, OrgKey, OrganizationId, mark};

/// One thing to do to one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The entry it is for.
    pub key: OrgKey,
    /// The action to take.
    pub action: Action,
    /// The fields it sets, sorted by path.
    pub fields: Vec<FieldChange>,
    /// The reason for it.
    pub reason: Reason,
    /// Place of the declaration.
    pub source: Source,
}

impl Change {
    /// Returns whether the change only writes marks that nobody has to review: it counts for no
    /// limit and for no digest.
    pub fn is_bookkeeping(&self) -> bool {
        matches!(self.action, Action::Update(_))
            && !self.fields.is_empty()
            && self.fields.iter().all(FieldChange::is_bookkeeping)
    }

    /// The fields that somebody may want to review: all but marks that nobody has to.
    pub fn reviewed_fields(&self) -> impl Iterator<Item = &FieldChange> {
        self.fields.iter().filter(|field| !field.is_bookkeeping())
    }

    /// Returns the domains that the change adds.
    pub fn added_domains(&self) -> impl Iterator<Item = &Domain> {
        self.fields.iter().filter_map(FieldChange::added_domain)
    }

    /// Returns the domains that the change removes.
    pub fn removed_domains(&self) -> impl Iterator<Item = &Domain> {
        self.fields.iter().filter_map(FieldChange::removed_domain)
    }

    /// Returns whether it writes the mark of the holder and nothing else.
    pub fn takes_hold_only(&self) -> bool {
        let is_mark = |field: &FieldChange| field.is_mark_of(mark::HOLDER) && !field.is_removal();
        matches!(self.action, Action::Update(_))
            && !self.fields.is_empty()
            && self.fields.iter().all(is_mark)
    }

    /// Returns whether a mark of another manifest or of an operator is replaced.
    pub fn takes_over(&self) -> bool {
        let is_owner =
            |field: &FieldChange| field.is_mark_of(mark::OWNER) || field.is_mark_of(mark::HOLDER);
        self.fields
            .iter()
            .any(|field| is_owner(field) && !field.is_addition())
    }

    /// Returns whether the change removes a domain.
    pub fn removes_a_domain(&self) -> bool {
        self.removed_domains().next().is_some()
    }
}

/// Action of a change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Creates an organization.
    Create,
    /// Takes over an organization that no entry claims.
    Adopt(OrganizationId),
    /// Changes an organization.
    Update(OrganizationId),
    /// Lets WorkOS e-mail an IT contact.
    Invite(Invitation),
    /// Deletes an organization that this manifest created and declares no more.
    Delete(OrganizationId),
}

/// The kind of an action, as plans count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    /// An organization is created.
    Create,
    /// An organization that nobody claims is taken over.
    Adopt,
    /// An organization is changed.
    Update,
    /// An IT contact is invited by e-mail.
    Invite,
    /// An organization is deleted.
    Delete,
}

impl Action {
    /// The kind of the action.
    pub const fn kind(&self) -> ActionKind {
        match self {
            Self::Create => ActionKind::Create,
            Self::Adopt(_) => ActionKind::Adopt,
            Self::Update(_) => ActionKind::Update,
            Self::Invite(_) => ActionKind::Invite,
            Self::Delete(_) => ActionKind::Delete,
        }
    }

    /// The invitation that it sends, if it is one.
    pub const fn invitation(&self) -> Option<&Invitation> {
        match self {
            Self::Invite(invitation) => Some(invitation),
            Self::Create | Self::Adopt(_) | Self::Update(_) | Self::Delete(_) => None,
        }
    }

    /// The organization it is done to, when there is one already.
    pub const fn organization(&self) -> Option<&OrganizationId> {
        match self {
            Self::Create => None,
            Self::Invite(invitation) => invitation.organization.as_ref(),
            Self::Adopt(id) | Self::Update(id) | Self::Delete(id) => Some(id),
        }
    }
}

impl ActionKind {
    /// Returns whether the fields say all of what is done.
    pub(super) const fn is_of_fields(self) -> bool {
        match self {
            Self::Create | Self::Adopt | Self::Update => true,
            Self::Invite | Self::Delete => false,
        }
    }

    /// The word for it in text and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Adopt => "adopt",
            Self::Update => "update",
            Self::Invite => "invite",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Reason for a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// No organization has the entry's external id.
    Missing,
    /// The live organization differs from what is declared.
    Differs(MatchedBy),
    /// The live organization is known by a former key.
    Renamed(MatchedBy),
    /// An unclaimed organization holds this domain, verified.
    HoldsDomain(Domain),
    /// A domain is live but not declared, and the entry says that its list is exact.
    DomainNotDeclared,
    /// The domain moves from another declared organization.
    DomainMoves {
        /// The domain.
        domain: Domain,
        /// The entry that gives it up.
        from: OrgKey,
    },
    /// The manifest asserts ownership of a domain without proof.
    TrustedDomain,
    /// `invite: once` is declared, and the mark of an invitation is absent.
    NotInvited,
    /// This manifest created the organization and does not declare it any more.
    NotDeclared,
    /// Audit-log events would be kept for a shorter time than now.
    ShorterRetention,
    /// `state: absent` is declared.
    DeclaredAbsent,
    /// `state: absent` and `protect: false` are declared, and the organization is protected.
    LiftsProtection,
    /// The owner mark says a former name of this manifest.
    FormerName(String),
    /// As a saved plan says.
    Saved(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("no organization has this external id"),
            Self::Differs(MatchedBy::Id) => f.write_str("the organization pinned by id differs"),
            Self::Differs(MatchedBy::ExternalId) => {
                f.write_str("the organization with this external id differs")
            }
            Self::Differs(MatchedBy::PreviousKey(key)) => {
                write!(
                    f,
                    "the organization known by the former key `{key}` differs"
                )
            }
            Self::Renamed(MatchedBy::PreviousKey(key)) => {
                write!(f, "the organization is known by the former key `{key}`")
            }
            Self::Renamed(MatchedBy::Id | MatchedBy::ExternalId) => {
                f.write_str("the pinned organization has another external id")
            }
            Self::HoldsDomain(domain) => {
                write!(
                    f,
                    "an organization that no entry claims has verified {}",
                    domain.shown()
                )
            }
            Self::DomainNotDeclared => {
                f.write_str("the domain is not declared, and domains_policy is exact")
            }
            Self::DomainMoves { domain, from } => {
                write!(f, "{} is to be removed from `{from}` first", domain.shown())
            }
            Self::TrustedDomain => {
                f.write_str("`state: verified` asserts that the domain is theirs, without proof")
            }
            Self::NotInvited => {
                f.write_str("`invite: once` is declared, and nobody was invited yet")
            }
            Self::NotDeclared => {
                f.write_str("this manifest created it and does not declare it any more")
            }
            Self::ShorterRetention => {
                f.write_str("audit-log events that are older would be deleted for good")
            }
            Self::DeclaredAbsent => f.write_str("`state: absent` is declared"),
            Self::LiftsProtection => {
                f.write_str("`protect: false` is declared; it is deleted after that")
            }
            Self::FormerName(name) => write!(
                f,
                "its owner mark says `{}`, a former name of this manifest",
                escape(name)
            ),
            Self::Saved(reason) => f.write_str(reason),
        }
    }
}

/// A change that is wanted but not allowed in this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The change that is held.
    pub change: Change,
    /// The reason why it is held.
    pub reason: HeldReason,
    /// The flag that would allow it.
    pub flag: Flag,
    /// The permission that would allow it for good, written in the entry's `allow` list.
    pub permission: Option<Allow>,
}

impl Held {
    /// Names the ways to allow it: the flag, and the line to write where there is one.
    pub fn needs(&self) -> String {
        match self.permission {
            Some(allow) => format!("{}, or `allow: [{allow}]`", self.flag),
            None => self.flag.to_string(),
        }
    }
}

/// Reason why a change is held.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum HeldReason {
    /// The flag for it was not given.
    NeedsFlag,
    /// The plan holds more changes of this kind than `limits` allow.
    LimitExceeded {
        /// Number of planned changes.
        planned: usize,
        /// Number of allowed changes.
        allowed: usize,
    },
    /// A limit holds what has to be done before it.
    WaitsForHeld,
    /// Most of what this manifest once created is no longer declared: is this the whole manifest?
    MostlyUndeclared {
        /// Number of organizations with the manifest's owner mark.
        marked: usize,
        /// Number of those that are declared.
        declared: usize,
    },
    /// Another manifest or an operator holds the organization.
    HeldByAnother(OtherOwner),
    /// Something in the manifest's folder was not read: what it declares is missing.
    FilesSkipped {
        /// The first of them, by path.
        first: String,
        /// Number of further files.
        more: usize,
    },
    /// The plan also creates: the organization may be one whose key and name were changed.
    PossibleRename {
        /// The first entry that is created, by key.
        first: OrgKey,
        /// Number of further creations.
        more: usize,
    },
    /// As a saved plan says.
    Saved(Code),
}

impl HeldReason {
    /// The code that `portalctl explain` knows.
    pub const fn code(&self) -> Code {
        match self {
            Self::NeedsFlag => codes::NEEDS_FLAG,
            Self::LimitExceeded { .. } | Self::WaitsForHeld => codes::LIMIT_EXCEEDED,
            Self::MostlyUndeclared { .. } => codes::MOSTLY_UNDECLARED,
            Self::HeldByAnother(_) => codes::HELD_BY_ANOTHER,
            Self::FilesSkipped { .. } => codes::FILES_SKIPPED,
            Self::PossibleRename { .. } => codes::POSSIBLE_RENAME,
            Self::Saved(code) => *code,
        }
    }
}

/// A flag that allows what is otherwise held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// `--adopt`
    Adopt,
    /// `--adopt-owned`
    AdoptOwned,
    /// `--allow-rekey`
    AllowRekey,
    /// `--allow-trusted-domains`
    AllowTrustedDomains,
    /// `--allow-domain-removal`
    AllowDomainRemoval,
    /// `--allow-data-loss`
    AllowDataLoss,
    /// `--prune-active`
    PruneActive,
    /// `--allow-bulk`
    AllowBulk,
}

impl Flag {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Adopt,
        Self::AdoptOwned,
        Self::AllowRekey,
        Self::AllowTrustedDomains,
        Self::AllowDomainRemoval,
        Self::AllowDataLoss,
        Self::PruneActive,
        Self::AllowBulk,
    ];
}

impl Flag {
    /// The permission of an entry that is as good as the flag.
    pub const fn as_allow(self) -> Option<Allow> {
        match self {
            Self::Adopt => Some(Allow::Adopt),
            Self::AdoptOwned => Some(Allow::OtherOwner),
            Self::AllowRekey => Some(Allow::Rekey),
            Self::AllowTrustedDomains => Some(Allow::TrustedDomains),
            Self::AllowDomainRemoval => Some(Allow::DomainRemoval),
            Self::AllowDataLoss => Some(Allow::DataLoss),
            Self::PruneActive => Some(Allow::ActiveDeletion),
            Self::AllowBulk => None,
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Adopt => "--adopt",
            Self::AdoptOwned => "--adopt-owned",
            Self::AllowRekey => "--allow-rekey",
            Self::AllowTrustedDomains => "--allow-trusted-domains",
            Self::AllowDomainRemoval => "--allow-domain-removal",
            Self::AllowDataLoss => "--allow-data-loss",
            Self::PruneActive => "--prune-active",
            Self::AllowBulk => "--allow-bulk",
        })
    }
}

/// Part of an entry that a conflict stops.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// The whole entry: which organization is meant is not clear, so nothing is done for it.
    #[default]
    Entry,
    /// One domain, which another organization has verified: it is not written, all else is.
    Domain(Domain),
    /// Metadata that does not fit: it is not written, all else is.
    Metadata,
}

impl Scope {
    /// The word for it in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Domain(_) => "domain",
            Self::Metadata => "metadata",
        }
    }

    /// The contested domain, if the conflict is about one.
    pub const fn domain(&self) -> Option<&Domain> {
        match self {
            Self::Entry | Self::Metadata => None,
            Self::Domain(domain) => Some(domain),
        }
    }
}

/// Something only a person can decide.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// The entry.
    pub key: OrgKey,
    /// The code that `portalctl explain` knows.
    pub code: Code,
    /// Description of the conflict.
    pub message: String,
    /// Instruction that resolves the conflict.
    pub help: String,
    /// Part of the entry that it stops.
    pub scope: Scope,
}

/// Something worth knowing that keeps nothing from being done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Warning {
    /// The entry it is about, or the path of a file that was not read.
    pub key: OrgKey,
    /// The code that `portalctl explain` knows.
    pub code: Code,
    /// Description of the finding.
    pub message: String,
}

impl Warning {
    /// Tells that WorkOS keeps a value otherwise than it was sent.
    pub fn kept_differently(key: &OrgKey, field: &FieldChange, kept: Option<&str>) -> Self {
        let shown = |value: Option<&str>| match value {
            None => "nothing".to_owned(),
            Some(value) => format!("\"{}\"", escape(value)),
        };
        let path = field.path().shown();
        let path = escape(&path);
        let after = field.after();
        let sent = field
            .added_domain()
            .map(Domain::as_str)
            .or(after.as_deref());
        Self {
            key: key.clone(),
            code: codes::KEPT_DIFFERENTLY,
            message: format!(
                "WorkOS keeps {} for {path}, where {} was sent; it is not sent again",
                shown(kept),
                shown(sent)
            ),
        }
    }
}

impl Warning {
    /// Tells that an entry was written without its IT contacts, and so many others with it.
    pub fn contacts_not_added(key: &OrgKey, others: usize, why: &str) -> Self {
        let whose = match others {
            0 => "its IT contacts".to_owned(),
            1 => "its IT contacts, and those of another organization,".to_owned(),
            others => format!("its IT contacts, and those of {others} other organizations,"),
        };
        Self {
            key: key.clone(),
            code: codes::CONTACTS_UNAVAILABLE,
            message: format!("{whose} were not added; everything else was done: {why}"),
        }
    }
}

/// Environment that a plan was made against: part of its digest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Target {
    /// The environment's name in the manifest.
    pub environment: Option<String>,
    /// The host of the endpoint.
    pub endpoint: String,
    /// `test`, `live`, or nothing when the key's shape does not say.
    pub key_kind: Option<String>,
    /// The client id of the environment, where the manifest says which.
    pub client_id: Option<ClientId>,
    /// The manifest's name.
    pub manifest: Option<ManifestName>,
}
