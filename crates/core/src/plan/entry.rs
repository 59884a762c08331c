//! Plan of one entry of the manifest: a creation, an update, an adoption, or no change.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Action, Change, Conflict, Flag, Held, HeldReason, Reason, Scope, Warning};
use super::field_change::FieldChange;
use super::policy::Policy;
use crate::identity::ownership::{Declarant, OtherOwner, Ownership, Standing};
use crate::identity::{Contest, MatchedBy};
use portalctl_model::codes::plan as codes;
use portalctl_model::desired::{
    DeclaredDomainState, DesiredOrganization, DomainsPolicy, FieldPath,
};
use portalctl_model::mark::{self, KeptValues};
use portalctl_model::observed::{Answer, ItContact, Organization};
use portalctl_model::text::escape;
use portalctl_model::{Allow, Domain, ExternalId, HolderMark, Intent, ManifestName, OrgKey};

/// Most metadata keys and most characters of an external id by WorkOS's guide; its API description
/// allows more. Source: <https://workos.com/docs/authkit/metadata>.
const MAX_KEYS_OF_GUIDE: usize = 10;
const MAX_EXTERNAL_ID_OF_GUIDE: usize = 64;

/// One entry with what the run may do about it.
pub(super) struct Entry<'a> {
    pub(super) key: &'a OrgKey,
    pub(super) declared: &'a DesiredOrganization,
    pub(super) manifest: Option<&'a ManifestName>,
    /// Names that the manifest had before.
    pub(super) previous_manifests: &'a [ManifestName],
    /// The live organization's IT contacts, if they were asked about.
    pub(super) contacts: Option<&'a Answer<Vec<ItContact>>>,
    /// For how many days the live organization's audit-log events are kept, if it was asked.
    pub(super) retention: Option<&'a Answer<Option<u32>>>,
    /// The declared intents that nobody has begun to configure.
    pub(super) unconfigured: &'a BTreeSet<Intent>,
    /// The declared domains that other organizations hold too.
    pub(super) contested: &'a BTreeMap<Domain, Contest>,
    pub(super) policy: Policy,
}

/// Plan of one entry.
#[derive(Debug, Default)]
pub(super) struct EntryPlan {
    pub(super) changes: Vec<Change>,
    pub(super) held: Vec<Held>,
    pub(super) conflicts: Vec<Conflict>,
    pub(super) warnings: Vec<Warning>,
    /// The permissions of the entry that something needed.
    pub(super) used: BTreeSet<Allow>,
}

