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
mod placeholder;
mod presence;
mod resources;
mod scope;
mod settings;
mod text;
mod unique;
mod urls;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::decode::{self, RawPortalOrganization};
use super::diagnostic::{Diagnostics, Findings};
use super::document_kind::{self, Documents, Resource};
use super::form::Form;
use super::load::{Document, Loaded};
use super::node::Node;
use super::reader::Reader;
use super::shape::{EnvironmentObject, OrganizationObject, RawManifest};
use super::source::{FileId, Sources};
use portalctl_model::desired::{AbsentOrganization, Desired, DesiredOrganization, Names};
use portalctl_model::{OrgKey, ResourceName};

use organization::Entries;
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

/// Applies every rule to a loaded manifest.
pub fn check(loaded: Loaded) -> Checked {
    apply_rules(loaded, Presence::Organizations)
        .into_checked()
        .0
}

/// Applies every rule but that there are organizations.
pub(super) fn check_settings(loaded: Loaded) -> Checked {
    apply_rules(loaded, Presence::Settings).into_checked().0
}

/// Applies every rule, and keeps the fields of the Kubernetes form.
pub(super) fn check_whole(loaded: Loaded) -> (Checked, KubernetesFields) {
    apply_rules(loaded, Presence::Organizations).into_checked()
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
}

/// A manifest after all rules were applied, whether it broke any or not.
pub(super) struct Outcome {
    settings: Settings,
    organizations: BTreeMap<OrgKey, DesiredOrganization>,
    absent: BTreeMap<OrgKey, AbsentOrganization>,
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
            objects,
        } = entries;
        Self {
            settings,
            organizations,
            absent,
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
pub(super) fn apply_rules(loaded: Loaded, presence: Presence) -> Outcome {
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
        Documents::Manifest(documents) => check_manifest(documents, files, presence),
        Documents::Resources(resources, all) => {
            files.complete &= all;
            check_resources(resources, files, presence, Rivals::Refused)
        }
    };
    Outcome { skipped, ..outcome }
}

fn check_manifest(documents: Vec<Document>, mut files: Files, presence: Presence) -> Outcome {
    let mut raw = Vec::with_capacity(documents.len());
    for Document { file, root } in documents {
        match decode_document(&mut files, file, root) {
            Some(document) => raw.push((file, document)),
            None => files.complete = false,
        }
    }
    let parts = take_organizations(&mut raw);
    if files.complete {
        let Files {
            sources, findings, ..
        } = &mut files;
        presence::require_version(&raw, sources, findings);
        if presence == Presence::Organizations {
            presence::require_organizations(&raw, &parts, sources, findings);
        }
    }
    let documents: Vec<RawManifest> = raw.into_iter().map(|(_, document)| document).collect();
    let documents: Vec<&RawManifest> = documents.iter().collect();
    let settings = settings::check(&documents, &mut files);

    let mut walk = organization::Checker::new(&settings, Rivals::Refused, &mut files.findings);
    for (number, (file, entries)) in parts.into_iter().enumerate() {
        let part = organization::Part {
            number,
            file,
            name: files.sources.name_of(file),
            text: files.sources.text_of(file),
        };
        walk.part(&part, entries);
    }
    let entries = walk.finish();
    Outcome::new(settings, entries, files)
}

/// Applies every rule to resources.
pub(super) fn check_resources(
    resources: Vec<Resource>,
    mut files: Files,
    presence: Presence,
    rivals: Rivals,
) -> Outcome {
    files.findings.set_form(Form::Kubernetes);
    let decoded = resources::decode(resources, &files.sources, &mut files.findings);
    files.complete &= decoded.complete;
    if files.complete {
        resources::require_resources(&decoded, presence, &mut files.findings);
    }
    resources::refuse_second_environment(&decoded.environments, &mut files.findings);
    let first = decoded.environments.first();
    let documents: Vec<&RawManifest> = first.iter().map(|first| &first.manifest).collect();
    // Where no environment could be read, the rules that need one find nothing.
    files.complete &= !documents.is_empty();
    let settings = settings::check(&documents, &mut files);

    let mut walk = organization::Checker::new(&settings, rivals, &mut files.findings);
    for (number, (file, organization)) in decoded.organizations.into_iter().enumerate() {
        walk.belongs(&organization, &decoded.environments);
        let RawPortalOrganization {
            key, organization, ..
        } = organization;
        let name = files.sources.name_of(file);
        walk.entry(number, &name, key, Some(&organization));
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

fn decode_document(files: &mut Files, file: FileId, root: Node) -> Option<RawManifest> {
    let text: Arc<str> = files.sources.text_of(file);
    let mut reader = Reader {
        file,
        text: &text,
        findings: &mut files.findings,
    };
    decode::document(&mut reader, root)
}

fn take_organizations(raw: &mut [(FileId, RawManifest)]) -> Vec<(FileId, Vec<(Node, Node)>)> {
    raw.iter_mut()
        .filter_map(|(file, document)| {
            let entries = document.organizations.as_mut()?.value.take()?;
            Some((*file, entries))
        })
        .collect()
}
