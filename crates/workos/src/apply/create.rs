//! Creating an organization, at most once.
//!
//! A create is not idempotent at WorkOS. It always carries an external id, and after an answer that
//! was lost the organization is looked up by it before anything is sent again. WorkOS refuses the
//! whole create for one of its domains or for its metadata: the organization is then made without
//! them, and they are what was refused.

use std::collections::BTreeMap;

use super::answered::Answered;
use super::applier::{Applier, BEFORE_LOOKING, MAX_ATTEMPTS};
use super::outcome::{FieldOutcome, Outcome, OutcomeKind, Problem};
use super::update;
use crate::{ApiError, ApiErrorKind, NewOrganization, WritePortal};
use portalctl_core::plan::{Change, FieldChange};
use portalctl_model::codes::plan as codes;
use portalctl_model::desired::{DeclaredDomainState, FieldPath};
use portalctl_model::observed::Organization;
use portalctl_model::{Domain, mark, name};

impl<P: WritePortal> Applier<'_, P> {
    /// Creates an organization; one that an earlier try or run made is completed instead.
    pub(super) async fn create(&self, change: &Change, answered: &Answered) -> Outcome {
        let Some(mut wanted) = Wanted::of(change) else {
            let message = "the change lacks the name or the external id to create with";
            return Outcome::Refused(Problem::stale(message));
        };
        let mut attempt = 1;
        let mut lost_write: Option<ApiError> = None;
        loop {
            let error = match self.portal.create_organization(&wanted.new).await {
                Ok(organization) => {
                    self.note_written(&organization.id);
                    answered.note_created(&change.fields, &organization);
                    return self.complete(organization, &wanted, answered).await;
                }
                Err(error) => error,
            };
            let is_taken = error.kind == ApiErrorKind::ExternalIdTaken;
            if !is_taken && !error.is_ambiguous() {
                if lost_write.is_none() && wanted.leaves_out_refused(&error) {
                    continue;
                }
                return self.failed(&error, lost_write.as_ref());
            }
            if error.is_ambiguous() {
                lost_write = Some(error.clone());
            }
            if lost_write.is_some() {
                self.options.clock.sleep(BEFORE_LOOKING * attempt).await;
            }
            match (self.find(&wanted).await, &lost_write) {
                (Ok(Some(found)), lost) if wanted.is(&found) => {
                    if lost.is_some() {
                        self.note_written(&found.id);
                    }
                    return self.complete(found, &wanted, answered).await;
                }
                (Ok(Some(found)), _) => return taken(&found, &wanted.new),
                (Ok(None), None) => {
                    let id = &wanted.new.external_id;
                    return Outcome::Refused(Problem::deletion_under_way(id));
                }
                (Ok(None), Some(lost)) if attempt >= MAX_ATTEMPTS => return gave_up(lost),
                (Ok(None), Some(_)) => attempt += 1,
                (Err(lookup), Some(lost_write)) => return self.lost(lost_write, &lookup),
                (Err(lookup), None) => {
                    self.record_error(&lookup);
                    let remark = "looking what has it failed";
                    let problem = Problem::of(&error).noting_request(remark, &lookup);
                    return Outcome::Refused(problem.repeatable());
                }
            }
        }
    }

    async fn find(&self, wanted: &Wanted) -> Result<Option<Organization>, ApiError> {
        let id = &wanted.new.external_id;
        self.portal.organization_by_external_id(id).await
    }

    /// Sets what a create does not take on the organization that was just created: WorkOS takes a
    /// Stripe customer id on updates only, and IT contacts one by one.
    ///
    /// Source: `OrganizationDto` has neither field, `UpdateOrganizationDto` has the first.
    async fn complete(
        &self,
        created: Organization,
        wanted: &Wanted,
        answered: &Answered,
    ) -> Outcome {
        let fields = &wanted.afterwards;
        let ended = if fields.is_empty() {
            Outcome::Done(Box::new(created.clone()))
        } else {
            self.apply_fields(created.clone(), fields, answered).await
        };
        let made = format!("{} was created, but {}", created.id, wanted.lacking());
        match without_refused(ended, &wanted.refused) {
            done @ (Outcome::Done(_) | Outcome::Gone) => done,
            other => {
                let left = other.organization().cloned().unwrap_or(created);
                other.after(&made).leaving(left)
            }
        }
    }
}

/// Returns the outcome of a create whose answers were all lost: the organization is not there, but
/// a server that is this slow may still make it.
fn gave_up(error: &ApiError) -> Outcome {
    let remark = format!("it was not there when it was looked for, {MAX_ATTEMPTS} times");
    Outcome::Unknown(Problem::of(error).repeatable().noting(&remark))
}

