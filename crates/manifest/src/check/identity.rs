//! Identity of an organization: its key, its id and its external ids.

use std::collections::BTreeSet;

use super::placeholder;
use crate::diagnostic::Findings;
use crate::kubernetes::{ExternalIdPatterns, Tenant};
use crate::quote::quote;
use crate::raw::{Field, Text, Texts, accepted};
use crate::source::{Spot, Spotted};
use portalctl_model::codes::manifest as codes;
use portalctl_model::{ExternalId, OrgKey, OrganizationId};

/// Reads the key of an entry.
pub(super) fn key(text: &str, spot: Spot, findings: &mut Findings) -> Option<OrgKey> {
    match OrgKey::parse(text) {
        Ok(key) => Some(key),
        Err(why) => {
            let help = match (suggestion(text), ExternalId::parse(text)) {
                (None, _) => "choose a short name such as `acme`".to_owned(),
                (Some(better), Ok(id)) if is_an_id(id.as_str()) => format!(
                    "write `{better}`, and {} beside it: the organization may be known at WorkOS by \
                     that id",
                    quote(&format!("{}: {id}", findings.spell("external_id")))
                ),
                (Some(better), _) => format!(
                    "write `{better}`, and keep it: the key is what identifies the organization"
                ),
            };
            findings.error(
                codes::INVALID_KEY,
                spot,
                format!("{} is not a valid key: it {why}", quote(text)),
                help,
            );
            None
        }
    }
}

/// Reports a name that is no key: of an environment or of a profile.
pub(super) fn name(name: &Spotted<Text>, what: &str, example: &str, findings: &mut Findings) {
    if let Err(why) = OrgKey::parse(&name.value) {
        let message = format!(
            "{} is not a valid name for {what}: it {why}",
            quote(&name.value)
        );
        let help = format!("choose a name such as `{example}`");
        findings.error(codes::INVALID_KEY, name.spot, message, help);
    }
}

/// Returns whether a text looks like an id of another system rather than a name: it would be lost
/// if the key took its place.
fn is_an_id(text: &str) -> bool {
    !text.contains(' ')
        && text
            .bytes()
            .any(|b| b.is_ascii_digit() || b == b'_' || b == b':')
}

/// Returns a valid key that resembles the text.
fn suggestion(text: &str) -> Option<String> {
    // Letters outside ASCII would have to be guessed.
    if !text.is_ascii() {
        return None;
    }
    let better: String = text
        .to_lowercase()
        .chars()
        .map(|c| match c {
            'a'..='z' | '0'..='9' | '.' => c,
            _ => '-',
        })
        .collect();
    let better = better.trim_matches(['-', '.']).to_owned();
    OrgKey::parse(&better).is_ok().then_some(better)
}

/// Reads the pinned id.
pub(super) fn id(
    field: Option<&Field<Text>>,
    findings: &mut Findings,
) -> Option<Spotted<OrganizationId>> {
    let (text, spot) = accepted(field)?;
    match OrganizationId::parse(text) {
        Ok(value) => {
            placeholder::warn(text, spot, "the id", findings);
            Some(Spotted { value, spot })
        }
        Err(why) => {
            findings.error(
                codes::INVALID_ID,
                spot,
                format!("{} is not the id of an organization: it {why}", quote(text)),
                findings.spell(
                    "copy it from the WorkOS dashboard; your own name for it goes to `external_id`",
                ),
            );
            None
        }
    }
}

/// Reads a declared external id.
pub(super) fn external_id(
    field: Option<&Field<Text>>,
    findings: &mut Findings,
) -> Option<Spotted<ExternalId>> {
    let (text, spot) = accepted(field)?;
    parse_external(text, spot, "external id", findings)
}

/// Reports an external id that a tenant may not set by itself.
pub(super) fn check_tenant(
    external_id: &Spotted<ExternalId>,
    tenant: Tenant<'_>,
    patterns: &[ExternalIdPatterns],
    findings: &mut Findings,
) {
    if tenant.may_set(external_id.value.as_str(), patterns) {
        return;
    }
    let namespace = tenant.namespace();
    findings.error(
        codes::EXTERNAL_ID_NOT_ALLOWED,
        external_id.spot,
        format!(
            "organizations of the namespace {} may not have the external id {}",
            quote(namespace),
            quote(external_id.value.as_str())
        ),
        format!(
            "remove `externalId`, begin it with `{namespace}.`, or add a pattern for the namespace \
             to `externalIdPatterns` of the PortalEnvironment"
        ),
    );
}

/// Reads external ids that the organization had before. A tenant's former key stands for the qualified
/// one, too.
pub(super) fn previous_keys(
    field: Option<&Field<Texts>>,
    tenant: Option<Tenant<'_>>,
    findings: &mut Findings,
) -> Vec<Spotted<ExternalId>> {
    let list = accepted(field).map(|(list, _)| list.as_slice());
    let mut keys: Vec<Spotted<ExternalId>> = Vec::new();
    for text in list.unwrap_or_default() {
        let parsed = parse_external(&text.value, text.spot, "previous key", findings);
        let qualified = tenant.map(|tenant| tenant.qualified(&text.value));
        let qualified = qualified
            .filter(|qualified| **qualified != *text.value)
            .and_then(|qualified| ExternalId::parse(&qualified).ok())
            .map(|value| Spotted {
                value,
                spot: text.spot,
            });
        keys.extend(parsed);
        keys.extend(qualified);
    }
    if tenant.is_some() {
        let mut seen = BTreeSet::new();
        keys.retain(|key| seen.insert(key.value.clone()));
    }
    keys
}

fn parse_external(
    text: &str,
    spot: Spot,
    what: &str,
    findings: &mut Findings,
) -> Option<Spotted<ExternalId>> {
    match ExternalId::parse(text) {
        Ok(value) => {
            placeholder::warn(text, spot, &format!("the {what}"), findings);
            Some(Spotted { value, spot })
        }
        Err(why) => {
            findings.error(
                codes::INVALID_EXTERNAL_ID,
                spot,
                format!("{} is not a valid {what}: it {why}", quote(text)),
                "use the id that your application has for this customer",
            );
            None
        }
    }
}

/// Reads the Stripe customer id. WorkOS takes any text, so that a mistyped id would go unnoticed.
pub(super) fn stripe_customer_id(
    field: Option<&Field<Text>>,
    findings: &mut Findings,
) -> Option<String> {
    let (text, spot) = accepted(field)?;
    let is_fine = text.strip_prefix("cus_").is_some_and(|rest| {
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    });
    if !is_fine {
        findings.error(
            codes::INVALID_ID,
            spot,
            format!(
                "{} is not the id of a Stripe customer: it must be `cus_` followed by letters and digits",
                quote(text)
            ),
            "copy it from the Stripe dashboard",
        );
        return None;
    }
    Some(text.to_string())
}
