//! Settings of a manifest, each declared once in all of its files.

use std::collections::BTreeMap;

use super::defaults::Layers;
use super::scope::{Files, Owner};
use super::text;
use super::urls::UrlRules;
use super::{intents, operator};
use crate::diagnostic::Findings;
use crate::quote::quote;
use crate::raw::{Field, RawMap, Text, Texts, accepted};
use crate::shape::{
    EnvironmentObject, RawEnvironment, RawLimits, RawManifest, RawReturnUrls, RawUpdateLimit,
};
use crate::source::Spot;
use portalctl_model::codes::manifest as codes;
use portalctl_model::desired::{
    DEFAULT_DELETE_LIMIT, Desired, DesiredOrganization, Environment, KeyKind, Limits, Names,
    Powers, ReturnUrls, UpdateLimit,
};
use portalctl_model::return_url::LocalHttp;
use portalctl_model::{ClientId, Intent, ManifestName, OrgKey, ReturnUrl};

/// The version of the manifest format.
const VERSION: i64 = 1;

/// The checked settings of a manifest.
pub(crate) struct Settings {
    manifest: Option<ManifestName>,
    previous_manifests: Vec<ManifestName>,
    pub(super) owner: Owner,
    environment: Environment,
    return_urls: ReturnUrls,
    limits: Limits,
    pub(super) object: EnvironmentObject,
    pub(super) urls: UrlRules,
    pub(super) layers: Layers,
}

impl Settings {
    pub(super) fn names(&self) -> Names {
        Names {
            environment: self.environment.name.clone(),
            manifest: self.manifest.clone(),
        }
    }

    pub(crate) fn into_desired(
        self,
        organizations: BTreeMap<OrgKey, DesiredOrganization>,
    ) -> Desired {
        Desired {
            manifest: self.manifest,
            previous_manifests: self.previous_manifests,
            environment: self.environment,
            return_urls: self.return_urls,
            limits: self.limits,
            powers: Powers {
                adopt: self.object.operator.allow_adoption,
                rekey: self.object.operator.allow_rekey,
                trusted_domains: self.object.operator.allow_trusted_domains,
                domain_removal: self.object.operator.allow_domain_removal,
                data_loss: self.object.operator.allow_data_loss,
            },
            defaults: self.layers.defaults.into_desired(),
            organizations,
            absent: BTreeMap::new(),
            excluded: BTreeMap::new(),
            skipped: Vec::new(),
        }
    }
}

/// Makes one manifest of the settings of all documents; `organizations` are not among them.
pub(super) fn merge(documents: Vec<RawManifest>, findings: &mut Findings) -> RawManifest {
    let mut merged = RawManifest::default();
    for document in documents {
        let RawManifest {
            version,
            manifest,
            previous_manifests,
            environment,
            return_urls,
            limits,
            defaults,
            profiles,
            environments,
            kubernetes,
            organizations: _,
        } = document;
        macro_rules! once {
            ($($field:ident)+) => {
                $(once(&mut merged.$field, $field, stringify!($field), findings);)+
            };
        }
        once!(version manifest previous_manifests environment return_urls limits defaults);
        once!(profiles environments kubernetes);
    }
    merged
}

/// Checks the settings of a manifest.
pub(super) fn check(raw: &RawManifest, files: &mut Files) -> Settings {
    let complete = files.complete;
    let findings = &mut files.findings;
    version(raw.version.as_ref(), findings);
    let name = raw.manifest.as_ref();
    let previous = raw.previous_manifests.as_ref();
    let raw_urls = raw.return_urls.as_ref();

    let environment = accepted(raw.environment.as_ref())
        .map(|(raw, _)| environment(raw, findings))
        .unwrap_or_default();
    let local = match environment.api_key {
        Some(KeyKind::Test) => LocalHttp::Allowed,
        // The file that could not be read may say `test`: no false findings for its sake.
        None if !complete => LocalHttp::Allowed,
        Some(KeyKind::Live) | None => LocalHttp::Refused,
    };
    let raw_urls = accepted(raw_urls).map(|(raw, _)| raw);
    let urls = UrlRules::new(
        raw_urls.and_then(|raw| raw.allowed_hosts.as_ref()),
        local,
        findings,
    );
    // A deletion needs a name that is there.
    let holder = name.map_or(Owner::Nameless, |_| Owner::Named);
    let owner = match name {
        None if complete => Owner::Nameless,
        _ => Owner::Named,
    };
    Settings {
        owner,
        manifest: manifest_name(name, findings),
        previous_manifests: previous_manifests(previous, owner, findings),
        return_urls: raw_urls
            .map(|raw| return_urls(raw, &urls, findings))
            .unwrap_or_default(),
        limits: accepted(raw.limits.as_ref())
            .map(|(raw, _)| limits(raw, findings))
            .unwrap_or_default(),
        object: accepted(raw.kubernetes.as_ref())
            .map(|(raw, _)| operator::environment(raw, holder, findings))
            .unwrap_or_default(),
        layers: Layers::check(
            accepted(raw.defaults.as_ref()).map(|(raw, _)| raw),
            accepted(raw.profiles.as_ref()).map_or(&[], |(list, _)| list.as_slice()),
            &urls,
            findings,
        ),
        environment,
        urls,
    }
}

