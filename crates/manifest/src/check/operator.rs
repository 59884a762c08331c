//! Fields of the Kubernetes form: operator settings, and the names of the objects.
//!
//! The rules are those of the resource definitions, so that `validate` refuses what the API server
//! would.

use std::ops::RangeInclusive;

use super::scope::Owner;
use super::text;
use crate::diagnostic::Findings;
use crate::quote::quote;
use crate::raw::{Field, Text, Texts, accepted};
use crate::shape::{
    EnvironmentObject, ExternalIdPatterns, IntervalBounds, Intervals, KeyRef, MAX_DELETES,
    MAX_PACE, OperatorSettings, OrganizationObject, OrganizationPolicies, POLL, RESYNC,
    RawEnvironmentObject, RawExternalIdPatterns, RawIntervals, RawKeyRef, RawOrganizationObject,
    RawOrganizationPolicies, RawTransfer, RawWebhook, SWEEP, Transfer, Webhook,
};
use crate::source::Spot;
use portalctl_model::codes::manifest as codes;
use portalctl_model::return_url::LocalHttp;
use portalctl_model::{AllowedHosts, ExternalId, Holder, ReturnUrl, duration};

/// Checks the operator settings of an environment.
pub(super) fn environment(
    raw: &RawEnvironmentObject,
    owner: Owner,
    findings: &mut Findings,
) -> EnvironmentObject {
    let object = raw;
    let raw = &object.operator;
    let default = OperatorSettings::default();
    let is_true = |field: Option<&Field<bool>>| accepted(field).is_some_and(|(value, _)| *value);
    if is_true(raw.allow_deletion.as_ref())
        && owner == Owner::Nameless
        && let Some(field) = &raw.allow_deletion
    {
        findings.error(
            codes::MISSING_FIELD,
            field.key,
            "`allowDeletion` without `manifest`",
            "add `manifest:`, the owner mark: only organizations that carry it are ever deleted",
        );
    }
    EnvironmentObject {
        name: name(object.name.as_ref(), findings),
        namespace: namespace(object.namespace.as_ref(), findings),
        secret_ref: accepted(object.secret_ref.as_ref())
            .and_then(|(raw, _)| key_ref(raw, findings)),
        operator: OperatorSettings {
            api_url: api_url(raw.api_url.as_ref(), findings),
            requests_per_second: number(
                raw.requests_per_second.as_ref(),
                "`requestsPerSecond`",
                1..=MAX_PACE,
                findings,
            )
            .unwrap_or(default.requests_per_second),
            intervals: accepted(raw.intervals.as_ref())
                .map(|(raw, _)| intervals(raw, findings))
                .unwrap_or_default(),
            allowed_namespaces: namespaces(raw.allowed_namespaces.as_ref(), findings),
            external_id_patterns: patterns(raw.external_id_patterns.as_ref(), findings),
            transfers: transfers(raw.transfers.as_ref(), findings),
            allow_adoption: is_true(raw.allow_adoption.as_ref()),
            allow_rekey: is_true(raw.allow_rekey.as_ref()),
            allow_trusted_domains: is_true(raw.allow_trusted_domains.as_ref()),
            allow_domain_removal: is_true(raw.allow_domain_removal.as_ref()),
            allow_data_loss: is_true(raw.allow_data_loss.as_ref()),
            allow_deletion: is_true(raw.allow_deletion.as_ref()),
            allow_active_deletion: is_true(raw.allow_active_deletion.as_ref()),
            suspend: is_true(raw.suspend.as_ref()),
            max_deletes_per_hour: number(
                raw.max_deletes_per_hour.as_ref(),
                "`maxDeletesPerHour`",
                0..=MAX_DELETES,
                findings,
            )
            .unwrap_or(default.max_deletes_per_hour),
            webhook: accepted(raw.webhook.as_ref()).and_then(|(raw, _)| webhook(raw, findings)),
        },
    }
}

/// Checks the operator settings of an organization.
pub(super) fn organization(
    raw: &RawOrganizationObject,
    findings: &mut Findings,
) -> OrganizationObject {
    let RawOrganizationObject {
        name: object,
        namespace: space,
        policies:
            RawOrganizationPolicies {
                deletion_policy: deletion,
                management_policy: management,
                suspend,
                recreate,
            },
    } = raw;
    OrganizationObject {
        name: name(object.as_ref(), findings),
        namespace: namespace(space.as_ref(), findings),
        policies: OrganizationPolicies {
            deletion_policy: text::word(deletion.as_ref(), "`deletionPolicy`", findings)
                .unwrap_or_default(),
            management_policy: text::word(management.as_ref(), "`managementPolicy`", findings)
                .unwrap_or_default(),
            suspend: accepted(suspend.as_ref()).is_some_and(|(value, _)| *value),
            recreate: text::word(recreate.as_ref(), "`recreate`", findings),
        },
    }
}

