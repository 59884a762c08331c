//! Checks of WorkOS's answers: key, client id, rate limit, organizations, webhook and link.

use super::{Account, Asked, Check, Facts, LinkFailure, LinkTest, Subject};
use crate::view::{counted, first_few, rounded};
use portalctl_model::codes::{api, doctor as codes, link, plan};
use portalctl_model::{ClientId, OrgKey};
use portalctl_workos::{ApiErrorKind, ApiProbe};

/// Divisor of the rate limit below which there is a warning.
const SPARE: u32 = 10;
/// Most keys that are named.
const NAMED: usize = 3;

/// Returns the answer to the probe, or the skipped check that needs it.
fn probe(facts: &Facts, subject: Subject) -> Result<&ApiProbe, Check> {
    match &facts.api_probe {
        Asked::Answered(Ok(probe)) => Ok(probe),
        Asked::Answered(Err(_)) => Err(Check::skip(subject, "WorkOS did not answer")),
        Asked::Not(why) => Err(Check::skip(subject, why)),
    }
}

pub(super) fn key_accepted(facts: &Facts) -> Check {
    let subject = Subject::ApiKeyAccepted;
    if facts.sandbox {
        return Check::skip(subject, "the sandbox takes no key");
    }
    if !facts.sends_key() {
        return Check::skip(subject, "there is no key that may be sent");
    }
    let probe = match probe(facts, subject) {
        Ok(probe) => probe,
        Err(skip) => return skip,
    };
    let Some(refusal) = &probe.refusal else {
        return Check::pass(subject, "WorkOS takes it, and lets it read organizations");
    };
    match refusal.kind {
        ApiErrorKind::Unauthorized => {
            let why = "401: the key was rotated or revoked, is mistyped, or is of another \
                       environment or endpoint";
            Check::fail(subject, api::UNAUTHORIZED, why)
        }
        ApiErrorKind::Forbidden => {
            let why = "403: WorkOS knows the key and does not let it read organizations";
            Check::fail(subject, api::FORBIDDEN, why)
        }
        ApiErrorKind::RateLimited => {
            Check::skip(subject, "WorkOS did not say: too many requests were made")
        }
        ApiErrorKind::Rejected | ApiErrorKind::ExternalIdTaken => {
            Check::fail(subject, refusal.code(), refusal.to_string())
        }
        _ => Check::skip(subject, "what answered is not WorkOS, or it is failing"),
    }
}

pub(super) fn client_id_known(facts: &Facts) -> Check {
    let subject = Subject::ClientIdKnown;
    let id = facts.client_id_to_ask().map_or("", ClientId::as_str);
    match &facts.client_id_known {
        Asked::Not(why) => Check::skip(subject, why),
        Asked::Answered(Ok(true)) => {
            Check::pass(subject, format!("WorkOS serves the public keys of {id}"))
        }
        Asked::Answered(Ok(false)) => Check::fail(
            subject,
            codes::UNKNOWN_CLIENT_ID,
            format!("WorkOS answered 404 for the public keys of {id}"),
        ),
        Asked::Answered(Err(error)) => {
            Check::warn(subject, error.code(), format!("it cannot be told: {error}"))
        }
    }
}

pub(super) fn rate_limit(facts: &Facts) -> Check {
    let subject = Subject::RateLimit;
    let probe = match probe(facts, subject) {
        Ok(probe) => probe,
        Err(skip) => return skip,
    };
    let refused = probe.refusal.as_ref().map(|refusal| refusal.kind);
    if refused == Some(ApiErrorKind::RateLimited) {
        let detail = match probe.budget {
            Some(budget) => format!("used up; it is full again in {}", rounded(budget.reset_in)),
            None => "used up (429)".to_owned(),
        };
        return Check::warn(subject, api::RATE_LIMITED, detail);
    }
    let Some(budget) = probe.budget else {
        if refused.is_some() {
            return Check::skip(subject, "the answer told none");
        }
        let detail = "the answer told none; WorkOS documents 6,000 requests a minute for each key";
        return Check::pass(subject, detail);
    };
    let detail = format!(
        "{} of {} requests are left; full again in {}",
        budget.remaining,
        budget.limit,
        rounded(budget.reset_in)
    );
    if budget.remaining.saturating_mul(SPARE) < budget.limit {
        Check::warn(subject, codes::LOW_BUDGET, detail)
    } else {
        Check::pass(subject, detail)
    }
}

