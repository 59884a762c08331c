//! Intents: the features of the Admin Portal that a customer should have.

use std::collections::BTreeMap;

use super::urls::UrlRules;
use crate::diagnostic::Findings;
use crate::quote::{quote, suggest};
use crate::raw::{Field, accepted};
use crate::shape::{RawIntentSettings, WARN_DAYS};
use crate::source::Spot;
use portalctl_model::Intent;
use portalctl_model::codes::manifest as codes;
use portalctl_model::desired::IntentSettings;

/// Reads the name of an intent.
pub(super) fn parse(text: &str, spot: Spot, findings: &mut Findings) -> Option<Intent> {
    if let Ok(intent) = text.parse() {
        return Some(intent);
    }
    if findings.is_full() {
        findings.count_dropped();
        return None;
    }
    let help = match Intent::known_as(text) {
        Some(intent) => format!("did you mean `{intent}` ({})?", intent.title()),
        None => suggest(text, &Intent::ALL.map(Intent::as_str)),
    };
    findings.error(
        codes::UNKNOWN_INTENT,
        spot,
        format!("{} is not an intent of the Admin Portal", quote(text)),
        help,
    );
    None
}

/// Reads a list of intents; each may stand there once.
pub(super) fn check(
    field: Option<&Field<Vec<RawIntentSettings>>>,
    urls: &UrlRules,
    findings: &mut Findings,
) -> Option<BTreeMap<Intent, IntentSettings>> {
    let (list, _) = accepted(field)?;
    let mut first: BTreeMap<Intent, Spot> = BTreeMap::new();
    let mut intents = BTreeMap::new();
    for raw in list {
        let Some((name, spot)) = accepted(raw.intent.as_ref()) else {
            continue;
        };
        let Some(intent) = parse(name, spot, findings) else {
            continue;
        };
        let settings = settings(intent, raw, urls, findings);
        if let Some(earlier) = first.get(&intent) {
            let message = format!("the intent `{intent}` stands twice in this list");
            findings.twice(
                codes::DUPLICATE_INTENT,
                [*earlier, spot],
                message,
                "keep one of the two",
            );
            continue;
        }
        first.insert(intent, spot);
        intents.insert(intent, settings);
    }
    Some(intents)
}

fn settings(
    intent: Intent,
    raw: &RawIntentSettings,
    urls: &UrlRules,
    findings: &mut Findings,
) -> IntentSettings {
    let RawIntentSettings {
        intent: _,
        return_url,
        success_url,
        warn_days: days,
    } = raw;
    IntentSettings {
        return_url: urls.check(
            return_url.as_ref(),
            &format!("the return URL of {intent}"),
            findings,
        ),
        success_url: urls.check(
            success_url.as_ref(),
            &format!("the success URL of {intent}"),
            findings,
        ),
        warn_days: warn_days(intent, days.as_ref(), findings),
    }
}

fn warn_days(intent: Intent, field: Option<&Field<i64>>, findings: &mut Findings) -> Option<u16> {
    let key = field?.key;
    if intent != Intent::CertificateRenewal {
        findings.error(
            codes::OPTION_NOT_ALLOWED,
            key,
            format!(
                "{} says nothing about {intent}",
                findings.spell("`warn_days`")
            ),
            "it belongs to certificate_renewal: from how many days before its end a certificate \
             needs attention",
        );
        return None;
    }
    let (days, spot) = accepted(field)?;
    let good = u16::try_from(*days)
        .ok()
        .filter(|days| WARN_DAYS.contains(days));
    if good.is_none() {
        findings.error(
            codes::INVALID_NUMBER,
            spot,
            format!("{} cannot be {days}", findings.spell("`warn_days`")),
            "write a number of days from 1 to 365",
        );
    }
    good
}