fn name(field: Option<&Field<Text>>, findings: &mut Findings) -> Option<String> {
    object_name(field, "the name of an object", 253, findings)
}

fn namespace(field: Option<&Field<Text>>, findings: &mut Findings) -> Option<String> {
    let name = object_name(field, "the name of a namespace", 63, findings)?;
    let (_, spot) = accepted(field)?;
    is_namespace(&name, spot, findings).then_some(name)
}

/// Reads a name of Kubernetes: labels, joined by dots where several are allowed.
fn object_name(
    field: Option<&Field<Text>>,
    what: &str,
    longest: usize,
    findings: &mut Findings,
) -> Option<String> {
    let (text, spot) = accepted(field)?;
    if text.len() <= longest && text.split('.').all(is_label) {
        return Some(text.to_string());
    }
    findings.error(
        codes::INVALID_NAME,
        spot,
        format!("{} is not {what}", quote(text)),
        format!(
            "write lower-case letters, digits and `-`, {longest} at most, from a letter or digit \
             to a letter or digit"
        ),
    );
    None
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_namespace(text: &str, spot: Spot, findings: &mut Findings) -> bool {
    let is_one = text.len() <= 63 && is_label(text);
    if !is_one {
        findings.error(
            codes::INVALID_NAME,
            spot,
            format!("{} is not the name of a namespace", quote(text)),
            "write lower-case letters, digits and `-`, 63 at most",
        );
    }
    is_one
}

fn namespaces(field: Option<&Field<Texts>>, findings: &mut Findings) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for text in accepted(field)
        .map(|(list, _)| list.as_slice())
        .unwrap_or_default()
    {
        let is_fine = &*text.value == "*" || is_namespace(&text.value, text.spot, findings);
        if is_fine && names.iter().any(|name| **name == *text.value) {
            findings.error(
                codes::DUPLICATE_KEY,
                text.spot,
                format!("{} stands twice in this list", quote(&text.value)),
                "keep one of the two",
            );
        } else if is_fine {
            names.push(text.value.to_string());
        }
    }
    names
}

/// Reads the external ids that other namespaces may set; each namespace may stand there once.
fn patterns(
    field: Option<&Field<Vec<RawExternalIdPatterns>>>,
    findings: &mut Findings,
) -> Vec<ExternalIdPatterns> {
    let list = accepted(field).map(|(list, _)| list.as_slice());
    let mut all: Vec<ExternalIdPatterns> = Vec::new();
    for raw in list.unwrap_or_default() {
        let Some(name) = namespace(raw.namespace.as_ref(), findings) else {
            continue;
        };
        if let Some((_, spot)) = accepted(raw.namespace.as_ref())
            && all.iter().any(|one| one.namespace == name)
        {
            findings.error(
                codes::DUPLICATE_KEY,
                spot,
                format!("{} stands twice in this list", quote(&name)),
                "write all patterns of a namespace into one item",
            );
            continue;
        }
        let texts = accepted(raw.patterns.as_ref()).map(|(texts, _)| texts.as_slice());
        if let (Some([]), Some(field)) = (texts, &raw.patterns) {
            findings.error(
                codes::MISSING_FIELD,
                field.key,
                "`patterns` is empty",
                "write a pattern, or remove the item: external ids that begin with the namespace \
                 and a dot need none",
            );
        }
        let mut checked = Vec::new();
        for text in texts.unwrap_or_default() {
            match ExternalId::parse(&text.value) {
                Ok(_) => checked.push(text.value.to_string()),
                Err(why) => findings.error(
                    codes::INVALID_EXTERNAL_ID,
                    text.spot,
                    format!(
                        "{} is not a pattern of external ids: it {why}",
                        quote(&text.value)
                    ),
                    "write an external id with `*` where any characters may stand",
                ),
            }
        }
        all.push(ExternalIdPatterns {
            namespace: name,
            patterns: checked,
        });
    }
    all
}

/// Reads the permissions to take over organizations of resources elsewhere.
fn transfers(field: Option<&Field<Vec<RawTransfer>>>, findings: &mut Findings) -> Vec<Transfer> {
    let list = accepted(field).map(|(list, _)| list.as_slice());
    let mut all = Vec::new();
    for raw in list.unwrap_or_default() {
        let cluster = cluster_id(raw.from_cluster.as_ref(), findings);
        let from_namespace = namespace(raw.from_namespace.as_ref(), findings);
        let name = name(raw.name.as_ref(), findings);
        if let (Some(from_cluster), Some(from_namespace)) = (cluster, from_namespace) {
            all.push(Transfer {
                from_cluster,
                from_namespace,
                name,
            });
        }
    }
    all
}

