//! Ownership: who holds a live organization, and who may write it.
//!
//! Goes in: the marks of one live organization, and what is known of whoever wants to write it.
//! Comes out: a decision. Reads nothing, and never looks at names or domains: which organization is
//! meant has been decided before, by [`identify`](super::identify).
//!
//! Two marks count. The owner mark names the manifest that created or claimed the organization. The
//! holder mark names the Kubernetes resource whose operator keeps it; where there is one, it
//! decides.
//!
//! | live organization | command line: [`Ownership::for_manifest`] | operator: [`Ownership::for_resource`] |
//! |---|---|---|
//! | no marks | `Free` | in the environment's namespace `TakeHold`; elsewhere it needs `allowAdoption` |
//! | owner mark of this manifest | `Ours` | the same; also `TakeHold` where the resource's status names it |
//! | owner mark of a former name | `FormerlyOurs` | `Conflict` |
//! | owner mark of another manifest | `Theirs` | `Conflict`, whatever `allowAdoption` says |
//! | held by this resource | `OwnResource` in the Kubernetes form | `Update` |
//! | held by a living one, or in doubt | `Theirs` | `Conflict` |
//! | holder gone, same cluster and namespace | `Theirs` | `HandOver` |
//! | holder gone elsewhere, or in another cluster | `Theirs` | `HandOver` with a transfer, else `Conflict` |

use std::fmt;

use portalctl_model::observed::Organization;
use portalctl_model::text::escape;
use portalctl_model::{Holder, HolderMark, ManifestName, ResourceName, mark};

#[cfg(test)]
mod tests;

/// The marks of a live organization, as far as they say whose it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ownership {
    /// Neither an owner nor a holder mark.
    Unmarked,
    /// An owner mark, of this manifest or another, and no holder.
    OwnedBy(String),
    /// A holder mark, and perhaps an owner mark beside it.
    HeldBy {
        /// The resource that keeps the organization.
        holder: HolderMark,
        /// The manifest that created or claimed it.
        owner: Option<String>,
    },
}

impl Ownership {
    /// Reads the marks of an organization; a blank mark is none.
    pub fn of(live: &Organization) -> Self {
        let owner = live.metadata.get(mark::OWNER).map(|owner| owner.trim());
        let owner = owner.filter(|owner| !owner.is_empty()).map(str::to_owned);
        let holder = live.metadata.get(mark::HOLDER);
        match (holder.and_then(|text| HolderMark::read(text)), owner) {
            (Some(holder), owner) => Self::HeldBy { holder, owner },
            (None, Some(owner)) => Self::OwnedBy(owner),
            (None, None) => Self::Unmarked,
        }
    }

    /// The manifest that the owner mark names.
    pub fn owner(&self) -> Option<&str> {
        match self {
            Self::Unmarked => None,
            Self::OwnedBy(owner) => Some(owner),
            Self::HeldBy { owner, .. } => owner.as_deref(),
        }
    }

    /// The holder that the holder mark names.
    pub const fn holder(&self) -> Option<&HolderMark> {
        match self {
            Self::Unmarked | Self::OwnedBy(_) => None,
            Self::HeldBy { holder, .. } => Some(holder),
        }
    }

    /// Decides for an entry of a manifest: the column of the command line.
    pub fn for_manifest(&self, declarant: &Declarant<'_>) -> Standing {
        match self {
            Self::Unmarked => Standing::Free,
            Self::OwnedBy(owner) => match declarant.knows(owner) {
                Name::Current => Standing::Ours,
                Name::Former => Standing::FormerlyOurs(owner.clone()),
                Name::Another => Standing::Theirs(OtherOwner::Manifest(owner.clone())),
            },
            Self::HeldBy { holder, .. } => {
                let own = declarant.resource.zip(holder.resource());
                match own.filter(|(resource, holder)| resource.is(holder)) {
                    Some((_, holder)) => Standing::OwnResource(holder.clone()),
                    None => Standing::Theirs(OtherOwner::Operator(holder.clone())),
                }
            }
        }
    }