/// Takes over a setting that may stand in one document only; the first counts.
fn once<T>(
    first: &mut Option<Field<T>>,
    again: Option<Field<T>>,
    name: &str,
    findings: &mut Findings,
) {
    match (&first, again) {
        (Some(first), Some(again)) => findings.twice(
            codes::DECLARED_TWICE,
            [first.key, again.key],
            format!("`{name}` is declared twice in this manifest"),
            "keep one: only `organizations` may stand in several files",
        ),
        (None, again) => *first = again,
        (Some(_), None) => {}
    }
}

fn version(field: Option<&Field<i64>>, findings: &mut Findings) {
    let Some((version, spot)) = accepted(field) else {
        return;
    };
    if *version != VERSION {
        findings.error(
            codes::UNKNOWN_VERSION,
            spot,
            format!("this portalctl does not know version {version} of the manifest"),
            "write `version: 1`, or use a newer portalctl if the manifest was written for one",
        );
    }
}

/// Reads former names, which need a present one.
fn previous_manifests(
    field: Option<&Field<Texts>>,
    owner: Owner,
    findings: &mut Findings,
) -> Vec<ManifestName> {
    if let (Some(field), Owner::Nameless) = (field, owner) {
        findings.error(
            codes::MISSING_FIELD,
            field.key,
            "`previous_manifests` without `manifest`",
            "add `manifest:`, the name that takes the place of the former ones",
        );
    }
    let list = accepted(field).map(|(list, _)| list.as_slice());
    list.unwrap_or_default()
        .iter()
        .filter_map(|name| parse_name(&name.value, name.spot, findings))
        .collect()
}

fn manifest_name(field: Option<&Field<Text>>, findings: &mut Findings) -> Option<ManifestName> {
    let (text, spot) = accepted(field)?;
    parse_name(text, spot, findings)
}

fn parse_name(text: &str, spot: Spot, findings: &mut Findings) -> Option<ManifestName> {
    match ManifestName::parse(text) {
        Ok(name) => Some(name),
        Err(why) => {
            findings.error(
                codes::INVALID_KEY,
                spot,
                format!(
                    "{} is not a valid name for a manifest: it {why}",
                    quote(text)
                ),
                "choose a name such as `customers`; it marks what this manifest creates",
            );
            None
        }
    }
}

fn environment(raw: &RawEnvironment, findings: &mut Findings) -> Environment {
    Environment {
        name: text::required(raw.name.as_ref(), "the environment's name", findings),
        api_key: text::word(raw.api_key.as_ref(), "`api_key`", findings),
        client_id: accepted(raw.client_id.as_ref()).and_then(|(id, spot)| {
            ClientId::parse(id)
                .map_err(|why| {
                    findings.error(
                        codes::INVALID_ID,
                        spot,
                        format!("{} is not a client id: it {why}", quote(id)),
                        "copy it from the WorkOS dashboard, API Keys",
                    );
                })
                .ok()
        }),
    }
}

fn return_urls(raw: &RawReturnUrls, urls: &UrlRules, findings: &mut Findings) -> ReturnUrls {
    ReturnUrls {
        default: urls.check(raw.default.as_ref(), "the default return URL", findings),
        success: accepted(raw.success.as_ref())
            .map(|(map, _)| success_urls(map, urls, findings))
            .unwrap_or_default(),
        allowed_hosts: urls.hosts().clone(),
    }
}

fn success_urls(
    map: &RawMap,
    urls: &UrlRules,
    findings: &mut Findings,
) -> BTreeMap<Intent, ReturnUrl> {
    let mut success = BTreeMap::new();
    for (key, value) in &map.entries {
        let Some(intent) = intents::parse(&key.value, key.spot, findings) else {
            continue;
        };
        let what = format!("the success URL of {intent}");
        let Some(text) = &value.value else { continue };
        if let Some(url) = urls.check_text(text, value.spot, &what, findings) {
            success.insert(intent, url);
        }
    }
    success
}

fn limits(raw: &RawLimits, findings: &mut Findings) -> Limits {
    Limits {
        create: accepted(raw.create.as_ref())
            .and_then(|(number, spot)| count(*number, spot, "`create`", findings)),
        update: accepted(raw.update.as_ref()).and_then(|(limit, spot)| match limit {
            RawUpdateLimit::Count(number) => {
                count(*number, spot, "`update`", findings).map(UpdateLimit::Count)
            }
            RawUpdateLimit::Text(text) => percentage(text, spot, findings),
        }),
        delete: accepted(raw.delete.as_ref())
            .and_then(|(number, spot)| count(*number, spot, "`delete`", findings))
            .unwrap_or(DEFAULT_DELETE_LIMIT),
    }
}

fn count(number: i64, spot: Spot, what: &str, findings: &mut Findings) -> Option<u32> {
    let count = u32::try_from(number).ok();
    if count.is_none() {
        findings.error(
            codes::INVALID_NUMBER,
            spot,
            format!("{what} cannot be {number}"),
            "write how many organizations one run may change, from 0",
        );
    }
    count
}

fn percentage(text: &str, spot: Spot, findings: &mut Findings) -> Option<UpdateLimit> {
    let percent = text
        .strip_suffix('%')
        .and_then(|number| number.trim_end().parse::<u8>().ok())
        .filter(|percent| (1..=100).contains(percent));
    if percent.is_none() {
        findings.error(
            codes::INVALID_NUMBER,
            spot,
            format!("`update` cannot be {}", quote(text)),
            "write a whole number, or a percentage from 1% to 100%",
        );
    }
    percent.map(UpdateLimit::Percent)
}
