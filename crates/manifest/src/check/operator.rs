//! What only the Kubernetes form says: how the operator works, and the names of the objects.
//!
//! The rules are those of the resource definitions, so that `validate` refuses what the API server
//! would.

use super::text;
use crate::diagnostic::Findings;
use crate::kubernetes::{
    DeletionPolicy, EnvironmentObject, ExternalIdPatterns, Intervals, KeyRef, ManagementPolicy,
    OperatorSettings, OrganizationObject, Recreate, Transfer, Webhook,
};
use crate::quote::quote;
use crate::raw::{
    Field, RawExternalIdPatterns, RawIntervals, RawKeyRef, RawOperator, RawOrganizationObject,
    RawTransfer, RawWebhook, Text, Texts, good,
};
use crate::source::Spot;
use portalctl_model::codes::manifest as codes;
use portalctl_model::return_url::LocalHttp;
use portalctl_model::{AllowedHosts, ExternalId, Holder, ReturnUrl};

const DELETION: [(&str, DeletionPolicy); 2] = [
    ("Retain", DeletionPolicy::Retain),
    ("Delete", DeletionPolicy::Delete),
];
const MANAGEMENT: [(&str, ManagementPolicy); 2] = [
    ("Manage", ManagementPolicy::Manage),
    ("Observe", ManagementPolicy::Observe),
];
const RECREATE: [(&str, Recreate); 1] = [("once", Recreate::Once)];
/// The most requests a second, and the most deletions an hour.
const MOST: i64 = 100;

/// Checks what stands about an environment; `has_owner` tells whether it has an owner mark.
pub(super) fn environment(
    raw: &RawOperator,
    has_owner: bool,
    findings: &mut Findings,
) -> EnvironmentObject {
    let default = OperatorSettings::default();
    let is_true = |field: Option<&Field<bool>>| good(field).is_some_and(|(value, _)| *value);
    if is_true(raw.allow_deletion.as_ref())
        && !has_owner
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
        name: name(raw.name.as_ref(), findings),
        namespace: namespace(raw.namespace.as_ref(), findings),
        secret_ref: good(raw.secret_ref.as_ref()).and_then(|(raw, _)| key_ref(raw, findings)),
        operator: OperatorSettings {
            api_url: api_url(raw.api_url.as_ref(), findings),
            requests_per_second: number(
                raw.requests_per_second.as_ref(),
                "`requestsPerSecond`",
                1,
                findings,
            )
            .unwrap_or(default.requests_per_second),
            intervals: good(raw.intervals.as_ref())
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
                0,
                findings,
            )
            .unwrap_or(default.max_deletes_per_hour),
            webhook: good(raw.webhook.as_ref()).and_then(|(raw, _)| webhook(raw, findings)),
        },
    }
}

/// Checks what stands about an organization.
pub(super) fn organization(
    raw: &RawOrganizationObject,
    findings: &mut Findings,
) -> OrganizationObject {
    let RawOrganizationObject {
        name: object,
        namespace: space,
        deletion_policy,
        management_policy,
        suspend,
        recreate,
    } = raw;
    OrganizationObject {
        name: name(object.as_ref(), findings),
        namespace: namespace(space.as_ref(), findings),
        deletion_policy: text::word(
            deletion_policy.as_ref(),
            "`deletionPolicy`",
            &DELETION,
            findings,
        )
        .unwrap_or_default(),
        management_policy: text::word(
            management_policy.as_ref(),
            "`managementPolicy`",
            &MANAGEMENT,
            findings,
        )
        .unwrap_or_default(),
        suspend: good(suspend.as_ref()).is_some_and(|(value, _)| *value),
        recreate: text::word(recreate.as_ref(), "`recreate`", &RECREATE, findings),
    }
}

fn name(field: Option<&Field<Text>>, findings: &mut Findings) -> Option<String> {
    object_name(field, "the name of an object", 253, findings)
}

fn namespace(field: Option<&Field<Text>>, findings: &mut Findings) -> Option<String> {
    let name = object_name(field, "the name of a namespace", 63, findings)?;
    let (_, spot) = good(field)?;
    is_namespace(&name, spot, findings).then_some(name)
}