    /// Decides for one resource of an operator, as if no other resource claimed the organization.
    ///
    /// The caller has matched the organization by id, external id or a previous key. Where several
    /// resources of one operator match the same organization, decide for each, and then let
    /// [`settle`] compare them. A decision is of the moment: the marks are to be read right before
    /// the write that follows from it.
    pub fn for_resource(&self, claimant: &Claimant<'_>) -> Decision {
        if let Self::HeldBy {
            holder: HolderMark::Resource(holder),
            ..
        } = self
            && holder == claimant.resource
        {
            return Decision::Update;
        }
        let is_ours = match self.owner() {
            None => false,
            Some(owner) if claimant.is_manifest(owner) => true,
            Some(owner) => return Decision::Conflict(Obstacle::OtherManifest(owner.to_owned())),
        };
        match self {
            Self::Unmarked | Self::OwnedBy(_) => {
                if claimant.is_at_home()
                    || claimant.allows_adoption
                    || (is_ours && claimant.named_by_status)
                {
                    Decision::TakeHold
                } else {
                    Decision::NeedsPermission(Permission::AllowAdoption)
                }
            }
            Self::HeldBy {
                holder: HolderMark::Unreadable(text),
                ..
            } => Decision::Conflict(Obstacle::UnreadableHolder(text.clone())),
            Self::HeldBy {
                holder: HolderMark::Resource(holder),
                ..
            } => claimant.succeeds(holder),
        }
    }
}

/// An entry of a manifest that wants to write an organization by the command line.
#[derive(Debug, Clone, Copy)]
pub struct Declarant<'a> {
    /// The manifest's own name; without one, every owner mark is another's.
    pub manifest: Option<&'a ManifestName>,
    /// Names that the manifest had before.
    pub previous: &'a [ManifestName],
    /// The resource that the entry is, in the Kubernetes form.
    pub resource: Option<&'a ResourceName>,
}

/// A manifest's relation to the name in an owner mark.
enum Name {
    Current,
    Former,
    Another,
}

impl Declarant<'_> {
    fn knows(&self, owner: &str) -> Name {
        let Some(manifest) = self.manifest else {
            return Name::Another;
        };
        if manifest.as_str() == owner {
            Name::Current
        } else if self.previous.iter().any(|name| name.as_str() == owner) {
            Name::Former
        } else {
            Name::Another
        }
    }
}

/// The relation of a manifest's entry to a live organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// No mark: a plain update, which adds no mark by itself.
    Free,
    /// Our owner mark: a plain update.
    Ours,
    /// The owner mark of this former name of the manifest: a plain update, and the mark is
    /// rewritten.
    FormerlyOurs(String),
    /// An operator holds it for the very resource that the entry is: an update, with a warning.
    OwnResource(Holder),
    /// Another's: every change is held until a person says that it is to be taken over.
    Theirs(OtherOwner),
}

/// Another that holds an organization, as the command line sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum OtherOwner {
    /// The manifest of this name.
    Manifest(String),
    /// The operator that keeps this resource.
    Operator(HolderMark),
}

impl fmt::Display for OtherOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest(name) => write!(f, "the manifest `{}`", escape(name)),
            Self::Operator(HolderMark::Resource(holder)) => write!(
                f,
                "the operator of the cluster `{}`, for PortalOrganization {}/{}",
                holder.cluster(),
                holder.namespace(),
                holder.name()
            ),
            Self::Operator(HolderMark::Unreadable(text)) => {
                write!(f, "an operator, by the mark `{}`", escape(text))
            }
        }
    }
}

/// A resource of an operator that wants to write an organization.
#[derive(Debug, Clone, Copy)]
pub struct Claimant<'a> {
    /// The resource, in the operator's own cluster.
    pub resource: &'a Holder,
    /// The namespace of its `PortalEnvironment`.
    pub environment_namespace: &'a str,
    /// `manifest` of the `PortalEnvironment`.
    pub manifest: Option<&'a ManifestName>,
    /// `allowAdoption` of the `PortalEnvironment`.
    pub allows_adoption: bool,
    /// `transfers` of the `PortalEnvironment`.
    pub transfers: &'a [Transfer],
    /// The resource's own status names this organization. Only a status that the operator wrote for
    /// this very object counts: a tenant who can write status could claim anything by it.
    pub named_by_status: bool,
    /// The present holder, if it is another resource of this cluster; else [`Presence::Unknown`].
    pub holder: Presence,
}

