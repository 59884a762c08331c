//! Rules of a manifest.
//!
//! Goes in: loaded files. Comes out: [`Desired`], or every problem at once. A rule that fails adds a
//! finding and lets the others go on. Reads no file, and knows nothing of the live state.

mod absent;
mod allow;
mod audit_logs;
mod contacts;
mod defaults;
mod domains;
mod identity;
mod ignore;
mod intents;
mod metadata;
mod operator;
mod organization;
mod overlays;
mod placeholder;
mod presence;
mod resources;
mod scope;
mod settings;
mod text;
mod unique;
mod urls;

use std::collections::BTreeMap;

use super::decode::RawPortalOrganization;
use super::diagnostic::{Diagnostics, Findings};
use super::document_kind::{self, Documents, Resource};
use super::form::Form;
use super::load::{Document, Loaded};
use super::node::Node;
use super::shape::{EnvironmentObject, OrganizationObject, RawManifest};
use super::source::{FileId, Sources};
use portalctl_model::desired::{
    AbsentOrganization, Desired, DesiredOrganization, ExcludedOrganization, Names,
};
use portalctl_model::{OrgKey, ResourceName};

use organization::Entries;
use overlays::{Chosen, Patches};
pub(super) use scope::{Files, Presence, Rivals};
use settings::Settings;

/// A manifest after all rules were applied.
#[derive(Debug)]
pub struct Checked {
    /// Desired state; `None` when there is any error.
    pub desired: Option<Desired>,
    /// Names of the manifest and of its environment, also when there are errors.
    pub names: Names,
    /// Findings.
    pub diagnostics: Diagnostics,
    /// Texts of the files, to show the lines of the findings.
    pub sources: Sources,
}

/// Applies every rule to a loaded manifest, with the overlay of an environment if one is named.
pub fn check(loaded: Loaded, environment: Option<&str>) -> Checked {
    apply_rules(loaded, environment, Presence::Organizations)
        .into_checked()
        .0
}

/// Applies every rule but that there are organizations.
pub(super) fn check_settings(loaded: Loaded, environment: Option<&str>) -> Checked {
    apply_rules(loaded, environment, Presence::Settings)
        .into_checked()
        .0
}

/// Applies every rule, and keeps the fields of the Kubernetes form.
pub(super) fn check_whole(
    loaded: Loaded,
    environment: Option<&str>,
) -> (Checked, KubernetesFields) {
    apply_rules(loaded, environment, Presence::Organizations).into_checked()
}

/// Returns the names of a manifest's environments, sorted; none where it has no overlays.
pub(super) fn environments(loaded: &Loaded) -> Vec<String> {
    overlays::names_of(&loaded.documents)
}

/// Fields of the Kubernetes form, which have no desired state; conversion keeps them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KubernetesFields {
    pub(super) environment: EnvironmentObject,
    pub(super) organizations: BTreeMap<OrgKey, OrganizationObject>,
}

impl KubernetesFields {
    /// Returns the PortalEnvironment: its name and namespace, and the settings of the operator.
    pub const fn environment(&self) -> &EnvironmentObject {
        &self.environment
    }

    /// Returns the place and the policies of a resource.
    pub fn organization(&self, key: &OrgKey) -> Option<&OrganizationObject> {
        self.organizations.get(key)
    }
}

/// A manifest after all rules were applied, whether it broke any or not.
pub(super) struct Outcome {
    settings: Settings,
    organizations: BTreeMap<OrgKey, DesiredOrganization>,
    absent: BTreeMap<OrgKey, AbsentOrganization>,
    excluded: BTreeMap<OrgKey, ExcludedOrganization>,
    objects: BTreeMap<OrgKey, OrganizationObject>,
    findings: Findings,
    sources: Sources,
    skipped: Vec<String>,
}

impl Outcome {
    fn new(settings: Settings, entries: Entries, files: Files) -> Self {
        let Entries {
            organizations,
            absent,
            excluded,
            objects,
        } = entries;
        Self {
            settings,
            organizations,
            absent,
            excluded,
            objects,
            findings: files.findings,
            sources: files.sources,
            skipped: Vec::new(),
        }
    }

    /// Returns the settings, the organizations that could be read, and the findings.
    pub(super) fn into_parts(
        self,
    ) -> (Settings, BTreeMap<OrgKey, DesiredOrganization>, Diagnostics) {
        let diagnostics = self.findings.finish(&self.sources);
        (self.settings, self.organizations, diagnostics)
    }

    fn into_checked(self) -> (Checked, KubernetesFields) {
        let Self {
            settings,
            organizations,
            absent,
            excluded,
            objects,
            findings,
            sources,
            skipped,
        } = self;
        let remainder = KubernetesFields {
            environment: settings.object.clone(),
            organizations: objects,
        };
        let names = settings.names();
        let desired = (!findings.has_errors()).then(|| Desired {
            absent,
            excluded,
            skipped,
            ..settings.into_desired(organizations)
        });
        let checked = Checked {
            desired,
            names,
            diagnostics: findings.finish(&sources),
            sources,
        };
        (checked, remainder)
    }
}

/// Applies every rule, whichever form the manifest has.
pub(super) fn apply_rules(
    loaded: Loaded,
    environment: Option<&str>,
    presence: Presence,
) -> Outcome {
    let Loaded {
        sources,
        documents,
        mut findings,
        complete,
        skipped,
    } = loaded;
    let documents = document_kind::sort(documents, &mut findings);
    let mut files = Files {
        sources,
        findings,
        complete,
    };
    let outcome = match documents {
        Documents::Manifest(documents) => {
            let request = Request {
                environment,
                presence,
            };
            check_manifest(documents, files, request)
        }
        Documents::Resources(resources, all) => {
            files.complete &= all;
            let request = Request {
                environment,
                presence,
            };
            check_resources(resources, files, request, Rivals::Refused)
        }
    };
    Outcome { skipped, ..outcome }
}

