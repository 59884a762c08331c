//! Warnings of what could not be read: one for each kind of failed read, not for each object.

use std::collections::BTreeMap;

use super::{Basis, OrganizationReadiness};
use portalctl_model::codes::{Code, api};
use portalctl_model::observed::{FailedRead, Gap, Observed};
use portalctl_model::text::escape;
use portalctl_model::{Intent, OrgKey};

/// Most organizations that a message names; the others are counted.
const NAMED: usize = 3;

/// Something that could not be read, and that keeps nothing else from being reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The code that `portalctl explain` knows.
    pub code: Code,
    /// A read that failed, its organizations, and WorkOS's answer.
    pub message: String,
    /// Keys of the organizations that it leaves unknown, in order.
    pub keys: Vec<OrgKey>,
}

/// Finds the warnings of a readiness.
pub(super) fn of(organizations: &[OrganizationReadiness], observed: &Observed) -> Vec<Warning> {
    let mut kinds: BTreeMap<Kind, Failures<'_>> = BTreeMap::new();
    for organization in organizations {
        for intent in &organization.intents {
            let Basis::Failed(why) = &intent.basis else {
                continue;
            };
            let kind = kinds.entry(Kind::of(why)).or_default();
            kind.add(&organization.key, intent.intent, why);
        }
    }
    let failed = kinds.into_values().filter_map(Failures::warning);
    failed.chain(observed.gaps.iter().map(gap)).collect()
}

/// Failed reads that are told together.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    request: String,
    status: Option<u16>,
    code: Option<String>,
}

impl Kind {
    fn of(why: &FailedRead) -> Self {
        Self {
            request: why.kind(),
            status: why.status,
            code: why.code.clone(),
        }
    }
}

#[derive(Default)]
struct Failures<'a> {
    first: Option<&'a FailedRead>,
    keys: Vec<&'a OrgKey>,
    intents: Vec<Intent>,
    skipped: usize,
}

impl<'a> Failures<'a> {
    fn add(&mut self, key: &'a OrgKey, intent: Intent, why: &'a FailedRead) {
        match self.first {
            Some(first) if !first.is_skipped || why.is_skipped => {}
            _ => self.first = Some(why),
        }
        if self.keys.last() != Some(&key) {
            self.keys.push(key);
            self.skipped += usize::from(why.is_skipped);
        }
        if !self.intents.contains(&intent) {
            self.intents.push(intent);
        }
    }

    fn warning(self) -> Option<Warning> {
        let Self {
            first,
            keys,
            mut intents,
            skipped,
        } = self;
        let first = first?;
        intents.sort();
        let intents: Vec<&str> = intents.iter().map(|intent| intent.as_str()).collect();
        let are = if intents.len() == 1 && keys.len() == 1 {
            "is"
        } else {
            "are"
        };
        let mut message = format!(
            "{} of {} {are} unknown: {first}",
            intents.join(" and "),
            whose(&keys)
        );
        if skipped > 0 {
            message.push_str(&format!(
                "; after many such answers, {skipped} of them were not asked about"
            ));
        }
        Some(Warning {
            code: api::READ_FAILED,
            message,
            keys: keys.into_iter().cloned().collect(),
        })
    }
}

/// `acme`, `acme and globex`, `12 organizations (acme, globex, initech, …)`.
fn whose(keys: &[&OrgKey]) -> String {
    let names: Vec<&str> = keys.iter().take(NAMED).map(|key| key.as_str()).collect();
    match keys.len() {
        0..=NAMED => names.join(" and "),
        count => format!("{count} organizations ({}, …)", names.join(", ")),
    }
}

fn gap(gap: &Gap) -> Warning {
    let message = match gap {
        Gap::Objects { kind, count } => format!(
            "{count} of the {kind} that WorkOS lists have no id and no organization, so it is not \
             known whose they are"
        ),
        Gap::Organizations(organizations) => {
            let names = organizations.iter().take(NAMED);
            let names: Vec<_> = names.map(|one| escape(&one.name).into_owned()).collect();
            let more = if organizations.len() > NAMED {
                ", …"
            } else {
                ""
            };
            format!(
                "{} of the organizations that WorkOS lists have no id: {}{more}",
                organizations.len(),
                names.join(", ")
            )
        }
        Gap::Holders(domain, why) => {
            format!("it is not known which other organizations hold {domain}: {why}")
        }
    };
    Warning {
        code: api::READ_FAILED,
        message,
        keys: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::readiness::{IntentReadiness, State, Turn};

    fn failed(request: &str, status: u16) -> FailedRead {
        FailedRead {
            request: request.to_owned(),
            status: Some(status),
            code: None,
            message: "no".to_owned(),
            is_skipped: false,
        }
    }

    fn organization(key: &str, intent: Intent, basis: Basis) -> OrganizationReadiness {
        OrganizationReadiness {
            key: OrgKey::parse(key).unwrap(),
            name: None,
            organization_id: None,
            intents: vec![IntentReadiness {
                intent,
                state: State::Unknown,
                since: None,
                turn: Turn::None,
                reason: String::new(),
                next_step: None,
                evidence: Vec::new(),
                basis,
                missing_domain: None,
            }],
            invitation: None,
        }
    }

    #[test]
    fn many_failures_of_a_kind_are_one_warning() {
        let mut organizations: Vec<_> = (0..500)
            .map(|n| {
                let why = failed(
                    &format!("GET /organizations/org_{n}/audit_log_configuration"),
                    500,
                );
                organization(&format!("org-{n}"), Intent::AuditLogs, Basis::Failed(why))
            })
            .collect();
        let why = failed("GET /organizations/org_1/audit_log_configuration", 500).skipped();
        organizations.push(organization("late", Intent::LogStreams, Basis::Failed(why)));
        organizations.push(organization("unread", Intent::Sso, Basis::NotRead));
        let warnings = of(&organizations, &Observed::default());
        assert_eq!(warnings.len(), 1);
        assert_eq!(warnings[0].keys.len(), 501);
        assert_eq!(
            warnings[0].message,
            "audit_logs and log_streams of 501 organizations (org-0, org-1, org-2, …) are \
             unknown: GET /organizations/org_0/audit_log_configuration answered 500: no; after \
             many such answers, 1 of them were not asked about"
        );
    }

    #[test]
    fn other_answers_are_other_warnings() {
        let organizations = [(422, "a"), (500, "b")].map(|(status, key)| {
            let why = failed("GET /connections", status);
            organization(key, Intent::Sso, Basis::Failed(why))
        });
        let warnings = of(&organizations, &Observed::default());
        let messages: Vec<&str> = warnings.iter().map(|w| w.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "sso of a is unknown: GET /connections answered 422: no",
                "sso of b is unknown: GET /connections answered 500: no",
            ]
        );
    }

    #[test]
    fn what_nobodys_cell_shows_is_told_too() {
        let domain = portalctl_model::Domain::parse("acme.example").unwrap();
        let observed = Observed {
            gaps: vec![
                Gap::Objects {
                    kind: "connections",
                    count: 2,
                },
                Gap::Holders(domain, failed("GET /organizations", 500)),
            ],
            ..Observed::default()
        };
        let warnings = of(&[], &observed);
        assert_eq!(warnings.len(), 2);
        assert!(warnings[0].message.starts_with("2 of the connections"));
        assert!(warnings[1].message.contains("acme.example"));
    }
}