impl Entry<'_> {
    /// Plans the creation of an organization as declared.
    pub(super) fn create(&self) -> EntryPlan {
        let mut plan = EntryPlan::default();
        let (Some(name), Some(external_id)) = (&self.declared.name, &self.declared.external_id)
        else {
            // Only a pinned entry may lack either, and a pinned entry is never missing.
            return plan;
        };
        let mut fields = vec![
            FieldChange::Name {
                before: None,
                after: Some(name.clone()),
            },
            FieldChange::ExternalId {
                before: None,
                after: Some(external_id.clone()),
            },
        ];
        fields.extend(self.own_fields(None));
        let retention = self.declared.retention_days;
        fields.extend(retention.map(|days| FieldChange::RetentionDays {
            before: None,
            after: Some(days),
        }));
        let manifest = self.manifest.map(ManifestName::to_string);
        let owner = manifest.map(|name| FieldChange::metadata(mark::OWNER, None, Some(name)));
        fields.extend(owner);
        for (domain, state) in self.declared.domains.iter().flatten() {
            fields.push(self.new_domain(domain, *state, &mut plan));
        }
        fields.extend(self.missing_contacts(None));
        fields.extend(self.contacts_mark(None));
        plan.warnings.extend(self.guide_warnings(0, &fields));
        let change = self.change(Action::Create, fields, Reason::Missing);
        plan.changes.push(change);
        plan.changes.extend(self.invitation(None));
        plan
    }

    /// A domain of a new organization: pending, unless its trust is declared and allowed.
    fn new_domain(
        &self,
        domain: &Domain,
        state: DeclaredDomainState,
        plan: &mut EntryPlan,
    ) -> FieldChange {
        let added = FieldChange::Domain {
            domain: domain.clone(),
            before: None,
            after: Some(state),
        };
        if state == DeclaredDomainState::Pending || self.allows(Flag::AllowTrustedDomains) {
            return added;
        }
        let change = self.change(Action::Create, vec![added], Reason::TrustedDomain);
        self.add(plan, change, &[Need::Flag(Flag::AllowTrustedDomains)]);
        FieldChange::pending_domain(domain.clone())
    }

    /// Plans the changes of an existing organization: only what is declared and differs is changed.
    pub(super) fn update(&self, live: &Organization, by: &MatchedBy) -> EntryPlan {
        let mut plan = EntryPlan::default();
        if let Some(conflict) = self.pinned_with_other_external_id(live, by) {
            plan.conflicts.push(conflict);
            return plan;
        }
        let standing = self.standing(live);
        let owner = Need::of(&standing);
        let mut fields = self.differences(live, &mut plan.warnings);
        if owner.is_some() {
            // Only the holder lifts its protection: the next plan does, once the marks are ours.
            fields.retain(|field| !lifts_protection(field));
        }
        let mut invitation = self.invitation(Some(live));
        let removals = self.domains_to_remove(live);
        let external_id = self.external_id_difference(live);
        let retention = self.retention_difference(&mut plan.warnings);
        let wants_more = invitation.is_some()
            || !removals.is_empty()
            || external_id.is_some()
            || retention.is_some();
        let wants = if wants_more || !fields.is_empty() {
            Wants::Changes
        } else {
            Wants::Nothing
        };
        fields.extend(self.owner_marks(live, &standing, wants));
        let fit = self.fit_metadata(live, &mut fields, invitation.as_ref());
        plan.conflicts.extend(fit.conflict);
        if fit.stops_entry {
            return plan;
        }
        invitation = invitation.filter(|_| fit.marks_invitation);
        let marks = usize::from(invitation.is_some());
        // Alone it is no reason to write to what another holds.
        if owner.is_none() || wants_more || !fields.is_empty() {
            fields.extend(self.contacts_mark_that_fits(live, &fields, marks));
        }
        plan.warnings.extend(self.contacts_warning());
        plan.warnings.extend(self.sending_warning(live));
        plan.warnings.extend(self.own_resource_warning(&standing));
        let update = Update {
            entry: self,
            live,
            by,
            owner,
        };
        update.former_name(&standing, &mut plan);
        let external_id = external_id.and_then(|field| update.external_id(field, &mut plan));
        let retention = retention.and_then(|field| update.retention(field, &mut plan));
        fields.extend(external_id.into_iter().chain(retention));
        plan.warnings
            .extend(self.guide_warnings(live.metadata.len(), &fields));
        update.fields(fields, &mut plan);
        update.removals(removals, &mut plan);
        if let Some(invitation) = invitation {
            self.note_use(&mut plan, Allow::InviteBulk);
            self.add(&mut plan, invitation, update.owner.as_slice());
        }
        plan.used.extend(self.used_public_domain());
        plan.warnings.extend(self.unused_permissions(&plan.used));
        plan
    }

    /// Notes that a permission was needed, where the entry gives it.
    fn note_use(&self, plan: &mut EntryPlan, allow: Allow) {
        if self.declared.allow.contains(&allow) {
            plan.used.insert(allow);
        }
    }

    /// The time for which audit-log events are to be kept, where it differs, and whether it is
    /// shorter than now. What could not be read is a warning, and no change.
    fn retention_difference(&self, warnings: &mut Vec<Warning>) -> Option<(FieldChange, bool)> {
        let days = self.declared.retention_days?;
        if self.declared.ignores(&FieldPath::RetentionDays) {
            return None;
        }
        let why = match self.retention? {
            Answer::Found(live) => {
                let is_shorter = live.is_some_and(|live| live > u32::from(days));
                let field = differing(FieldChange::RetentionDays {
                    before: *live,
                    after: Some(days),
                });
                return field.map(|field| (field, is_shorter));
            }
            Answer::Absent => "WorkOS answered 404".to_owned(),
            Answer::NotEntitled(message) => format!("WorkOS answered 403: {}", escape(message)),
            Answer::Failed(why) => why.to_string(),
        };
        warnings.push(Warning {
            key: self.key.clone(),
            code: codes::RETENTION_NOT_READ,
            message: format!("audit_logs.retention_days is not compared: {why}"),
        });
        None
    }

    /// Adds a change, or holds it when it needs something that neither the run nor the entry gives.
    fn add(&self, plan: &mut EntryPlan, change: Change, needs: &[Need]) {
        let granted = needs.iter().filter_map(|need| need.flag().as_allow());
        let granted = granted.filter(|allow| self.declared.allow.contains(allow));
        plan.used.extend(granted);
        match needs.iter().find(|need| !self.allows(need.flag())) {
            None => plan.changes.push(change),
            Some(need) => plan.held.push(Held {
                change,
                reason: need.reason(),
                flag: need.flag(),
                permission: need
                    .flag()
                    .as_allow()
                    .filter(|_| self.declared.resource.is_none()),
            }),
        }
    }

    /// Returns whether the run's flags or the entry's own permissions allow something.
    fn allows(&self, flag: Flag) -> bool {
        let own = flag.as_allow();
        self.policy.allows(flag) || own.is_some_and(|allow| self.declared.allow.contains(&allow))
    }

    /// The relation of the entry to a live organization. An operator has decided before, and sets
    /// the holder of what it was granted.
    fn standing(&self, live: &Organization) -> Standing {
        if self.declared.holder.is_some() {
            return Standing::Ours;
        }
        Ownership::of(live).for_manifest(&Declarant {
            manifest: self.manifest,
            previous: self.previous_manifests,
            resource: self.declared.resource.as_ref(),
        })
    }

    /// The marks that change with the entry's other fields: those of another are replaced where the
    /// entry `wants` anything, and ours is set where it claims what nobody has marked.
    fn owner_marks(
        &self,
        live: &Organization,
        standing: &Standing,
        wants: Wants,
    ) -> Vec<FieldChange> {
        let claim = self.declared.claim;
        match standing {
            Standing::Free if claim => self.owner_mark(live).into_iter().collect(),
            Standing::Theirs(_) if claim || wants == Wants::Changes => {
                let holder = live.metadata.get(mark::HOLDER).cloned();
                let holder = differing(FieldChange::metadata(mark::HOLDER, holder, None));
                self.owner_mark(live).into_iter().chain(holder).collect()
            }
            Standing::Free
            | Standing::Theirs(_)
            | Standing::Ours
            | Standing::FormerlyOurs(_)
            | Standing::OwnResource(_) => Vec::new(),
        }
    }

    /// The owner mark as this manifest would have it, where it differs.
    fn owner_mark(&self, live: &Organization) -> Option<FieldChange> {
        let before = live.metadata.get(mark::OWNER).cloned();
        let after = self.manifest.map(ManifestName::to_string);
        differing(FieldChange::metadata(mark::OWNER, before, after))
    }

    /// Warns where an operator keeps the organization as the same resource says.
    fn own_resource_warning(&self, standing: &Standing) -> Option<Warning> {
        let Standing::OwnResource(holder) = standing else {
            return None;
        };
        Some(Warning {
            key: self.key.clone(),
            code: codes::HELD_BY_OPERATOR,
            message: format!(
                "{} has it, and may change back what is changed here",
                OtherOwner::Operator(HolderMark::Resource(holder.clone()))
            ),
        })
    }

    /// Returns the permission of public domains, where the entry declares one.
    fn used_public_domain(&self) -> Option<Allow> {
        let mut domains = self.declared.domains.iter().flat_map(BTreeMap::keys);
        let is_used = domains.any(|domain| domain.shared().is_some());
        is_used.then_some(Allow::PublicDomain)
    }

    /// Warns of values to send that WorkOS's API description allows and its guide does not.
    fn guide_warnings(&self, live_keys: usize, fields: &[FieldChange]) -> Vec<Warning> {
        let warning = |code, message| Warning {
            key: self.key.clone(),
            code,
            message,
        };
        let adds_declared =
            |field: &FieldChange| is_metadata(field) && !field.is_mark() && field.is_addition();
        let keys = metadata_keys(live_keys, fields);
        let mut warnings = Vec::new();
        if keys > MAX_KEYS_OF_GUIDE && fields.iter().any(adds_declared) {
            let message = format!(
                "it gets {keys} metadata keys; WorkOS's guide allows {MAX_KEYS_OF_GUIDE}, its API \
                 description {}",
                mark::MAX_METADATA_KEYS
            );
            warnings.push(warning(codes::METADATA_OVER_GUIDE, message));
        }
        let lengths = fields.iter().filter_map(|field| match field {
            FieldChange::ExternalId { after, .. } => Some(after.as_ref()?.as_str().len()),
            _ => None,
        });
        let long = lengths.filter(|length| *length > MAX_EXTERNAL_ID_OF_GUIDE);
        warnings.extend(long.map(|length| {
            let message = format!(
                "its external id has {length} characters; WorkOS's guide allows \
                 {MAX_EXTERNAL_ID_OF_GUIDE}, its API description 128"
            );
            warning(codes::EXTERNAL_ID_OVER_GUIDE, message)
        }));
        warnings
    }

    /// Warns of each permission that allowed nothing in this plan.
    fn unused_permissions(&self, used: &BTreeSet<Allow>) -> Vec<Warning> {
        let unused = self.declared.allow.difference(used);
        unused
            .map(|allow| Warning {
                key: self.key.clone(),
                code: codes::ALLOW_UNUSED,
                message: format!("`allow: [{allow}]` is used up: nothing here needs it; remove it"),
            })
            .collect()
    }

    /// Plans the adoption of an unclaimed organization: it gets the entry's external id with all
    /// other changes. Domains that are to go and an invitation wait for the next plan: nothing is
    /// taken from an organization, and nobody is written to, before it is known to be the entry's.
    pub(super) fn adopt(&self, live: &Organization, domain: &Domain) -> EntryPlan {
        let mut plan = EntryPlan::default();
        let standing = self.standing(live);
        let mut fields = self.differences(live, &mut plan.warnings);
        if matches!(standing, Standing::Theirs(_)) {
            fields.retain(|field| !lifts_protection(field));
        }
        match standing {
            Standing::FormerlyOurs(_) => fields.extend(self.owner_mark(live)),
            _ => fields.extend(self.owner_marks(live, &standing, Wants::Changes)),
        }
        let fit = self.fit_metadata(live, &mut fields, None);
        plan.conflicts.extend(fit.conflict);
        if fit.stops_entry {
            return plan;
        }
        fields.extend(self.contacts_mark_that_fits(live, &fields, 0));
        plan.warnings.extend(self.contacts_warning());
        // Also when the entry ignores the field: without it, the next plan would adopt again.
        fields.extend(self.declared_external_id(live));
        plan.warnings
            .extend(self.guide_warnings(live.metadata.len(), &fields));
        let action = Action::Adopt(live.id.clone());
        let change = self.change(action, fields, Reason::HoldsDomain(domain.clone()));
        let needs = Need::of(&standing).into_iter();
        let needs: Vec<Need> = needs.chain([Need::Flag(Flag::Adopt)]).collect();
        self.add(&mut plan, change, &needs);
        plan
    }

    pub(super) fn change(
        &self,
        action: Action,
        mut fields: Vec<FieldChange>,
        reason: Reason,
    ) -> Change {
        fields.sort();
        Change {
            key: self.key.clone(),
            action,
            fields,
            reason,
            source: self.declared.source.clone(),
        }
    }

    /// Returns whether a domain may be written: no other organization has verified it.
    fn may_write(&self, domain: &Domain) -> bool {
        let contest = self.contested.get(domain);
        !contest.is_some_and(Contest::stops_writes)
    }

    /// The conflicts about single domains: another organization has verified them.
    pub(super) fn contested_domains(&self) -> Vec<Conflict> {
        let stopped = self.contested.iter();
        let stopped = stopped.filter(|(_, contest)| contest.stops_writes());
        stopped
            .map(|(domain, contest)| Conflict {
                key: self.key.clone(),
                code: codes::DOMAIN_VERIFIED_ELSEWHERE,
                message: contest.verified_elsewhere(domain),
                help: Contest::HELP.to_owned(),
                scope: Scope::Domain(domain.clone()),
            })
            .collect()
    }

    /// The warnings about domains that nobody has verified and several organizations hold.
    pub(super) fn pending_elsewhere(&self) -> Vec<Warning> {
        let pending = self.contested.iter();
        let pending = pending.filter(|(_, contest)| !contest.is_allowed && !contest.stops_writes());
        pending
            .flat_map(|(domain, contest)| {
                let rivals = contest.rivals.iter();
                let rivals = rivals.filter(|rival| rival.gives_up.is_none());
                rivals.map(move |rival| Warning {
                    key: self.key.clone(),
                    code: codes::DOMAIN_PENDING_ELSEWHERE,
                    message: format!(
                        "the domain {} is also {} on {rival}; only one organization can \
                         verify it",
                        domain.shown(),
                        escape(rival.state.as_str())
                    ),
                })
            })
            .collect()
    }

    /// Returns the declared fields that differ, but the external id, which has rules of its own. A
    /// value that WorkOS is known to keep otherwise than it was sent is a warning.
    fn differences(&self, live: &Organization, warnings: &mut Vec<Warning>) -> Vec<FieldChange> {
        let mut fields = self.own_fields(Some(live));
        if let Some(name) = &self.declared.name {
            fields.extend(differing(FieldChange::Name {
                before: Some(live.name.clone()),
                after: Some(name.clone()),
            }));
        }
        for domain in self.declared.domains.iter().flat_map(BTreeMap::keys) {
            if live.domain(domain).is_none() && self.may_write(domain) {
                fields.push(FieldChange::pending_domain(domain.clone()));
            }
        }
        fields.extend(self.missing_contacts(Some(live)));
        fields.retain(|field| field.is_mark() || !self.declared.ignores(&field.path()));
        let kept = KeptValues::of(&live.metadata);
        fields.retain(|field| {
            let warning = self.kept_warning(field, live, &kept);
            let is_kept = warning.is_some();
            warnings.extend(warning);
            !is_kept
        });
        fields
    }

    /// Returns the changes of the Stripe customer id, of profiles from outside and of metadata with
    /// its marks; of a new organization, whatever is declared.
    fn own_fields(&self, live: Option<&Organization>) -> Vec<FieldChange> {
        let stripe_customer = self.declared.stripe_customer_id.clone();
        let stripe_customer = stripe_customer.map(|id| FieldChange::StripeCustomerId {
            before: live.and_then(|live| live.stripe_customer_id.clone()),
            after: Some(id),
        });
        let outside_profiles = self.declared.allow_profiles_outside_organization;
        let outside_profiles = outside_profiles.map(|allow| FieldChange::OutsideProfiles {
            before: live.and_then(|live| live.allow_profiles_outside_organization),
            after: Some(allow),
        });
        let metadata = self.metadata_with_marks().into_iter().map(|(key, after)| {
            let before = live.and_then(|live| live.metadata.get(&key).cloned());
            FieldChange::metadata(key, before, after)
        });
        let fields = stripe_customer.into_iter().chain(outside_profiles);
        fields.chain(metadata).filter_map(differing).collect()
    }

    /// The mark that WorkOS has all declared contacts, where metadata has room for it.
    fn contacts_mark_that_fits(
        &self,
        live: &Organization,
        fields: &[FieldChange],
        marks: usize,
    ) -> Option<FieldChange> {
        let field = self.contacts_mark(Some(live))?;
        let one_more = usize::from(field.is_addition());
        (metadata_keys(live.metadata.len(), fields) + marks + one_more <= mark::MAX_METADATA_KEYS)
            .then_some(field)
    }

    /// The warning that WorkOS keeps another value than the one that was sent to it before, if the
    /// mark remembers so.
    fn kept_warning(
        &self,
        field: &FieldChange,
        live: &Organization,
        kept: &KeptValues,
    ) -> Option<Warning> {
        if kept.is_empty() || field.is_mark() {
            return None;
        }
        let (path, before, after) = (field.path(), field.before(), field.after());
        let value = match &path {
            FieldPath::Domain(domain) => {
                let mut held = live.domains.iter().map(|held| held.domain.as_str());
                let sent = Some(domain.as_str());
                Some(held.find(|held| after.is_some() && kept.holds(&path, sent, Some(held)))?)
            }
            _ if kept.holds(&path, after.as_deref(), before.as_deref()) => before.as_deref(),
            _ => return None,
        };
        Some(Warning::kept_differently(self.key, field, value))
    }

    /// The declared metadata and the marks: the holder's, and that of `protect` when it says
    /// something.
    fn metadata_with_marks(&self) -> BTreeMap<String, Option<String>> {
        let mut metadata = self.declared.metadata.clone();
        if let Some(protect) = self.declared.protect {
            let mark = protect.then(|| mark::PROTECTED.to_owned());
            metadata.insert(mark::PROTECT.to_owned(), mark);
        }
        if let Some(holder) = &self.declared.holder {
            metadata.insert(mark::HOLDER.to_owned(), Some(holder.to_string()));
        }
        metadata
    }

    fn external_id_difference(&self, live: &Organization) -> Option<FieldChange> {
        let kept = KeptValues::of(&live.metadata);
        let plain_key = self.declared.plain_key.as_ref().map(ExternalId::as_str);
        // A tenant's organization keeps the external id that it was created with.
        let keeps = plain_key.is_some() && plain_key == live.external_id.as_deref();
        self.declared_external_id(live)
            .filter(|_| !keeps && !self.declared.ignores(&FieldPath::ExternalId))
            .filter(|field| self.kept_warning(field, live, &kept).is_none())
    }

    fn declared_external_id(&self, live: &Organization) -> Option<FieldChange> {
        differing(FieldChange::ExternalId {
            before: live.external_id.clone(),
            after: Some(self.declared.external_id.clone()?),
        })
    }

    fn pinned_with_other_external_id(
        &self,
        live: &Organization,
        by: &MatchedBy,
    ) -> Option<Conflict> {
        if *by != MatchedBy::Id || self.allows(Flag::AllowRekey) {
            return None;
        }
        let difference = self.external_id_difference(live)?;
        let before = difference.before()?;
        let id = escape(live.id.as_str());
        Some(Conflict {
            key: self.key.clone(),
            code: codes::EXTERNAL_ID_DIFFERS,
            message: format!("{id} has the external id `{}`", escape(&before)),
            help: format!(
                "write `external_id: {}`, or run with --allow-rekey or write `allow: [rekey]` to \
                 replace it",
                escape(&before)
            ),
            scope: Scope::Entry,
        })
    }

    /// Leaves out of the fields what WorkOS has no room for in the metadata of an organization.
    ///
    /// Keys are added in the order: the marks of who holds it, that of its protection, all declared
    /// keys together, that of the invitation.
    fn fit_metadata(
        &self,
        live: &Organization,
        fields: &mut Vec<FieldChange>,
        invitation: Option<&Change>,
    ) -> MetadataFit {
        let invites = invitation.is_some();
        let is_added = |field: &FieldChange| is_metadata(field) && field.is_addition();
        let adds = invites || fields.iter().any(is_added);
        let total = metadata_keys(live.metadata.len(), fields) + usize::from(invites);
        if !adds || total <= mark::MAX_METADATA_KEYS {
            return MetadataFit {
                conflict: None,
                stops_entry: false,
                marks_invitation: true,
            };
        }
        let takes_over = fields
            .iter()
            .any(|field| field.is_mark_of(mark::HOLDER) && !field.is_addition());
        let is_hold = |field: &FieldChange| {
            field.is_mark_of(mark::HOLDER) || (takes_over && field.is_mark_of(mark::OWNER))
        };
        let added = fields.extract_if(.., |field| is_added(field) && !is_hold(field));
        let (own, declared): (Vec<FieldChange>, Vec<FieldChange>) =
            added.partition(FieldChange::is_mark);
        let stops_entry = metadata_keys(live.metadata.len(), fields) > mark::MAX_METADATA_KEYS
            && fields.iter().any(is_added);
        let mut left_out = Vec::new();
        for group in own.into_iter().map(|field| vec![field]).chain([declared]) {
            if metadata_keys(live.metadata.len(), fields) + group.len() <= mark::MAX_METADATA_KEYS {
                fields.extend(group);
            } else {
                left_out.extend(group.into_iter().map(|field| field.path().to_string()));
            }
        }
        let marks_invitation = metadata_keys(live.metadata.len(), fields) < mark::MAX_METADATA_KEYS;
        let mut lost = Vec::new();
        if stops_entry {
            lost.push("the mark of who holds it does not fit".to_owned());
        } else if !left_out.is_empty() {
            left_out.sort();
            let left_out: Vec<_> = left_out.iter().map(|path| escape(path)).collect();
            lost.push(format!("not set: {}", left_out.join(", ")));
        }
        if invites && !marks_invitation {
            lost.push("nobody is invited, because the invitation cannot be marked".to_owned());
        }
        let scope = if stops_entry {
            Scope::Entry
        } else {
            Scope::Metadata
        };
        let conflict = (!lost.is_empty()).then(|| self.metadata_full(live, total, &lost, scope));
        MetadataFit {
            conflict,
            stops_entry,
            marks_invitation,
        }
    }

    fn metadata_full(
        &self,
        live: &Organization,
        total: usize,
        lost: &[String],
        scope: Scope,
    ) -> Conflict {
        Conflict {
            key: self.key.clone(),
            code: codes::METADATA_FULL,
            message: format!(
                "{} would hold {total} metadata keys, WorkOS allows {}; {}",
                escape(live.id.as_str()),
                mark::MAX_METADATA_KEYS,
                lost.join("; ")
            ),
            help: "declare live keys that nothing uses as null, or declare fewer".to_owned(),
            scope,
        }
    }

    /// Under `domains_policy: exact`, the live domains that are not declared, and whether each is
    /// verified.
    fn domains_to_remove(&self, live: &Organization) -> Vec<(FieldChange, bool)> {
        let Some(declared) = &self.declared.domains else {
            return Vec::new();
        };
        if self.declared.domains_policy != DomainsPolicy::Exact {
            return Vec::new();
        }
        let kept = KeptValues::of(&live.metadata);
        let stands_for_another = |held: &Domain| {
            !kept.is_empty()
                && declared.keys().any(|domain| {
                    let path = FieldPath::Domain(domain.clone());
                    kept.holds(&path, Some(domain.as_str()), Some(held.as_str()))
                })
        };
        live.domains
            .iter()
            .filter(|held| !declared.contains_key(&held.domain))
            .filter(|held| !stands_for_another(&held.domain))
            .map(|held| {
                let field = FieldChange::Domain {
                    domain: held.domain.clone(),
                    before: Some(held.state.clone()),
                    after: None,
                };
                (field, held.state.is_verified())
            })
            .filter(|(field, _)| !self.declared.ignores(&field.path()))
            .collect()
    }
}