/// The outcome of a create that left out fields which WorkOS refused.
fn without_refused(ended: Outcome, refused: &[FieldOutcome]) -> Outcome {
    let problems = || {
        refused
            .iter()
            .filter_map(|field| Some((&field.path, field.problem.as_ref()?)))
    };
    let Some((_, first)) = problems().next() else {
        return ended;
    };
    let mut told: Vec<String> = problems()
        .map(|(path, problem)| update::named(path, &problem.message))
        .collect();
    let left = ended.organization().cloned();
    let mut fields = refused.to_vec();
    let requests = problems()
        .map(|(_, problem)| problem)
        .chain(ended.problem());
    let requests = Problem::new(first.code, "")
        .with_requests_of(requests)
        .requests;
    let (code, can_repeat, is_unknown) = match ended.problem() {
        None => (first.code, false, false),
        Some(problem) => {
            told.push(problem.message.clone());
            fields.extend(problem.fields.iter().cloned());
            let is_unknown = ended.kind() == OutcomeKind::Unknown;
            (problem.code, problem.can_repeat, is_unknown)
        }
    };
    let problem = Problem {
        can_repeat,
        requests,
        left: left.map(Box::new),
        fields,
        ..Problem::new(code, told.join("; "))
    };
    if is_unknown {
        Outcome::Unknown(problem)
    } else {
        Outcome::Refused(problem)
    }
}

/// A plan that is applied again meets the organization that it made, and then invited to and
/// marked.
fn is_same_metadata(found: &BTreeMap<String, String>, wanted: &BTreeMap<String, String>) -> bool {
    let is_mark = |key: &str| key == mark::INVITED || mark::is_bookkeeping(key);
    let found = || found.iter().filter(|(key, _)| !is_mark(key));
    found().count() == wanted.len()
        && found().all(|(key, value)| {
            let wanted = wanted.get(key).map(String::as_str);
            FieldPath::Metadata(key.clone()).is_same(wanted, Some(value))
        })
}

/// Returns the outcome where another organization has the external id: it is not written over.
fn taken(found: &Organization, new: &NewOrganization) -> Outcome {
    let message = format!(
        "{} already has the external id `{}` and differs from what is declared; it was not changed",
        found.id, new.external_id
    );
    Outcome::Refused(Problem::new(codes::EXISTS_DIFFERENTLY, message).repeatable())
}

/// Fields of a creation: those that the create takes, and those that are set after it.
struct Wanted {
    new: NewOrganization,
    /// The Stripe customer id, the IT contacts, domains that are added one by one, and metadata
    /// that an earlier run left out.
    afterwards: Vec<FieldChange>,
    /// Domains that WorkOS refused by name, and metadata that it refused.
    refused: Vec<FieldOutcome>,
}

impl Wanted {
    /// Sorts the fields of a change; `None` where it lacks the name or the external id.
    fn of(change: &Change) -> Option<Self> {
        let (mut name, mut external_id) = (None, None);
        let (mut domains, mut metadata) = (BTreeMap::new(), BTreeMap::new());
        let mut afterwards = Vec::new();
        let mut allow_profiles_outside_organization = None;
        for field in &change.fields {
            match field.clone() {
                FieldChange::Name { after, .. } => name = after,
                FieldChange::ExternalId { after, .. } => external_id = after,
                field @ (FieldChange::StripeCustomerId { .. }
                | FieldChange::ItContact(_)
                | FieldChange::RetentionDays { .. }) => afterwards.push(field),
                FieldChange::OutsideProfiles { after, .. } => {
                    allow_profiles_outside_organization = after;
                }
                FieldChange::Metadata { key, after, .. } => {
                    metadata.extend(after.map(|value| (key, value)));
                }
                FieldChange::Domain { domain, after, .. } => {
                    domains.extend(after.map(|state| (domain, state)));
                }
                FieldChange::State
                | FieldChange::Connection { .. }
                | FieldChange::Directory { .. }
                | FieldChange::Dependent { .. } => {}
            }
        }
        let new = NewOrganization {
            name: name?,
            external_id: external_id?,
            domains,
            metadata,
            allow_profiles_outside_organization,
        };
        Some(Self {
            new,
            afterwards,
            refused: Vec::new(),
        })
    }

    /// Returns whether an organization that turned up is what this change would have made.
    fn is(&self, found: &Organization) -> bool {
        let NewOrganization {
            name,
            external_id,
            domains,
            metadata,
            // A server that does not tell it cannot be asked for it.
            allow_profiles_outside_organization: _,
        } = &self.new;
        name::same(&found.name, name)
            && found.external_id.as_deref() == Some(external_id.as_str())
            && [None, self.stripe_customer_id()].contains(&found.stripe_customer_id.as_deref())
            && is_same_metadata(&found.metadata, metadata)
            && found.domains.len() == domains.len()
            && domains.iter().all(
                |(domain, declared)| match (declared, found.domain(domain)) {
                    (_, None) => false,
                    (DeclaredDomainState::Pending, Some(_)) => true,
                    (DeclaredDomainState::Verified, Some(live)) => live.state.is_verified(),
                },
            )
    }

