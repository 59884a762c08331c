//! Verification of the domains of one organization.
//!
//! Takes the live organization. Looks every record up, asks WorkOS to verify where that can help, and
//! returns a check of each domain, with the errors on the way.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};

use super::request::{Asking, VerifyRequest};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use portalctl_core::identity::Contest;
use portalctl_core::verification::{
    Asked, Contested, DnsCheck, DomainCheck, Record, RivalHolder, ShownRecord, days_left, failure,
};
use portalctl_model::Domain;
use portalctl_model::codes::{cli, domain as codes};
use portalctl_model::observed::{
    Answer, DomainState, Event, EventKind, Organization, OrganizationDomain,
};
use portalctl_report::json_v1::ErrorItem;
use portalctl_workos::dns::{Look, Resolvers};
use portalctl_workos::{ApiError, EventFilter, ReadPortal, WritePortal};

/// The number of records that are looked up at once.
const CONCURRENT_LOOKS: usize = 8;

/// WorkOS's code for a domain that needs no verification any more.
///
/// Source: the answer 400 of `POST /organization_domains/{id}/verify`.
const ALREADY_VERIFIED: &str = "domain_already_verified";

/// One run over an organization's domains.
pub(super) struct Run<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) request: &'a VerifyRequest,
    /// None where there is no DNS to ask.
    pub(super) resolvers: Option<Resolvers>,
    pub(super) organization: &'a Organization,
    /// The domains that other organizations hold too.
    pub(super) contested: Option<&'a BTreeMap<Domain, Contest>>,
}

/// Result of a run.
pub(super) struct Outcome {
    pub(super) domains: Vec<DomainCheck>,
    pub(super) errors: Vec<ErrorItem>,
    pub(super) exit: Exit,
}

/// Answer of WorkOS about one domain.
struct Verified {
    asked: Asked,
    /// The domain as it is now.
    live_domain: OrganizationDomain,
}

/// Errors of the run so far.
#[derive(Default)]
struct Errors {
    items: Vec<ErrorItem>,
    exit: Option<Exit>,
    /// No other request can be expected to do better.
    is_fatal: bool,
}

impl Errors {
    fn add(&mut self, exit: Exit, items: Vec<ErrorItem>) {
        self.exit = Some(self.exit.map_or(exit, |so_far| so_far.or_worse(exit)));
        self.items.extend(items);
    }
}