/// Update of one organization, and the permission that each of its changes needs.
struct Update<'a, 'b> {
    entry: &'a Entry<'b>,
    live: &'a Organization,
    by: &'a MatchedBy,
    owner: Option<Need>,
}

impl Update<'_, '_> {
    fn change(&self, fields: Vec<FieldChange>, reason: Reason) -> Change {
        let action = Action::Update(self.live.id.clone());
        self.entry.change(action, fields, reason)
    }

    /// Adds a change that needs a flag beside the permission that every change needs.
    fn add(&self, plan: &mut EntryPlan, change: Change, flag: Option<Flag>) {
        let needs = self.owner.iter().cloned().chain(flag.map(Need::Flag));
        self.entry.add(plan, change, &needs.collect::<Vec<_>>());
    }

    /// Rewrites the owner mark that names a former name of the manifest.
    fn former_name(&self, standing: &Standing, plan: &mut EntryPlan) {
        if let Standing::FormerlyOurs(name) = standing {
            let mark = self.entry.owner_mark(self.live).into_iter().collect();
            let change = self.change(mark, Reason::FormerName(name.clone()));
            plan.changes.push(change);
        }
    }

    /// Returns the change of the external id, or plans it by itself where it may be held.
    fn external_id(&self, field: FieldChange, plan: &mut EntryPlan) -> Option<FieldChange> {
        let is_rekey = !field.is_addition();
        if is_rekey {
            self.entry.note_use(plan, Allow::Rekey);
        }
        if !is_rekey || self.entry.allows(Flag::AllowRekey) {
            return Some(field);
        }
        let change = self.change(vec![field], Reason::Renamed(self.by.clone()));
        self.add(plan, change, Some(Flag::AllowRekey));
        None
    }