fn cluster_id(field: Option<&Field<Text>>, findings: &mut Findings) -> Option<String> {
    let (text, spot) = accepted(field)?;
    if Holder::new(&**text, "namespace", "name").is_ok() {
        return Some(text.to_string());
    }
    findings.error(
        codes::INVALID_NAME,
        spot,
        format!("{} is not a cluster id", quote(text)),
        "copy it from the mark `portalctl_holder` of the organization: the part before the first `/`",
    );
    None
}

fn key_ref(raw: &RawKeyRef, findings: &mut Findings) -> Option<KeyRef> {
    let name = object_name(raw.name.as_ref(), "the name of a Secret", 253, findings);
    let (key, spot) = accepted(raw.key.as_ref())?;
    let is_key = (1..=253).contains(&key.len())
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if !is_key {
        findings.error(
            codes::INVALID_NAME,
            spot,
            format!("{} is not a key of a Secret", quote(key)),
            "write letters, digits, `-`, `.` and `_`; the value stays in the Secret",
        );
        return None;
    }
    Some(KeyRef {
        name: name?,
        key: key.to_string(),
    })
}

fn webhook(raw: &RawWebhook, findings: &mut Findings) -> Option<Webhook> {
    let (raw, _) = accepted(raw.secret_ref.as_ref())?;
    Some(Webhook {
        secret_ref: key_ref(raw, findings)?,
    })
}

/// Reads the endpoint, which may be on any host: no customer's browser is sent there.
fn api_url(field: Option<&Field<Text>>, findings: &mut Findings) -> Option<String> {
    let (text, spot) = accepted(field)?;
    match ReturnUrl::parse(text, &AllowedHosts::default(), LocalHttp::Allowed) {
        Ok(_) => Some(text.to_string()),
        Err(why) => {
            findings.error(
                codes::INVALID_URL,
                spot,
                format!("`apiUrl` {why}"),
                "write an https URL, as in https://api.workos.com; plain http is for loopback only",
            );
            None
        }
    }
}

fn number(
    field: Option<&Field<i64>>,
    what: &str,
    allowed: RangeInclusive<u32>,
    findings: &mut Findings,
) -> Option<u32> {
    let (number, spot) = accepted(field)?;
    let checked = u32::try_from(*number).ok();
    let checked = checked.filter(|number| allowed.contains(number));
    if checked.is_none() {
        let (least, most) = allowed.into_inner();
        findings.error(
            codes::INVALID_NUMBER,
            spot,
            format!("{what} cannot be {number}"),
            format!("write a number from {least} to {most}"),
        );
    }
    checked
}

fn intervals(raw: &RawIntervals, findings: &mut Findings) -> Intervals {
    let RawIntervals {
        poll,
        resync,
        sweep,
    } = raw;
    Intervals {
        poll: interval(poll.as_ref(), "`poll`", &POLL, findings),
        resync: interval(resync.as_ref(), "`resync`", &RESYNC, findings),
        sweep: interval(sweep.as_ref(), "`sweep`", &SWEEP, findings),
    }
}

/// Reads an interval; the default where there is none, or a wrong one, which is reported.
fn interval(
    field: Option<&Field<Text>>,
    what: &str,
    bounds: &IntervalBounds,
    findings: &mut Findings,
) -> String {
    let Some((text, spot)) = accepted(field) else {
        return bounds.default.to_owned();
    };
    if is_within(text, bounds) {
        return text.to_string();
    }
    findings.error(
        codes::INVALID_TIME,
        spot,
        format!("{what} cannot be {}", quote(text)),
        format!(
            "write a time from {} to {}, as in 90s, 5m or 1h30m",
            bounds.least, bounds.most
        ),
    );
    bounds.default.to_owned()
}

/// Returns whether a text is an interval between its bounds that the API server accepts, too: it takes
/// hours, minutes and seconds only, and no spaces.
fn is_within(text: &str, bounds: &IntervalBounds) -> bool {
    let is_short = text.len() <= 16
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || b"hms".contains(&b));
    let bound = |text: &str| duration::parse(text).expect("the bounds of intervals are durations");
    is_short
        && duration::parse(text)
            .is_some_and(|time| (bound(bounds.least)..=bound(bounds.most)).contains(&time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_what_the_operator_and_the_api_server_read() {
        let any = IntervalBounds {
            default: "1h",
            least: "0s",
            most: "9999h",
        };
        for text in ["90s", "1h30m", "0s", "1h0m1s", "60m"] {
            assert!(is_within(text, &any), "{text}");
        }
        for text in [
            "",
            "1",
            "h",
            "1d",
            "-1s",
            "1.5h",
            "1h 30m",
            "1 hour",
            "9999999999999h",
            "99999999999999999h",
            "1hm",
            "10000h",
        ] {
            assert!(!is_within(text, &any), "{text}");
        }
        assert!(is_within("10s", &POLL) && is_within("1h", &POLL));
        assert!(!is_within("9s", &POLL) && !is_within("61m", &POLL));
        assert!(is_within("5m", &RESYNC) && !is_within("4m59s", &RESYNC));
    }
}
