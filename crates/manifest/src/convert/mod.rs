//! Conversion of one form of a manifest to the other.
//!
//! Goes in: desired state, and the fields that only one form has. Comes out: text that means the same.
//! Comments, anchors and the order of entries are lost, and defaults are written out in each organization.

mod manifest;
mod resources;

use std::collections::BTreeMap;

pub use super::form::Form;

use super::check::{self, KubernetesFields};
use super::diagnostic::Findings;
use super::document_kind::{self, Documents};
use super::input::{Input, Request};
use super::kubernetes::Tenant;
use super::load::load;
use super::shape::{Manifest, OrganizationObject, ReturnUrls};
use super::{Checked, to_yaml};
use portalctl_model::OrgKey;
use portalctl_model::desired::{self, Desired, DesiredOrganization};
use portalctl_model::file_name;

/// A manifest with all of its fields.
#[derive(Debug)]
pub struct WholeManifest {
    /// The desired state, or the problems.
    pub checked: Checked,
    /// Fields of the Kubernetes form that have no desired state.
    pub rest: KubernetesFields,
}

/// One file of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Path within the folder, with `/`.
    pub path: String,
    /// Content.
    pub text: String,
}

/// Loads and checks a manifest, and keeps the fields of the Kubernetes form.
pub fn read_whole<'a>(request: impl Into<Request<'a>>) -> WholeManifest {
    let Request {
        inputs,
        environment,
    } = request.into();
    let (checked, rest) = check::check_whole(load(inputs), environment);
    WholeManifest { checked, rest }
}

/// Returns the form of files: a manifest, unless there is a resource.
pub fn form_of(inputs: &[Input]) -> Form {
    let documents = load(inputs).documents;
    match document_kind::sort(documents, &mut Findings::default()) {
        Documents::Manifest(_) => Form::Manifest,
        Documents::Resources(..) => Form::Kubernetes,
    }
}

/// Converts a manifest to one text.
pub fn text(desired: &Desired, rest: &KubernetesFields, to: Form) -> String {
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

/// Converts a manifest to a folder: one file for each organization, and one for the settings.
pub fn files(desired: &Desired, rest: &KubernetesFields, to: Form) -> Vec<File> {
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
        path: format!("organizations/{}.yaml", file_name::stem(&key)),
        text,
    }));
    files
}

/// Returns the declared fields that the Kubernetes form lacks, each with the number of its entries.
///
/// In Kubernetes only an environment gives permissions.
pub fn without_kubernetes_form(desired: &Desired) -> Vec<(&'static str, usize)> {
    let count = |is_said: fn(&DesiredOrganization) -> bool| {
        let entries = desired.organizations.values();
        entries.filter(|entry| is_said(entry)).count()
    };
    let fields = [
        ("previous_manifests", desired.previous_manifests.len()),
        ("claim", count(|entry| entry.claim)),
        ("allow", count(|entry| !entry.allow.is_empty())),
        ("state: absent", desired.absent.len()),
        ("state: excluded", desired.excluded.len()),
    ];
    fields.into_iter().filter(|(_, count)| *count > 0).collect()
}

/// Returns the name and key of the Secret that resources name when the manifest names none.
pub fn default_secret(rest: &KubernetesFields) -> Option<(&'static str, &'static str)> {
    let is_declared = rest.environment.secret_ref.is_some();
    (!is_declared).then_some((resources::SECRET, resources::SECRET_KEY))
}

/// Returns a list that is there when it holds something.
fn some_list<T>(items: impl Iterator<Item = T>) -> Option<Vec<T>> {
    let items: Vec<T> = items.collect();
    (!items.is_empty()).then_some(items)
}

fn return_urls(urls: &desired::ReturnUrls) -> Option<ReturnUrls> {
    let desired::ReturnUrls {
        default,
        success,
        allowed_hosts,
    } = urls;
    let success: BTreeMap<String, String> = success
        .iter()
        .map(|(intent, url)| (intent.to_string(), url.to_string()))
        .collect();
    let urls = ReturnUrls {
        default: default.as_ref().map(ToString::to_string),
        allowed_hosts: some_list(allowed_hosts.iter().map(str::to_owned)),
        success: (!success.is_empty()).then_some(success),
    };
    (urls != ReturnUrls::default()).then_some(urls)
}

/// Name of an environment that has none.
const NAMELESS: &str = "portal";

/// Returns the tenant that an organization's namespace is.
fn tenant_of<'a>(placed: &'a OrganizationObject, rest: &KubernetesFields) -> Option<Tenant<'a>> {
    Tenant::of(
        rest.environment.namespace.as_deref(),
        placed.namespace.as_deref(),
    )
}

/// Returns the default name of an organization's object: its key, without the namespace.
fn object_name<'a>(
    key: &'a OrgKey,
    placed: &OrganizationObject,
    rest: &KubernetesFields,
) -> &'a str {
    let tenant = tenant_of(placed, rest);
    let plain = tenant.and_then(|tenant| tenant.plain(key.as_str()));
    plain.unwrap_or(key.as_str())
}

/// Returns the name of the environment's object: as declared, else derived from the environment's name.
fn environment_name(desired: &Desired, rest: &KubernetesFields) -> String {
    let given = rest.environment.name.clone();
    given.unwrap_or_else(|| derived_name(desired.environment.name.as_deref()))
}

/// Returns a valid Kubernetes name that resembles a text.
fn derived_name(shown: Option<&str>) -> String {
    let letters = shown.unwrap_or_default().to_lowercase();
    let words: Vec<&str> = letters
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let mut name = words.join("-");
    name.truncate(63);
    let name = name.trim_end_matches('-');
    if name.is_empty() { NAMELESS } else { name }.to_owned()
}
