//! One form of a manifest → the other.
//!
//! Goes in: what a checked manifest means, and what it says beside that. Comes out: text that means
//! the same. Written from the meaning, not from the text: comments, anchors and the order of things
//! are not kept, and defaults are written out in each organization.

mod manifest;
mod resources;

use std::collections::BTreeMap;

use super::check::{self, Remainder};
use super::diagnostic::Findings;
use super::forms;
use super::load::{Input, load};
use super::shape::Manifest;
use super::{Checked, to_yaml};
use portalctl_model::desired::{Desired, DesiredOrganization};

/// A form to convert to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A manifest.
    Manifest,
    /// Kubernetes resources.
    Kubernetes,
}

/// A manifest with everything that it says.
#[derive(Debug)]
pub struct Whole {
    /// What it means, as far as it is sound.
    pub checked: Checked,
    /// What it says beside that.
    pub rest: Remainder,
}

/// One file of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path within the folder, with `/`.
    pub path: String,
    /// What it holds.
    pub text: String,
}

/// Loads and checks a manifest, and keeps what it says beside what it means.
pub fn read_whole(inputs: &[Input]) -> Whole {
    let (checked, rest) = check::check_whole(load(inputs));
    Whole { checked, rest }
}

/// The form that files have; a manifest unless there is a resource.
pub fn form_of(inputs: &[Input]) -> Form {
    let documents = load(inputs).documents;
    match forms::sort(documents, &mut Findings::default()) {
        forms::Form::Manifest(_) => Form::Manifest,
        forms::Form::Resources(..) => Form::Kubernetes,
    }
}

/// Everything as one text.
pub fn text(desired: &Desired, rest: &Remainder, to: Form) -> String {
    match to {
        Form::Manifest => to_yaml(&manifest::whole(desired, rest)),
        Form::Kubernetes => {
            let mut documents = vec![to_yaml(&resources::environment(desired, rest))];
            let organizations = resources::organizations(desired, rest);
            documents.extend(organizations.iter().map(|(_, object)| to_yaml(object)));
            documents.join("---\n")
        }
    }
}

/// Everything as a folder: one file for each organization, and one for what holds for all of them.
pub fn files(desired: &Desired, rest: &Remainder, to: Form) -> Vec<File> {
    let (settings, organizations): (_, Vec<(String, String)>) = match to {
        Form::Manifest => {
            let mut whole = manifest::whole(desired, rest);
            let organizations = whole.organizations.take().unwrap_or_default();
            let alone = organizations.into_iter().map(|(key, organization)| {
                let part = Manifest {
                    organizations: Some(BTreeMap::from([(key.clone(), organization)])),
                    ..Manifest::default()
                };
                (key, to_yaml(&part))
            });
            let alone = alone.collect();
            (("portal.yaml", to_yaml(&whole)), alone)
        }
        Form::Kubernetes => {
            let environment = to_yaml(&resources::environment(desired, rest));
            let organizations = resources::organizations(desired, rest);
            let alone = organizations
                .iter()
                .map(|(key, object)| (key.to_string(), to_yaml(object)));
            (("environment.yaml", environment), alone.collect())
        }
    };
    let mut files = vec![File {
        path: settings.0.to_owned(),
        text: settings.1,
    }];
    files.extend(organizations.into_iter().map(|(key, text)| File {
        path: format!("organizations/{key}.yaml"),
        text,
    }));
    files
}

/// The fields of a manifest that the Kubernetes form cannot say, each with its entries' number.
///
/// In Kubernetes, powers are the environment's: no resource gives itself one.
pub fn unsaid_in_kubernetes(desired: &Desired) -> Vec<(&'static str, usize)> {
    let count = |is_said: fn(&DesiredOrganization) -> bool| {
        let entries = desired.organizations.values();
        entries.filter(|entry| is_said(entry)).count()
    };
    let fields = [
        ("previous_manifests", desired.previous_manifests.len()),
        ("claim", count(|entry| entry.claim)),
        ("allow", count(|entry| !entry.allow.is_empty())),
        ("state: absent", desired.absent.len()),
    ];
    fields.into_iter().filter(|(_, count)| *count > 0).collect()
}

/// The Secret that resources name when the manifest names none, as its name and key.
pub fn default_secret(rest: &Remainder) -> Option<(&'static str, &'static str)> {
    let is_declared = rest.environment.secret_ref.is_some();
    (!is_declared).then_some((resources::SECRET, resources::SECRET_KEY))
}