impl Claimant<'_> {
    fn is_at_home(&self) -> bool {
        self.resource.namespace() == self.environment_namespace
    }

    fn is_manifest(&self, owner: &str) -> bool {
        self.manifest.is_some_and(|name| name.as_str() == owner)
    }

    /// Decides about an organization that another resource holds.
    fn succeeds(&self, holder: &Holder) -> Decision {
        let hand_over = || Decision::HandOver(holder.clone());
        let conflict =
            |obstacle: fn(Holder) -> Obstacle| Decision::Conflict(obstacle(holder.clone()));
        let is_transferred = self.transfers.iter().any(|transfer| transfer.names(holder));
        if holder.cluster() != self.resource.cluster() {
            // Nobody here can see whether it is gone: the transfer is the statement that it is.
            return if is_transferred {
                hand_over()
            } else {
                conflict(Obstacle::OtherCluster)
            };
        }
        match self.holder {
            Presence::Living => conflict(Obstacle::HeldByAnother),
            Presence::Unknown => conflict(Obstacle::HolderNotSeen),
            Presence::Gone if holder.namespace() == self.resource.namespace() => hand_over(),
            Presence::Gone if is_transferred => hand_over(),
            Presence::Gone => conflict(Obstacle::GoneElsewhere),
        }
    }
}

/// The presence of a holder's resource in this operator's cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Presence {
    /// An uncached GET by this operator answered 404.
    Gone,
    /// The GET found it, also while it is being deleted.
    Living,
    /// Not asked, not allowed to look, or no answer: treated as living.
    Unknown,
}

/// A permission to take over what a resource elsewhere held: one item of `transfers`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Transfer {
    /// The cluster of the former holder.
    pub from_cluster: String,
    /// The namespace of the former holder.
    pub from_namespace: String,
    /// The name of the former holder; any in that namespace when absent.
    pub name: Option<String>,
}

impl Transfer {
    /// Returns whether it names a holder.
    pub fn names(&self, holder: &Holder) -> bool {
        let name = self.name.as_deref();
        self.from_cluster == holder.cluster()
            && self.from_namespace == holder.namespace()
            && name.is_none_or(|name| name == holder.name())
    }
}

/// A decision about one organization for one resource of an operator.
///
/// A resource that only observes needs a decision that [grants](Self::is_granted) the organization,
/// and takes no hold of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The resource holds it already.
    Update,
    /// Free: write the holder mark with the first update.
    TakeHold,
    /// The former holder is gone: write the holder mark over its own, and say so.
    HandOver(Holder),
    /// No write until the environment permits it.
    NeedsPermission(Permission),
    /// Conflict: no write until a person decides.
    Conflict(Obstacle),
}

impl Decision {
    /// Returns whether the organization is the resource's: to be read, reported and written.
    pub const fn is_granted(&self) -> bool {
        match self {
            Self::Update | Self::TakeHold | Self::HandOver(_) => true,
            Self::NeedsPermission(_) | Self::Conflict(_) => false,
        }
    }

    /// Returns whether the holder mark has to be written.
    pub const fn changes_holder(&self) -> bool {
        match self {
            Self::TakeHold | Self::HandOver(_) => true,
            Self::Update | Self::NeedsPermission(_) | Self::Conflict(_) => false,
        }
    }
}

/// A field of the `PortalEnvironment` that would permit a takeover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// `allowAdoption`
    AllowAdoption,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AllowAdoption => "allowAdoption",
        })
    }
}

/// Another's hold on an organization.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// The owner mark of another manifest.
    OtherManifest(String),
    /// A living resource of this cluster.
    HeldByAnother(Holder),
    /// A resource of this cluster that could not be looked at.
    HolderNotSeen(Holder),
    /// A resource of another cluster.
    OtherCluster(Holder),
    /// A resource that is gone, from another namespace, without a transfer.
    GoneElsewhere(Holder),
    /// A holder mark that is no `cluster/namespace/name`.
    UnreadableHolder(String),
    /// Another resource claims it too, and no status tells which of them is meant.
    ClaimedByAnother,
}