    /// Returns the change of the retention, or plans it by itself where it may be held.
    fn retention(
        &self,
        (field, is_shorter): (FieldChange, bool),
        plan: &mut EntryPlan,
    ) -> Option<FieldChange> {
        if is_shorter {
            self.entry.note_use(plan, Allow::DataLoss);
        }
        if !is_shorter || self.entry.allows(Flag::AllowDataLoss) {
            return Some(field);
        }
        let change = self.change(vec![field], Reason::ShorterRetention);
        self.add(plan, change, Some(Flag::AllowDataLoss));
        None
    }

    /// Plans the fields that are written together.
    fn fields(&self, fields: Vec<FieldChange>, plan: &mut EntryPlan) {
        if !fields.is_empty() {
            let change = self.change(fields, Reason::Differs(self.by.clone()));
            self.add(plan, change, None);
        }
    }

    /// Plans the removal of domains, each by itself.
    fn removals(&self, removals: Vec<(FieldChange, bool)>, plan: &mut EntryPlan) {
        for (removal, is_verified) in removals {
            let change = self.change(vec![removal], Reason::DomainNotDeclared);
            let flag = is_verified.then_some(Flag::AllowDomainRemoval);
            self.add(plan, change, flag);
        }
    }
}

/// Presence of other changes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    Changes,
    Nothing,
}

