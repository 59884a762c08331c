//! Kubernetes resources: one environment and the organizations that belong to it.

use super::scope::Presence;
use crate::decode::{self, Object, RawPortalEnvironment, RawPortalOrganization};
use crate::diagnostic::{Finding, Findings};
use crate::document_kind::Resource;
use crate::kubernetes::Kind;
use crate::quote::{nearest, quote, suggest};
use crate::raw::accepted;
use crate::reader::Reader;
use crate::shape::EnvironmentObject;
use crate::source::{FileId, Sources, Spot};
use portalctl_model::OrgKey;
use portalctl_model::codes::manifest as codes;

/// The resources of a manifest, decoded.
#[derive(Default)]
pub(super) struct Decoded {
    pub(super) environments: Vec<RawPortalEnvironment>,
    pub(super) organizations: Vec<(FileId, RawPortalOrganization)>,
    /// Set when every resource could be decoded.
    pub(super) complete: bool,
}

/// Decodes the resources; one that cannot be decoded is reported and left out.
pub(super) fn decode(
    resources: Vec<Resource>,
    sources: &Sources,
    findings: &mut Findings,
) -> Decoded {
    let mut decoded = Decoded {
        complete: true,
        ..Decoded::default()
    };
    for Resource { kind, file, root } in resources {
        let text = sources.text_of(file);
        let mut reader = Reader::new(file, &text, findings);
        let is_decoded = match kind {
            Kind::PortalEnvironment => decode::portal_environment(&mut reader, &root)
                .map(|environment| decoded.environments.push(environment)),
            Kind::PortalOrganization => decode::portal_organization(&mut reader, &root)
                .map(|organization| decoded.organizations.push((file, organization))),
        };
        decoded.complete &= is_decoded.is_some();
    }
    decoded
}

/// Reports missing resources; called only when everything could be read.
pub(super) fn require_resources(decoded: &Decoded, presence: Presence, findings: &mut Findings) {
    if decoded.environments.is_empty() && !decoded.organizations.is_empty() {
        let spot = decoded
            .organizations
            .first()
            .map(|(_, organization)| organization.object.name.spot);
        let finding = Finding::error(
            codes::MISSING_ENVIRONMENT,
            "there is no PortalEnvironment in these files",
        )
        .help("name the file that holds it with another -f");
        findings.push(match spot {
            Some(spot) => finding.at(spot),
            None => finding,
        });
    }
    if presence == Presence::Organizations && decoded.organizations.is_empty() {
        findings.push(
            Finding::error(
                codes::EMPTY,
                "there is no PortalOrganization in these files",
            )
            .help("name the files that hold them with another -f, or write one"),
        );
    }
}

/// Leaves one environment and its organizations; reports an environment that is not there.
pub(super) fn choose(decoded: &mut Decoded, environment: &str, findings: &mut Findings) {
    let Decoded {
        environments,
        organizations,
        complete,
    } = decoded;
    let is_it = |one: &RawPortalEnvironment| &*one.object.name.value == environment;
    if !environments.iter().any(is_it) {
        if *complete {
            let names = environments.iter().map(|one| &*one.object.name.value);
            let names: Vec<&str> = names.filter(|name| OrgKey::parse(name).is_ok()).collect();
            let message = format!("there is no PortalEnvironment {}", quote(environment));
            let help = suggest(environment, &names);
            findings.push(Finding::error(codes::NO_SUCH_ENVIRONMENT, message).help(help));
        }
        return;
    }
    let others: Vec<RawPortalEnvironment> =
        environments.extract_if(.., |one| !is_it(one)).collect();
    // What refers to none of them is kept, and reported.
    organizations.retain(|(_, organization)| {
        !others
            .iter()
            .any(|other| refers_to(organization, &other.object))
            || environments
                .iter()
                .any(|one| refers_to(organization, &one.object))
    });
}

/// Returns whether an organization refers to an environment.
fn refers_to(organization: &RawPortalOrganization, environment: &Object) -> bool {
    let reference = accepted(organization.environment.as_ref()).map(|(reference, _)| reference);
    let Some((name, _)) = reference.and_then(|it| accepted(it.name.as_ref())) else {
        return false;
    };
    let namespace = reference.and_then(|it| accepted(it.namespace.as_ref()));
    let own = namespace_of(&organization.object);
    let wanted = namespace.map_or(own, |(text, _)| Some(&**text));
    environment.name.value == *name && may_be_one(namespace_of(environment), wanted)
}

/// Reports every environment but the first: a plan is for one.
pub(super) fn refuse_second_environment(
    environments: &[RawPortalEnvironment],
    findings: &mut Findings,
) {
    let Some((first, others)) = environments.split_first() else {
        return;
    };
    for other in others {
        let message = format!(
            "{} is a second PortalEnvironment",
            quote(&other.object.name.value)
        );
        findings.push(
            Finding::error(codes::SEVERAL_ENVIRONMENTS, message)
                .at(other.object.name.spot)
                .related(first.object.name.spot, "the first one")
                .help("choose one with --environment, or name its files with -f"),
        );
    }
}

/// Reports an organization that belongs to another environment, or may not belong to this one.
pub(super) fn belongs(
    organization: &RawPortalOrganization,
    environments: &[RawPortalEnvironment],
    settings: &EnvironmentObject,
    findings: &mut Findings,
) {
    let Some((reference, spot)) = accepted(organization.environment.as_ref()) else {
        return;
    };
    let Some((name, name_spot)) = accepted(reference.name.as_ref()) else {
        return;
    };
    let own = namespace_of(&organization.object);
    let wanted = accepted(reference.namespace.as_ref()).map_or(own, |(text, _)| Some(&**text));
    let matches =
        |object: &Object| object.name.value == *name && may_be_one(namespace_of(object), wanted);
    let Some(environment) = environments.iter().find(|found| matches(&found.object)) else {
        if !environments.is_empty() {
            unknown(name, name_spot, wanted, environments, findings);
        }
        return;
    };
    let theirs = namespace_of(&environment.object);
    let is_allowed = settings.operator.takes_namespace(theirs, own);
    if let (Some(own), false) = (own, is_allowed) {
        findings.error(
            codes::NAMESPACE_NOT_ALLOWED,
            spot,
            format!(
                "the environment {} does not take organizations of the namespace {}",
                quote(name),
                quote(own)
            ),
            format!(
                "add {} to `allowedNamespaces` of the PortalEnvironment, if that is meant",
                quote(own)
            ),
        );
    }
}

fn namespace_of(object: &Object) -> Option<&str> {
    object.namespace.as_ref().map(|text| &*text.value)
}

/// Returns whether two namespaces may be the same: a file without one is applied to the current one.
fn may_be_one(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b,
        (None, _) | (_, None) => true,
    }
}

fn unknown(
    name: &str,
    spot: Spot,
    namespace: Option<&str>,
    environments: &[RawPortalEnvironment],
    findings: &mut Findings,
) {
    let names: Vec<&str> = environments
        .iter()
        .map(|one| &*one.object.name.value)
        .collect();
    let within = namespace.map_or_else(String::new, |namespace| {
        format!(" in the namespace {}", quote(namespace))
    });
    let help = match nearest(name, &names) {
        Some(near) if near != name => format!("did you mean {}?", quote(near)),
        Some(_) => "it is in another namespace: set `namespace` beside the name".to_owned(),
        None => "name the files of one environment with -f".to_owned(),
    };
    findings.error(
        codes::UNKNOWN_ENVIRONMENT,
        spot,
        format!(
            "there is no PortalEnvironment {}{within} in these files",
            quote(name)
        ),
        help,
    );
}
