//! Live organizations to import, and the resulting folder.

use std::collections::{BTreeMap, BTreeSet};

use portalctl_core::identity::identify;
use portalctl_core::import::{Import, Survey, settings};
use portalctl_core::plan::{Plan, PlanInput, Policy, Target, plan};
use portalctl_manifest::{Checked, Input, read_settings};
use portalctl_model::desired::{Desired, KeyKind};
use portalctl_model::observed::{
    Connection, ConnectionState, Directory, DirectoryState, DomainState, ItContact, Observed,
    Organization, OrganizationDomain,
};
use portalctl_model::{Domain, Selection, Unconfigured};

use super::world::org_id;

/// A live organization, which lists show with the smallest part that WorkOS ever gives.
pub(crate) fn organization(id: &str, name: &str, external_id: Option<&str>) -> Organization {
    Organization {
        id: org_id(id),
        name: name.to_owned(),
        external_id: external_id.map(str::to_owned),
        stripe_customer_id: None,
        allow_profiles_outside_organization: None,
        domains: Vec::new(),
        metadata: BTreeMap::new(),
        created_at: None,
        updated_at: None,
    }
}

pub(crate) fn domain(name: &str, state: DomainState) -> OrganizationDomain {
    OrganizationDomain {
        id: None,
        domain: Domain::from_api(name),
        state,
        verification_prefix: None,
        verification_token: None,
        created_at: None,
        updated_at: None,
    }
}

pub(crate) fn connection(kind: &str, state: ConnectionState) -> Connection {
    Connection {
        id: "conn_1".to_owned(),
        organization_id: None,
        name: "A connection".to_owned(),
        connection_type: kind.to_owned(),
        state,
        created_at: None,
        updated_at: None,
    }
}

pub(crate) fn directory(kind: &str, state: DirectoryState) -> Directory {
    Directory {
        id: "directory_1".to_owned(),
        organization_id: None,
        name: "A directory".to_owned(),
        directory_type: kind.to_owned(),
        state,
        created_at: None,
        updated_at: None,
    }
}

pub(crate) fn live(organizations: impl IntoIterator<Item = Organization>) -> Observed {
    let organizations = organizations.into_iter();
    Observed {
        organizations: organizations.map(|o| (o.id.clone(), o)).collect(),
        ..Observed::default()
    }
}

/// Parses the declarations that the folder contains already.
#[track_caller]
pub(crate) fn declared(manifest: &str) -> Desired {
    if manifest.is_empty() {
        return Desired::default();
    }
    sound(&read_settings(&[Input::Stdin(manifest.into())]))
}

#[track_caller]
pub(crate) fn sound(checked: &Checked) -> Desired {
    let problems: Vec<_> = checked.diagnostics.iter().collect();
    let desired = checked.desired.clone();
    desired.unwrap_or_else(|| panic!("{problems:#?}"))
}

pub(crate) fn import_only(manifest: &str, observed: &Observed, only: &[String]) -> Import {
    let desired = declared(manifest);
    let identities = identify(&desired, observed);
    let only = Selection::new(only, &[]).unwrap();
    let survey = Survey::new(&desired, observed, &identities).only(&only);
    survey.files(&desired, observed, &BTreeSet::new())
}

pub(crate) fn import(manifest: &str, observed: &Observed) -> Import {
    import_only(manifest, observed, &[])
}

/// The folder after an import, read.
#[track_caller]
pub(crate) fn folder(manifest: &str, import: &Import) -> Desired {
    let manifest = if manifest.is_empty() {
        settings(Some(KeyKind::Test))
    } else {
        manifest.to_owned()
    };
    let texts = import.files.iter().map(|file| file.text.clone());
    let inputs = std::iter::once(manifest).chain(texts);
    let inputs: Vec<Input> = inputs.map(|text| Input::Stdin(text.into_bytes())).collect();
    sound(&read_settings(&inputs))
}

/// Plans as a run without flags would.
pub(crate) fn planned(desired: &Desired, observed: &Observed) -> Plan {
    let identities = identify(desired, observed);
    let selection = Selection::default();
    let target = Target::default();
    plan(
        PlanInput {
            desired,
            observed,
            identities: &identities,
            unconfigured: &Unconfigured::new(),
            policy: Policy::default(),
            selection: &selection,
        },
        target,
    )
}

pub(crate) fn contact(email: &str) -> ItContact {
    ItContact {
        id: "it_contact_1".to_owned(),
        email: email.to_owned(),
        created_at: None,
    }
}
