//! Link: whether a portal link may be made for a customer, where it leads back to, and how to tell
//! that the customer has finished.
//!
//! Goes in: the manifest's entry, who it is at WorkOS, and how far it is. Comes out: what to ask
//! WorkOS for, or the reason why not. Pure: makes no link and knows nothing of terminals, so that
//! every front end decides alike. A link itself is a credential and is in no type here.

mod urls;
mod watch;

use jiff::SignedDuration;

use crate::identity::{Identity, IdentityConflict};
use crate::readiness::{IntentReadiness, State};
use portalctl_model::codes::{Code, link as codes};
use portalctl_model::desired::{Desired, DesiredOrganization};
use portalctl_model::text::escape;
use portalctl_model::{Intent, OrgKey, OrganizationId};

pub use urls::{Origin, ResolvedUrl, ResolvedUrls, resolve_urls};
pub use watch::{Phase, Until, Verdict, WaitOutcome, Watch, kinds};

/// Time for which a link can be opened. Source: WorkOS, Admin Portal: "Portal links expire 5
/// minutes after they're created".
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(5);

/// Exceptions that the requester of a link accepts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// An intent that the manifest does not declare for the customer.
    pub undeclared: bool,
    /// Single sign-on although a connection is active already.
    pub again: bool,
}

/// A link that may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permitted {
    /// The customer's organization.
    pub organization: OrganizationId,
    /// The feature to configure.
    pub intent: Intent,
    /// Addresses to which the portal sends the browser afterwards.
    pub urls: ResolvedUrls,
}

/// Reason why no link is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The manifest does not declare the intent for the customer, who has these.
    Undeclared(Vec<Intent>),
    /// There is no organization yet.
    NotCreated,
    /// There is one that nobody has adopted yet.
    NotAdopted {
        /// The organization.
        organization: OrganizationId,
        /// Display name of the organization, where it was read.
        name: Option<String>,
    },
    /// A person must decide which organization it is; at least one reason.
    Conflict(Vec<IdentityConflict>),
    /// A connection is active already; what readiness says of it.
    AlreadyConnected(String),
}

/// Customer of a link, as far as it was read.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Identity of the entry.
    pub identity: &'a Identity,
    /// Readiness of the very intent; without it nothing keeps a second connection from being set up.
    pub readiness: Option<&'a IntentReadiness>,
    /// Display name of the organization that the identity names, where it was read.
    pub name: Option<&'a str>,
}

/// Decides whether a link may be made now.
pub fn may_link(
    desired: &Desired,
    key: &OrgKey,
    intent: Intent,
    known: Known<'_>,
    options: Options,
) -> Result<Permitted, Refusal> {
    let Known {
        identity,
        readiness,
        name,
    } = known;
    declares(desired.organizations.get(key), intent, options)?;
    let organization = match identity {
        Identity::Matched { organization, .. } => organization.clone(),
        Identity::Missing => return Err(Refusal::NotCreated),
        Identity::Adoptable { organization, .. } => {
            return Err(Refusal::NotAdopted {
                organization: organization.clone(),
                name: name.map(str::to_owned),
            });
        }
        Identity::Conflicted(conflicts) => return Err(Refusal::Conflict(conflicts.clone())),
    };
    if intent == Intent::Sso && !options.again {
        let active = readiness.filter(|readiness| readiness.state == State::Configured);
        if let Some(active) = active {
            return Err(Refusal::AlreadyConnected(active.reason.clone()));
        }
    }
    Ok(Permitted {
        organization,
        intent,
        urls: resolve_urls(desired, key, intent),
    })
}

/// The part of [`may_link`] that can be told before anything is asked.
pub fn declares(
    entry: Option<&DesiredOrganization>,
    intent: Intent,
    options: Options,
) -> Result<(), Refusal> {
    let declared: Vec<Intent> = entry
        .into_iter()
        .flat_map(|entry| entry.intents.keys().copied())
        .collect();
    if options.undeclared || declared.contains(&intent) {
        return Ok(());
    }
    Err(Refusal::Undeclared(declared))
}

impl Refusal {
    /// The code that `portalctl explain` knows.
    pub const fn code(&self) -> Code {
        match self {
            Self::Undeclared(_) => codes::UNDECLARED,
            Self::NotCreated | Self::NotAdopted { .. } => codes::NO_ORGANIZATION,
            Self::Conflict(_) => codes::CONFLICT,
            Self::AlreadyConnected(_) => codes::ALREADY_CONNECTED,
        }
    }