/// The reader of a message about an obstacle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Operators of the environment: the log, its events, and resources of its own namespace.
    Environment,
    /// A tenant: a resource of another namespace, which is told nothing about others.
    Tenant,
}

impl Obstacle {
    /// Says what is in the way, and what to do about it.
    pub fn message(&self, audience: Audience) -> String {
        if audience == Audience::Tenant {
            return "it belongs to another organization of this environment; ask whoever runs the \
                    PortalEnvironment, or name another organization"
                .to_owned();
        }
        let resource = |holder: &Holder| format!("{}/{}", holder.namespace(), holder.name());
        match self {
            Self::OtherManifest(name) => format!(
                "the manifest `{}` owns it; remove it there and its mark `{}`, or set `manifest` \
                 of the PortalEnvironment to that name",
                escape(name),
                mark::OWNER
            ),
            Self::HeldByAnother(holder) => format!(
                "PortalOrganization {} holds it; once that resource is deleted, the \
                 organization is handed over within a minute",
                resource(holder)
            ),
            Self::HolderNotSeen(holder) => format!(
                "PortalOrganization {} holds it, and the operator cannot see whether that \
                 resource is gone",
                resource(holder)
            ),
            Self::OtherCluster(holder) => format!(
                "PortalOrganization {} of the cluster `{}` holds it; if it has given it up, name \
                 it in `transfers` of the PortalEnvironment",
                resource(holder),
                holder.cluster()
            ),
            Self::GoneElsewhere(holder) => format!(
                "PortalOrganization {}, which is gone, held it; name it in `transfers` of the \
                 PortalEnvironment to hand it over",
                resource(holder)
            ),
            Self::UnreadableHolder(text) => format!(
                "its mark `{}` is `{}`, which is no cluster/namespace/name; remove the mark to \
                 free it",
                mark::HOLDER,
                escape(text)
            ),
            Self::ClaimedByAnother => "another resource claims it too, and neither holds it; \
                                       let one of them name another organization"
                .to_owned(),
        }
    }
}

/// One of several resources that match the same organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contender {
    /// The decision for this resource alone; [`settle`] may turn it into a conflict.
    pub decision: Decision,
    /// The resource's own status names the organization.
    pub named_by_status: bool,
}

/// Settles between resources that match the same organization, each decided for by itself.
///
/// Only those that would take hold of it compete: whoever is refused anyway keeps nobody else from
/// it. The only one whose status names the organization gets it; else nobody does, and age counts
/// for nothing.
pub fn settle(contenders: &mut [Contender]) {
    let competes = |contender: &Contender| contender.decision.changes_holder();
    let named = |contender: &Contender| competes(contender) && contender.named_by_status;
    if contenders.iter().filter(|one| competes(one)).count() < 2 {
        return;
    }
    let has_winner = contenders.iter().filter(|one| named(one)).count() == 1;
    for contender in contenders.iter_mut().filter(|one| competes(one)) {
        if !(has_winner && contender.named_by_status) {
            contender.decision = Decision::Conflict(Obstacle::ClaimedByAnother);
        }
    }
}

/// A deletion's obstacle, where the marks hold one: see [`Ownership::may_be_deleted_by`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Undeletable {
    /// The owner mark of this manifest is missing.
    NotOurs,
    /// Another holds it.
    HeldBy(HolderMark),
}

impl Ownership {
    /// Checks that the marks let an organization be deleted: the owner mark is of this manifest,
    /// and nobody else holds it. `holder` is the operator's resource; the command line has none.
    ///
    /// # Errors
    ///
    /// Returns the mark that is missing or in the way.
    pub fn may_be_deleted_by(
        &self,
        manifest: Option<&ManifestName>,
        holder: Option<&Holder>,
    ) -> Result<(), Undeletable> {
        let is_ours = self.owner().is_some() && self.owner() == manifest.map(ManifestName::as_str);
        if !is_ours {
            return Err(Undeletable::NotOurs);
        }
        match self.holder() {
            Some(other) if holder.is_none() || other.resource() != holder => {
                Err(Undeletable::HeldBy(other.clone()))
            }
            Some(_) | None => Ok(()),
        }
    }
}
