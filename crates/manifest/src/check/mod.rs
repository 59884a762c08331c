//! The rules of a manifest.
//!
//! Goes in: loaded files. Comes out: [`Desired`], or every problem at once. One small function
//! per rule; a rule that fails reports and lets the others go on. Reads nothing, decides nothing
//! about what is live.

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
pub(super) use organization::Rivals;
use settings::Settings;

/// A manifest after all rules were applied.
#[derive(Debug)]
pub struct Checked {
    /// What it means; `None` when there is any error.
    pub desired: Option<Desired>,
    /// What it calls itself and its environment, also when there are errors.
    pub names: Names,
    /// Everything there is to say about it.
    pub diagnostics: Diagnostics,
    /// The texts, to show the lines that the findings are about.
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

/// Applies every rule, and keeps what a manifest says beside what it means.
pub(super) fn check_whole(loaded: Loaded) -> (Checked, Remainder) {
    apply_rules(loaded, Presence::Organizations).into_checked()
}

/// What has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// A version, and at least one organization.
    Organizations,
    /// A version.
    Settings,
}

/// What a manifest says beside what it means: enough to write it anew.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Remainder {
    pub(super) environment: EnvironmentObject,
    pub(super) organizations: BTreeMap<OrgKey, OrganizationObject>,
}

impl Remainder {
    /// The PortalEnvironment: its name and namespace, and how the operator works for it.
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
    /// The settings, the organizations that could be read, and everything there is to say.
    pub(super) fn into_parts(
        self,
    ) -> (Settings, BTreeMap<OrgKey, DesiredOrganization>, Diagnostics) {
        let diagnostics = self.findings.finish(&self.sources);
        (self.settings, self.organizations, diagnostics)
    }

    fn into_checked(self) -> (Checked, Remainder) {
        let Self {
            settings,
            organizations,
            absent,
            objects,
            findings,
            sources,
            skipped,
        } = self;
        let remainder = Remainder {
            environment: settings.object.clone(),
            organizations: objects,
        };
        let names = settings.names();
        let desired = (!findings.have_errors()).then(|| Desired {
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
    let outcome = match document_kind::sort(documents, &mut findings) {
        Documents::Manifest(documents) => {
            check_manifest(documents, sources, findings, complete, presence)
        }
        Documents::Resources(resources, all) => {
            let complete = complete && all;
            let rivals = Rivals::Refused;
            check_resources(resources, sources, findings, complete, presence, rivals)
        }
    };
    Outcome { skipped, ..outcome }
}

fn check_manifest(
    documents: Vec<Document>,
    sources: Sources,
    mut findings: Findings,
    mut complete: bool,
    presence: Presence,
) -> Outcome {
    let mut raw = Vec::with_capacity(documents.len());
    for Document { file, root } in documents {
        match decode_document(&sources, &mut findings, file, root) {
            Some(document) => raw.push((file, document)),
            None => complete = false,
        }
    }
    let parts = take_organizations(&mut raw);
    if complete {
        presence::version_is_said(&raw, &sources, &mut findings);
        if presence == Presence::Organizations {
            presence::organizations_are_declared(&raw, &parts, &sources, &mut findings);
        }
    }
    let documents: Vec<RawManifest> = raw.into_iter().map(|(_, document)| document).collect();
    let documents: Vec<&RawManifest> = documents.iter().collect();
    let settings = settings::check(&documents, complete, &mut findings);

    let mut walk = organization::Walk::new(&settings, Rivals::Refused, &mut findings);
    for (part, (file, entries)) in parts.into_iter().enumerate() {
        let text = sources.text_of(file);
        let name = sources.name_of(file);
        walk.part(part, file, &name, &text, entries);
    }
    let Entries {
        organizations,
        absent,
        objects,
    } = walk.finish();
    Outcome {
        settings,
        organizations,
        absent,
        objects,
        findings,
        sources,
        skipped: Vec::new(),
    }
}

pub(super) fn check_resources(
    resources: Vec<Resource>,
    sources: Sources,
    mut findings: Findings,
    complete: bool,
    presence: Presence,
    rivals: Rivals,
) -> Outcome {
    findings.set_form(Form::Kubernetes);
    let decoded = resources::decode(resources, &sources, &mut findings);
    let complete = complete && decoded.complete;
    if complete {
        let organizations_needed = presence == Presence::Organizations;
        resources::are_there(&decoded, organizations_needed, &mut findings);
    }
    resources::is_alone(&decoded.environments, &mut findings);
    let documents: Vec<&RawManifest> = decoded
        .environments
        .iter()
        .take(1)
        .map(|environment| &environment.manifest)
        .collect();
    // Where no environment could be read, the rules that need one find nothing.
    let complete = complete && !documents.is_empty();
    let settings = settings::check(&documents, complete, &mut findings);

    let mut walk = organization::Walk::new(&settings, rivals, &mut findings);
    for (part, (file, organization)) in decoded.organizations.into_iter().enumerate() {
        walk.belongs(&organization, &decoded.environments);
        let RawPortalOrganization {
            key, organization, ..
        } = organization;
        walk.entry(part, &sources.name_of(file), key, Some(&organization));
    }
    let Entries {
        mut organizations,
        absent,
        objects,
    } = walk.finish();
    name_resources(&mut organizations, &objects);
    Outcome {
        settings,
        organizations,
        absent,
        objects,
        findings,
        sources,
        skipped: Vec::new(),
    }
}

/// Keeps which resource each entry is: what is held for a resource is told by its name.
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

fn decode_document(
    sources: &Sources,
    findings: &mut Findings,
    file: FileId,
    root: Node,
) -> Option<RawManifest> {
    let text: Arc<str> = sources.text_of(file);
    let mut reader = Reader {
        file,
        text: &text,
        findings,
    };
    decode::document(&mut reader, root)
}

/// The entries under one `organizations`.
type Nodes = Vec<(Node, Node)>;

fn take_organizations(raw: &mut [(FileId, RawManifest)]) -> Vec<(FileId, Nodes)> {
    raw.iter_mut()
        .filter_map(|(file, document)| {
            let entries = document.organizations.as_mut()?.value.take()?;
            Some((*file, entries))
        })
        .collect()
}