    /// Describes on one line what keeps the link from being made.
    pub fn message(&self, key: &OrgKey, intent: Intent) -> String {
        match self {
            Self::Undeclared(declared) if declared.is_empty() => {
                format!("{key} does not declare {intent}, nor any other intent")
            }
            Self::Undeclared(declared) => {
                let declared: Vec<&str> = declared.iter().map(|i| i.as_str()).collect();
                format!(
                    "{key} does not declare {intent}; it declares {}",
                    declared.join(", ")
                )
            }
            Self::NotCreated => format!("the organization of {key} is not created yet"),
            Self::NotAdopted { organization, name } => {
                let id = escape(organization.as_str());
                let organization = match name {
                    Some(name) => format!("{} ({id})", escape(name)),
                    None => id.into_owned(),
                };
                format!("{key} has no organization yet; {organization} would be adopted")
            }
            Self::Conflict(conflicts) => {
                let why = conflicts.iter().map(|conflict| conflict.message.as_str());
                let why: Vec<&str> = why.collect();
                format!("{key} is in conflict: {}", why.join("; "))
            }
            Self::AlreadyConnected(reason) => format!(
                "{key} has single sign-on already: {reason}; the portal's rule is one connection \
                 per organization"
            ),
        }
    }

    /// Returns the instruction that resolves the refusal.
    pub fn help(&self) -> String {
        match self {
            Self::Undeclared(_) => {
                "declare the intent in the manifest, or ask with --undeclared for this once"
                    .to_owned()
            }
            Self::NotCreated => "run portalctl apply".to_owned(),
            Self::NotAdopted { .. } => "run portalctl apply --adopt".to_owned(),
            Self::Conflict(conflicts) => {
                let help = conflicts.iter().map(|conflict| conflict.help.as_str());
                help.collect::<Vec<_>>().join("; ")
            }
            Self::AlreadyConnected(_) => {
                "nothing has to be done; to let the customer change or replace the connection, ask \
                 with --again"
                    .to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::MatchedBy;
    use crate::readiness::Turn;

    const OPEN: Options = Options {
        undeclared: false,
        again: false,
    };

    fn matched() -> Identity {
        Identity::Matched {
            organization: OrganizationId::from_api("org_1".to_owned()),
            by: MatchedBy::ExternalId,
        }
    }

    fn readiness(intent: Intent, state: State) -> IntentReadiness {
        IntentReadiness {
            intent,
            state,
            since: None,
            turn: Turn::None,
            reason: "the OktaSAML connection is active".to_owned(),
            next_step: None,
            evidence: Vec::new(),
            basis: crate::readiness::Basis::Read,
            missing_domain: None,
        }
    }

    fn decide(
        intent: Intent,
        identity: &Identity,
        state: State,
        options: Options,
    ) -> Result<Permitted, Refusal> {
        let (desired, key) = urls::tests::manifest();
        let readiness = readiness(intent, state);
        let readiness = Some(&readiness);
        let known = Known {
            identity,
            readiness,
            name: Some("Acme"),
        };
        may_link(&desired, &key, intent, known, options)
    }

    #[test]
    fn a_declared_intent_of_an_existing_customer_gets_a_link() {
        for state in State::ALL {
            if state != State::Configured {
                assert!(
                    decide(Intent::Sso, &matched(), state, OPEN).is_ok(),
                    "{state}"
                );
            }
            // Only single sign-on is limited to one.
            assert!(
                decide(Intent::Dsync, &matched(), state, OPEN).is_ok(),
                "{state}"
            );
        }
    }

    #[test]
    fn without_an_organization_there_is_nothing_to_link_to() {
        let refused = |identity| {
            let refusal = decide(Intent::Sso, &identity, State::Unconfigured, OPEN).unwrap_err();
            (refusal.code(), refusal.help())
        };
        let (code, help) = refused(Identity::Missing);
        assert_eq!(
            (code, help.as_str()),
            (codes::NO_ORGANIZATION, "run portalctl apply")
        );
        let (code, help) = refused(Identity::Adoptable {
            organization: OrganizationId::from_api("org_2".to_owned()),
            domain: portalctl_model::Domain::from_api("acme.com"),
        });
        assert_eq!(code, codes::NO_ORGANIZATION);
        assert_eq!(help, "run portalctl apply --adopt");
        let conflict = IdentityConflict {
            code: portalctl_model::codes::plan::SAME_NAME,
            message: "org_3 has the same name".to_owned(),
            help: "write its `id`".to_owned(),
        };
        let (code, help) = refused(Identity::Conflicted(vec![conflict]));
        assert_eq!((code, help.as_str()), (codes::CONFLICT, "write its `id`"));
    }

    #[test]
    fn what_is_not_declared_or_there_already_has_to_be_asked_for() {
        let missing = State::Unconfigured;
        let refusal = decide(Intent::AuditLogs, &matched(), missing, OPEN).unwrap_err();
        assert_eq!(refusal.code(), codes::UNDECLARED);
        let undeclared = Options {
            undeclared: true,
            ..OPEN
        };
        assert!(decide(Intent::AuditLogs, &matched(), missing, undeclared).is_ok());

        let there = State::Configured;
        let refusal = decide(Intent::Sso, &matched(), there, undeclared).unwrap_err();
        assert_eq!(refusal.code(), codes::ALREADY_CONNECTED);
        let again = Options {
            again: true,
            ..OPEN
        };
        assert!(decide(Intent::Sso, &matched(), there, again).is_ok());
    }
}