impl Run<'_> {
    pub(super) async fn verify(&self, domains: &[Domain]) -> Result<Outcome, CliError> {
        // Nothing is changed by looking: a signal ends it at once.
        let looks: Vec<Option<Look>> = tokio::select! {
            looks = self.look(domains) => looks,
            () = self.session.interrupted.cancelled() => return Err(CliError::interrupted()),
        };
        let mut errors = Errors::default();
        let mut verified = Vec::new();
        for (domain, look) in domains.iter().zip(&looks) {
            verified.push(match self.organization.domain(domain) {
                Some(live_domain) => Some(self.ask(live_domain, look.as_ref(), &mut errors).await),
                None => None,
            });
        }
        let events = self.failures(&verified).await;
        let mut checks = Vec::new();
        for ((domain, look), verified) in domains.iter().zip(looks).zip(verified) {
            checks.push(self.check(domain, look.as_ref(), verified, &events));
        }
        let exit = errors.exit.unwrap_or(Exit::Done).or_worse(exit_of(&checks));
        Ok(Outcome {
            domains: checks,
            errors: errors.items,
            exit,
        })
    }

    /// Returns the other organizations that hold a domain.
    fn contest(&self, domain: &Domain) -> Option<&Contest> {
        self.contested?.get(domain)
    }

    /// Looks up the record of every domain that has one to prove it by.
    async fn look(&self, domains: &[Domain]) -> Vec<Option<Look>> {
        let looks = domains.iter().map(async |domain| {
            let live_domain = self.organization.domain(domain)?;
            let record = unproven(live_domain)?;
            Some(self.resolvers.as_ref()?.look(&record).await)
        });
        stream::iter(looks)
            .buffered(CONCURRENT_LOOKS)
            .collect()
            .await
    }

    /// Returns how DNS shows a record.
    fn seen(&self, record: &Record, look: Option<&Look>) -> Option<DnsCheck> {
        match (look, &self.resolvers) {
            (Some(look), _) => Some(look.check(record)),
            (None, Some(_)) => None,
            (None, None) => Some(DnsCheck::unknown(
                "the sandbox has no DNS (its control API plays it: record_published)",
            )),
        }
    }

    /// Asks WorkOS to verify a domain, if there is a point in asking.
    async fn ask(
        &self,
        live_domain: &OrganizationDomain,
        look: Option<&Look>,
        errors: &mut Errors,
    ) -> Verified {
        let stays = |asked| Verified {
            asked,
            live_domain: live_domain.clone(),
        };
        let is_missing = || {
            let record = Record::of(live_domain)?;
            Some(look?.check(&record).presence.is_missing())
        };
        if live_domain.state.is_verified() {
            return stays(Asked::NotNeeded);
        }
        if self.request.asking == Asking::Never {
            return stays(Asked::DnsOnly);
        }
        let contest = self.contest(&live_domain.domain);
        let asks_always = self.request.asking == Asking::Always;
        if !asks_always && contest.is_some_and(|one| one.winners().next().is_some()) {
            return stays(Asked::Contested);
        }
        if !asks_always && is_missing() == Some(true) {
            return stays(Asked::InVain);
        }
        let Some(id) = &live_domain.id else {
            return stays(Asked::NoId);
        };
        if self.session.interrupted.is_cancelled() {
            if !errors.is_fatal {
                errors.add(Exit::Interrupted, vec![stopped()]);
                errors.is_fatal = true;
            }
            return stays(Asked::Stopped);
        }
        if errors.is_fatal {
            return stays(Asked::Stopped);
        }
        match self.session.connection.client.verify_domain(id).await {
            Ok(live_domain) => Verified {
                asked: Asked::Answered,
                live_domain,
            },
            Err(error) if is_already_verified(&error) => Verified {
                asked: Asked::Answered,
                live_domain: OrganizationDomain {
                    state: DomainState::Verified,
                    ..live_domain.clone()
                },
            },
            Err(error) => {
                errors.is_fatal = error.is_fatal();
                let CliError { exit, items, .. } = self.session.failed(error);
                errors.add(exit, items);
                stays(Asked::Failed)
            }
        }
    }

    /// Reads the events of failed verifications, if one has failed.
    async fn failures(&self, verified: &[Option<Verified>]) -> Vec<Event> {
        let mut verified = verified.iter().flatten();
        if !verified.any(|v| v.live_domain.state == DomainState::Failed) {
            return Vec::new();
        }
        let kinds = [EventKind::DomainVerificationFailed];
        let filter = EventFilter {
            organization: Some(&self.organization.id),
            ..EventFilter::of(&kinds)
        };
        match self.session.connection.client.events(&filter).await {
            Ok(Answer::Found(events)) => events,
            // The reason is worth a request and no more: that the domain failed is known.
            Ok(Answer::Absent | Answer::NotEntitled(_) | Answer::Failed(_)) | Err(_) => Vec::new(),
        }
    }

    fn check(
        &self,
        domain: &Domain,
        look: Option<&Look>,
        verified: Option<Verified>,
        events: &[Event],
    ) -> DomainCheck {
        let contest = self.contest(domain).map(contested);
        let Some(Verified { asked, live_domain }) = verified else {
            return DomainCheck {
                contest,
                domain: domain.clone(),
                state: None,
                failure: None,
                days_left: None,
                record: None,
                seen: None,
                asked: Asked::NotNeeded,
            };
        };
        // By asking, a domain may have got its first record, or a new one, or none to set any more.
        let record = unproven(&live_domain);
        let before = || unproven(self.organization.domain(domain)?);
        let looked_for = record.clone().or_else(before);
        let now = self.session.connection.clock.now();
        let is_failed = live_domain.state == DomainState::Failed;
        DomainCheck {
            contest,
            domain: domain.clone(),
            failure: is_failed
                .then(|| failure(events, &self.organization.id, domain))
                .flatten(),
            days_left: days_left(&live_domain, now),
            seen: looked_for.and_then(|record| self.seen(&record, look)),
            record: record.map(|record| ShownRecord::new(&record, self.request.record)),
            state: Some(live_domain.state),
            asked,
        }
    }
}

/// Returns a contest in the form of reports.
fn contested(contest: &Contest) -> Contested {
    let rivals = contest.rivals.iter().map(|rival| RivalHolder {
        organization: rival.organization.clone(),
        name: rival.name.clone(),
        state: rival.state.clone(),
    });
    Contested {
        holders: contest.holders(),
        is_lost: contest.winners().next().is_some(),
        rivals: rivals.collect(),
    }
}

/// Returns the record of a domain that is not verified.
fn unproven(live_domain: &OrganizationDomain) -> Option<Record> {
    if live_domain.state.is_verified() {
        return None;
    }
    Record::of(live_domain)
}

fn is_already_verified(error: &ApiError) -> bool {
    error.upstream_code.as_deref() == Some(ALREADY_VERIFIED)
}

/// Returns the exit code of a run by the states of the domains.
fn exit_of(checks: &[DomainCheck]) -> Exit {
    let of = |check: &DomainCheck| {
        if check.is_verified() {
            Exit::Done
        } else if check.code() == Some(codes::VERIFIED_ELSEWHERE) {
            Exit::Stopped
        } else {
            Exit::Asked
        }
    };
    checks.iter().map(of).fold(Exit::Done, Exit::or_worse)
}

/// Returns the error of a run that was stopped between two domains.
fn stopped() -> ErrorItem {
    let message = "interrupted before WorkOS was asked about every domain";
    ErrorItem::new(
        cli::INTERRUPTED,
        message,
        Some(cli::INTERRUPTED.entry().fix.to_owned()),
    )
}