pub(super) fn organizations(facts: &Facts) -> Check {
    let subject = Subject::Organizations;
    let account = match &facts.account {
        Asked::Not(why) => return Check::skip(subject, why),
        Asked::Answered(Err(error)) => {
            let detail = format!("they cannot be looked up: {error}");
            return Check::warn(subject, error.code(), detail);
        }
        Asked::Answered(Ok(account)) => account,
    };
    if !account.missing_pins.is_empty() {
        return missing_pins(account);
    }
    let Account {
        declared,
        asked,
        found,
        missing_pins: _,
        without_domain,
    } = account;
    let sample = if asked < declared {
        format!("of {declared} declared, {asked} were looked up: ")
    } else {
        format!("{declared} declared: ")
    };
    let environment = match &facts.api_probe {
        Asked::Answered(Ok(probe)) => probe.has_organizations,
        Asked::Answered(Err(_)) | Asked::Not(_) => None,
    };
    let domains = without_domain_told(without_domain);
    if found == asked {
        return Check::pass(subject, format!("{sample}all exist{domains}"));
    }
    if *found == 0 && environment == Some(true) {
        let detail = format!("{sample}none exists, and the environment has others");
        return Check::warn(subject, codes::NOTHING_FOUND, detail);
    }
    let exist = match found {
        0 => "none exists yet".to_owned(),
        found => format!("{found} exist, {} not yet", asked - found),
    };
    let detail = format!("{sample}{exist}; `portalctl plan` tells more{domains}");
    Check::pass(subject, detail)
}

/// Names the entries whose single sign-on lacks a verified domain, as a clause; empty where none
/// does.
fn without_domain_told(keys: &[OrgKey]) -> String {
    if keys.is_empty() {
        return String::new();
    }
    let named: Vec<&str> = keys.iter().map(OrgKey::as_str).collect();
    format!(
        "; sso needs a verified domain, which is missing for {}: `portalctl status` tells the next \
         step",
        first_few(&named, NAMED)
    )
}

fn missing_pins(account: &Account) -> Check {
    let pins = account.missing_pins.iter();
    let named: Vec<String> = pins.map(|(key, id)| format!("{key} ({id})")).collect();
    let count = account.missing_pins.len();
    let detail = format!(
        "{} {} not exist here: {}",
        counted(count, "pinned organization"),
        if count == 1 { "does" } else { "do" },
        first_few(&named, NAMED)
    );
    Check::fail(Subject::Organizations, plan::PINNED_MISSING, detail)
}

pub(super) fn portal_link(facts: &Facts) -> Check {
    let subject = Subject::PortalLink;
    let LinkTest { key, outcome } = match &facts.link {
        Asked::Not(why) => return Check::skip(subject, why),
        Asked::Answered(test) => test,
    };
    match outcome {
        Ok(intent) => Check::pass(
            subject,
            format!("WorkOS made one for {key} {intent}, and it was thrown away"),
        ),
        Err(LinkFailure::NoIntent) => Check::fail(
            subject,
            codes::NO_INTENT,
            format!("{key} declares no intent"),
        ),
        Err(LinkFailure::NoOrganization) => Check::fail(
            subject,
            link::NO_ORGANIZATION,
            format!("{key} has no organization at WorkOS yet"),
        ),
        Err(LinkFailure::Refused(problem)) => Check::failed(subject, problem),
    }
}