    fn stripe_customer_id(&self) -> Option<&str> {
        self.afterwards.iter().find_map(|field| match field {
            FieldChange::StripeCustomerId { after, .. } => after.as_deref(),
            _ => None,
        })
    }

    /// Leaves out the metadata or the domains for which a create was refused; returns whether there
    /// is less to send.
    fn leaves_out_refused(&mut self, error: &ApiError) -> bool {
        self.leaves_out_metadata(error) || self.leaves_out_domains(error)
    }

    /// Leaves out the declared metadata for which a create was refused; returns whether there is
    /// less to send. Marks stay: without them it would not be known whose the organization is.
    fn leaves_out_metadata(&mut self, error: &ApiError) -> bool {
        if !error.is_about_metadata() {
            return false;
        }
        let refused = self.take_metadata(|_| true);
        let is_less = !refused.is_empty();
        self.refused
            .extend(refused.into_iter().map(|field| FieldOutcome {
                path: field.path(),
                kind: OutcomeKind::Refused,
                problem: Some(Problem::of(error)),
            }));
        is_less
    }

    /// Takes declared metadata out of what a create sends.
    fn take_metadata(&mut self, is_taken: impl Fn(&str) -> bool) -> Vec<FieldChange> {
        let metadata = &mut self.new.metadata;
        let taken = metadata.extract_if(.., |key, _| {
            !key.starts_with(mark::RESERVED_PREFIX) && is_taken(key)
        });
        taken
            .map(|(key, value)| FieldChange::metadata(key, None, Some(value)))
            .collect()
    }

    /// Leaves out the domains for which a create was refused; returns whether there is less to
    /// send.
    ///
    /// A domain that the refusal names is left out for good. Where it only says that it is about
    /// domains, each is added by itself once the organization is there, which tells which one it
    /// was.
    fn leaves_out_domains(&mut self, error: &ApiError) -> bool {
        if error.kind != ApiErrorKind::Rejected || !is_about_domains(error, &self.new) {
            return false;
        }
        let named = named_domains(error, &self.new);
        for domain in &named {
            self.new.domains.remove(domain);
            self.refused.push(FieldOutcome {
                path: FieldPath::Domain(domain.clone()),
                kind: OutcomeKind::Refused,
                problem: Some(Problem::of(error)),
            });
        }
        if !named.is_empty() {
            return true;
        }
        let pending = |state: &DeclaredDomainState| *state == DeclaredDomainState::Pending;
        let apart: Vec<Domain> = self
            .new
            .domains
            .extract_if(.., |_, state| pending(state))
            .map(|(domain, _)| domain)
            .collect();
        let is_less = !apart.is_empty();
        self.afterwards
            .extend(apart.into_iter().map(FieldChange::pending_domain));
        is_less
    }

    /// Describes what the organization may lack of the fields that are set afterwards.
    fn lacking(&self) -> &'static str {
        let is_declared = |field: &FieldChange| {
            matches!(
                field,
                FieldChange::Domain { .. }
                    | FieldChange::Metadata { .. }
                    | FieldChange::RetentionDays { .. }
            )
        };
        if !self.refused.is_empty() || self.afterwards.iter().any(is_declared) {
            return "not with all that is declared";
        }
        let is_alone = self.afterwards.len() == 1;
        match self.stripe_customer_id() {
            Some(_) if is_alone => "without its Stripe customer id",
            Some(_) => "without its Stripe customer id or all of its IT contacts",
            None => "not with all of its IT contacts",
        }
    }
}

/// Returns whether a refusal names domains as its reason.
fn is_about_domains(error: &ApiError, new: &NewOrganization) -> bool {
    if new.domains.is_empty() {
        return false;
    }
    let code = error.upstream_code.as_deref().unwrap_or_default();
    let says = |text: &str| text.to_ascii_lowercase().contains("domain");
    says(code) || says(&error.message) || !named_domains(error, new).is_empty()
}

/// The domains that a refusal names: by themselves, or by their place in `domain_data`.
fn named_domains(error: &ApiError, new: &NewOrganization) -> Vec<Domain> {
    let message = error.message.to_ascii_lowercase();
    let domains = new.domains.keys().enumerate();
    let named = domains.filter(|(place, domain)| {
        let places = [
            format!("domain_data[{place}]"),
            format!("domain_data.{place}"),
        ];
        let has_place = places.iter().any(|place| is_word(&message, place));
        has_place || is_word(&message, domain.as_str())
    });
    named.map(|(_, domain)| domain.clone()).collect()
}

/// Returns whether a text has a word that is no part of a longer name.
fn is_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let mut after = text[at + word.len()..].chars();
        let next = after.next();
        let goes_on = match next {
            // The end of a sentence is no label, and a field of the place is part of it.
            Some('.') => !word.starts_with("domain_data") && after.next().is_some_and(is_part),
            Some(c) => is_part(c),
            None => false,
        };
        !goes_on && !before.is_some_and(|c| is_part(c) || c == '.')
    })
}