/// Room for the metadata of an entry.
struct MetadataFit {
    /// The conflict about what does not fit.
    conflict: Option<Conflict>,
    /// True where the mark of the holder does not fit: nothing may be written without it.
    stops_entry: bool,
    /// True where there is room for the mark of an invitation.
    marks_invitation: bool,
}

/// Something that a change needs to be allowed.
#[derive(Debug, Clone)]
enum Need {
    /// A flag, or the entry's permission that is as good.
    Flag(Flag),
    /// The same, because another holds the organization.
    Takeover(OtherOwner),
}

impl Need {
    /// Returns the permission that every change of an organization needs.
    fn of(standing: &Standing) -> Option<Self> {
        match standing {
            Standing::Theirs(rival) => Some(Self::Takeover(rival.clone())),
            Standing::Free
            | Standing::Ours
            | Standing::FormerlyOurs(_)
            | Standing::OwnResource(_) => None,
        }
    }

    const fn flag(&self) -> Flag {
        match self {
            Self::Flag(flag) => *flag,
            Self::Takeover(_) => Flag::AdoptOwned,
        }
    }

    fn reason(&self) -> HeldReason {
        match self {
            Self::Flag(_) => HeldReason::NeedsFlag,
            Self::Takeover(rival) => HeldReason::HeldByAnother(rival.clone()),
        }
    }
}

fn lifts_protection(field: &FieldChange) -> bool {
    field.is_mark_of(mark::PROTECT) && field.is_removal()
}

fn is_metadata(field: &FieldChange) -> bool {
    field.metadata_key().is_some()
}

/// Counts the metadata keys of an organization once fields are written.
fn metadata_keys(live_keys: usize, fields: &[FieldChange]) -> usize {
    let count = |is_counted: fn(&FieldChange) -> bool| {
        let fields = fields.iter().filter(|field| is_metadata(field));
        fields.filter(|field| is_counted(field)).count()
    };
    let added = count(FieldChange::is_addition);
    let removed = count(FieldChange::is_removal);
    (live_keys + added).saturating_sub(removed)
}

/// Returns the change, unless it leaves the field as it is at WorkOS.
fn differing(change: FieldChange) -> Option<FieldChange> {
    (!change.is_no_change()).then_some(change)
}