/// The environment that a check is for, and the parts that the manifest must have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) environment: Option<&'a str>,
    pub(super) presence: Presence,
}

fn check_manifest(documents: Vec<Document>, mut files: Files, request: Request<'_>) -> Outcome {
    let Files {
        sources, findings, ..
    } = &mut files;
    let overlays::Sorted {
        base,
        mut overlays,
        complete,
    } = overlays::sort(documents, sources, findings);
    let expected = base.len();
    let base = base.into_iter();
    let mut raw: Vec<(FileId, RawManifest)> = base
        .filter_map(|document| overlays::decode_base(document, sources, findings))
        .collect();
    files.complete &= complete && raw.len() == expected;
    let parts = take_organizations(&mut raw);
    let first = raw
        .iter()
        .find_map(|(_, document)| Some(document.organizations.as_ref()?.key));
    let documents = raw.into_iter().map(|(_, document)| document).collect();
    let mut manifest = settings::merge(documents, &mut files.findings);
    overlays::take_inline(&mut manifest, &mut overlays);
    overlays::check_names(&overlays, &manifest, &mut files.findings);
    let count = overlays.len();
    let wanted = request.environment;
    let patches = match overlays::choose(overlays, wanted, &manifest, &mut files.findings) {
        Chosen::Base => None,
        Chosen::Overlay(overlay) => Some(overlay.lay_over(&mut manifest)),
        Chosen::Nothing => return undecided(manifest, files),
    };
    if files.complete {
        let Files {
            sources, findings, ..
        } = &mut files;
        presence::require_version(&manifest, sources, findings);
        let is_empty = patches.as_ref().is_none_or(|it| it.entries.is_empty());
        if request.presence == Presence::Organizations && is_empty {
            presence::require_organizations(first, &parts, sources, findings);
        }
    }
    let settings = settings::check(&manifest, &mut files);
    let environments = Environments { patches, count };
    let entries = check_entries(parts, environments, &settings, &mut files);
    Outcome::new(settings, entries, files)
}

/// Overlays of a manifest, as far as they are about entries.
struct Environments {
    patches: Option<Patches>,
    /// Number of overlays.
    count: usize,
}

/// Checks the entries of all documents, with their patches.
fn check_entries(
    parts: Vec<(FileId, Vec<(Node, Node)>)>,
    environments: Environments,
    settings: &Settings,
    files: &mut Files,
) -> Entries {
    let mut walk = organization::Checker::new(settings, Rivals::Refused, &mut files.findings);
    if environments.count > 1 {
        walk.refuse_ids();
    }
    if let Some(patches) = environments.patches {
        walk.patch(patches);
    }
    let count = parts.len();
    for (number, (file, entries)) in parts.into_iter().enumerate() {
        let part = organization::Part {
            number,
            file,
            name: files.sources.name_of(file),
            text: files.sources.text_of(file),
        };
        walk.part(&part, entries);
    }
    walk.added(count, &files.sources);
    walk.finish()
}

/// Returns what is known of a manifest whose environment was not chosen.
fn undecided(manifest: RawManifest, mut files: Files) -> Outcome {
    let named = RawManifest {
        manifest: manifest.manifest,
        ..RawManifest::default()
    };
    let settings = settings::check(&named, &mut files);
    Outcome::new(settings, Entries::default(), files)
}

/// Applies every rule to resources.
pub(super) fn check_resources(
    resources: Vec<Resource>,
    mut files: Files,
    request: Request<'_>,
    rivals: Rivals,
) -> Outcome {
    let presence = request.presence;
    files.findings.set_form(Form::Kubernetes);
    let mut decoded = resources::decode(resources, &files.sources, &mut files.findings);
    if let Some(environment) = request.environment {
        resources::choose(&mut decoded, environment, &mut files.findings);
    }
    files.complete &= decoded.complete;
    if files.complete {
        resources::require_resources(&decoded, presence, &mut files.findings);
    }
    resources::refuse_second_environment(&decoded.environments, &mut files.findings);
    let first = decoded.environments.first().map(|first| &first.manifest);
    // Where no environment could be read, the rules that need one find nothing.
    files.complete &= first.is_some();
    let settings = settings::check(first.unwrap_or(&RawManifest::default()), &mut files);

    let mut walk = organization::Checker::new(&settings, rivals, &mut files.findings);
    for (number, (file, organization)) in decoded.organizations.into_iter().enumerate() {
        walk.belongs(&organization, &decoded.environments);
        let RawPortalOrganization {
            key, organization, ..
        } = organization;
        let name = files.sources.name_of(file);
        let entry = organization::Entry::of(organization);
        walk.entry(number, &name, key, Some(&entry));
    }
    let mut entries = walk.finish();
    name_resources(&mut entries.organizations, &entries.objects);
    Outcome::new(settings, entries, files)
}

/// Enters the name of each resource in its entry.
fn name_resources(
    organizations: &mut BTreeMap<OrgKey, DesiredOrganization>,
    objects: &BTreeMap<OrgKey, OrganizationObject>,
) {
    for (key, organization) in organizations {
        let object = objects.get(key);
        organization.resource = object.and_then(|object| {
            Some(ResourceName {
                namespace: object.namespace.clone(),
                name: object.name.clone()?,
            })
        });
    }
}

fn take_organizations(raw: &mut [(FileId, RawManifest)]) -> Vec<(FileId, Vec<(Node, Node)>)> {
    raw.iter_mut()
        .filter_map(|(file, document)| {
            let entries = document.organizations.as_mut()?.value.take()?;
            Some((*file, entries))
        })
        .collect()
}