/// Names of Kubernetes are labels, joined by dots where several are allowed.
fn object_name(
    field: Option<&Field<Text>>,
    what: &str,
    longest: usize,
    findings: &mut Findings,
) -> Option<String> {
    let (text, spot) = good(field)?;
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
    for text in good(field)
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

/// Checks the external ids that other namespaces may set: each namespace stands once.
fn patterns(
    field: Option<&Field<Vec<RawExternalIdPatterns>>>,
    findings: &mut Findings,
) -> Vec<ExternalIdPatterns> {
    let list = good(field).map(|(list, _)| list.as_slice());
    let mut all: Vec<ExternalIdPatterns> = Vec::new();
    for raw in list.unwrap_or_default() {
        let Some(name) = namespace(raw.namespace.as_ref(), findings) else {
            continue;
        };
        if let Some((_, spot)) = good(raw.namespace.as_ref())
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
        let texts = good(raw.patterns.as_ref()).map(|(texts, _)| texts.as_slice());
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

/// Checks the permissions to take over what a resource elsewhere held.
fn transfers(field: Option<&Field<Vec<RawTransfer>>>, findings: &mut Findings) -> Vec<Transfer> {
    let list = good(field).map(|(list, _)| list.as_slice());
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
    let (text, spot) = good(field)?;
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
    let (key, spot) = good(raw.key.as_ref())?;
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
    let (raw, _) = good(raw.secret_ref.as_ref())?;
    Some(Webhook {
        secret_ref: key_ref(raw, findings)?,
    })
}

/// An endpoint may be any host: it is the application's own choice, not a customer's browser's.
fn api_url(field: Option<&Field<Text>>, findings: &mut Findings) -> Option<String> {
    let (text, spot) = good(field)?;
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
    least: i64,
    findings: &mut Findings,
) -> Option<u32> {
    let (number, spot) = good(field)?;
    if (least..=MOST).contains(number) {
        return u32::try_from(*number).ok();
    }
    findings.error(
        codes::INVALID_NUMBER,
        spot,
        format!("{what} cannot be {number}"),
        format!("write a number from {least} to {MOST}"),
    );
    None
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

fn intervals(raw: &RawIntervals, findings: &mut Findings) -> Intervals {
    let RawIntervals {
        poll,
        resync,
        sweep,
    } = raw;
    let default = Intervals::default();
    let mut checked = |field: &Option<Field<Text>>, what, least, most, default| {
        span(field.as_ref(), what, least, most, findings).unwrap_or(default)
    };
    Intervals {
        poll: checked(poll, "`poll`", ("10s", 10), ("1h", HOUR), default.poll),
        resync: checked(
            resync,
            "`resync`",
            ("5m", 5 * MINUTE),
            ("24h", 24 * HOUR),
            default.resync,
        ),
        sweep: checked(
            sweep,
            "`sweep`",
            ("5m", 5 * MINUTE),
            ("168h", 168 * HOUR),
            default.sweep,
        ),
    }
}

/// A time span within bounds, each as it is written and in seconds.
fn span(
    field: Option<&Field<Text>>,
    what: &str,
    least: (&str, u64),
    most: (&str, u64),
    findings: &mut Findings,
) -> Option<String> {
    let (text, spot) = good(field)?;
    if seconds(text).is_some_and(|seconds| (least.1..=most.1).contains(&seconds)) {
        return Some(text.to_string());
    }
    findings.error(
        codes::INVALID_TIME,
        spot,
        format!("{what} cannot be {}", quote(text)),
        format!(
            "write a time from {} to {}, as in 90s, 5m or 1h30m",
            least.0, most.0
        ),
    );
    None
}

/// How many seconds a text such as `1h30m` stands for.
fn seconds(text: &str) -> Option<u64> {
    if text.is_empty() || text.len() > 16 {
        return None;
    }
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        let unit = match rest.get(digits..digits + 1)? {
            "h" => HOUR,
            "m" => MINUTE,
            "s" => 1,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = rest.get(digits + 1..)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_go_reads_them() {
        for (text, wanted) in [
            ("90s", Some(90)),
            ("1h30m", Some(5400)),
            ("0s", Some(0)),
            ("", None),
            ("1", None),
            ("h", None),
            ("1d", None),
            ("-1s", None),
            ("1.5h", None),
            ("9999999999999h", Some(9_999_999_999_999 * HOUR)),
            ("99999999999999999h", None),
        ] {
            assert_eq!(seconds(text), wanted, "{text}");
        }
    }
}
