//! Saved plans: the JSON that `plan --out` writes, read back.
//!
//! A saved plan is what somebody reviewed: a claim, from which a run takes what it may do and nothing
//! else. It holds no secret. Its digest has to be that of its own content.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::change::{Action, Change, Conflict, Flag, Held, HeldReason, Reason, Scope, Target};
use super::destinations::{Destination, Destinations};
use super::digest::Digest;
use super::field_change::FieldChange;
use super::{Invitation, Plan};
use portalctl_model::codes::Code;
use portalctl_model::desired::{FieldPath, Source};
use portalctl_model::field_path::InvalidPath;
use portalctl_model::return_url::LocalHttp;
use portalctl_model::{
    AllowedHosts, ClientId, Domain, Email, Intent, ManifestName, OrgKey, OrganizationId, ReturnUrl,
};

/// The version of the document that this program reads.
const FORMAT_VERSION: &str = "1";

/// Reason why a saved plan cannot be used; reads as the end of a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPlan {
    /// The text is not the JSON that `plan --out` writes.
    #[error("is not a plan that `portalctl plan --out` wrote: {0}")]
    Malformed(String),
    /// Another version of the program wrote it.
    #[error("has format version {0}, and this portalctl reads version {FORMAT_VERSION}")]
    Version(String),
    /// The plan was made without a look at WorkOS.
    #[error("was made against a snapshot, which cannot be applied")]
    OfSnapshot,
    /// The digest is not that of the content.
    #[error("was changed after it was written: its digest is not that of its content")]
    Tampered,
}

#[derive(Deserialize)]
struct Document {
    format_version: String,
    environment: Option<String>,
    digest: Option<String>,
    /// Set in plans that were made against a snapshot.
    snapshot_taken_at: Option<String>,
    target: SavedTarget,
    changes: Vec<SavedChange>,
    held: Vec<SavedHeld>,
    conflicts: Vec<SavedConflict>,
    destinations: SavedDestinations,
}

#[derive(Deserialize)]
struct SavedDestinations {
    allowed_hosts: Vec<String>,
    urls: Vec<SavedDestination>,
}

#[derive(Deserialize)]
struct SavedDestination {
    key: Option<String>,
    setting: String,
    url: String,
}

#[derive(Deserialize)]
struct SavedTarget {
    endpoint: String,
    key_kind: Option<String>,
    client_id: Option<ClientId>,
    manifest: Option<ManifestName>,
}

#[derive(Deserialize)]
struct SavedChange {
    key: String,
    action: String,
    organization_id: Option<String>,
    fields: Vec<SavedField>,
    invitation: Option<SavedInvitation>,
    reason: String,
    source: Option<SavedSource>,
}

#[derive(Deserialize)]
struct SavedInvitation {
    contact: String,
    intents: BTreeSet<Intent>,
    not_invitable: BTreeSet<Intent>,
}

#[derive(Deserialize)]
struct SavedField {
    path: String,
    before: Option<String>,
    after: Option<String>,
}

#[derive(Deserialize)]
struct SavedSource {
    file: String,
    line: u32,
}

#[derive(Deserialize)]
struct SavedHeld {
    #[serde(flatten)]
    change: SavedChange,
    code: Option<String>,
    allow: String,
}

#[derive(Deserialize)]
struct SavedConflict {
    key: String,
    code: String,
    message: String,
    help: String,
    /// Plans that were saved before contested domains had a scope of their own have none.
    domain: Option<String>,
    /// Absent in plans that were saved before conflicts had a scope.
    scope: Option<String>,
}

/// A saved plan whose digest has not been checked.
#[derive(Debug)]
pub struct Unverified {
    plan: Plan,
    digest: Option<String>,
}

/// Reads a saved plan and checks its digest.
///
/// # Errors
///
/// Fails where the text is no saved plan of this version, or was changed after it was written.
pub fn parse(text: &str) -> Result<Plan, InvalidPlan> {
    read(text)?.verify()
}

/// Reads a saved plan without a look at its digest.
///
/// # Errors
///
/// Fails where the text is no saved plan of this version.
pub fn read(text: &str) -> Result<Unverified, InvalidPlan> {
    let document: Document =
        serde_json::from_str(text).map_err(|error| InvalidPlan::Malformed(error.to_string()))?;
    if document.format_version != FORMAT_VERSION {
        return Err(InvalidPlan::Version(document.format_version));
    }
    if document.snapshot_taken_at.is_some() {
        return Err(InvalidPlan::OfSnapshot);
    }
    let digest = document.digest.clone();
    let plan = plan(document).map_err(InvalidPlan::Malformed)?;
    Ok(Unverified { plan, digest })
}

impl Unverified {
    /// Returns the plan as the text says it: to be shown or judged, never to be applied.
    pub const fn content(&self) -> &Plan {
        &self.plan
    }

    /// Returns the plan if its digest is that of its content.
    ///
    /// # Errors
    ///
    /// Fails where it was changed after it was written.
    pub fn verify(self) -> Result<Plan, InvalidPlan> {
        if self.digest != Some(Digest::of(&self.plan).to_string()) {
            return Err(InvalidPlan::Tampered);
        }
        Ok(self.plan)
    }
}

fn plan(document: Document) -> Result<Plan, String> {
    let Document {
        environment,
        target,
        changes,
        held,
        conflicts,
        destinations,
        format_version: _,
        digest: _,
        snapshot_taken_at: _,
    } = document;
    let SavedTarget {
        endpoint,
        key_kind,
        client_id,
        manifest,
    } = target;
    Ok(Plan {
        target: Target {
            environment,
            endpoint,
            key_kind,
            client_id,
            manifest,
        },
        changes: changes.into_iter().map(change).collect::<Result<_, _>>()?,
        held: held
            .into_iter()
            .map(held_change)
            .collect::<Result<_, _>>()?,
        conflicts: conflicts
            .into_iter()
            .map(conflict)
            .collect::<Result<_, _>>()?,
        destinations: destinations_of(destinations)?,
        ..Plan::default()
    })
}

fn destinations_of(saved: SavedDestinations) -> Result<Destinations, String> {
    let any_host = AllowedHosts::default();
    let urls = saved.urls.into_iter().map(|saved| {
        let url = ReturnUrl::parse(&saved.url, &any_host, LocalHttp::Allowed);
        Ok(Destination {
            organizations: None,
            key: saved.key.map(OrgKey::undeclared),
            setting: saved.setting,
            url: url.map_err(|error| format!("a URL {error}"))?,
        })
    });
    Ok(Destinations {
        allowed_hosts: AllowedHosts::new(saved.allowed_hosts),
        urls: urls.collect::<Result<_, String>>()?,
    })
}

fn change(saved: SavedChange) -> Result<Change, String> {
    let SavedChange {
        key,
        action,
        organization_id,
        fields,
        invitation,
        reason,
        source,
    } = saved;
    let id = organization_id.map(OrganizationId::from_api);
    let action = match (action.as_str(), id, invitation) {
        ("create", None, None) => Action::Create,
        ("adopt", Some(id), None) => Action::Adopt(id),
        ("update", Some(id), None) => Action::Update(id),
        ("delete", Some(id), None) => Action::Delete(id),
        ("invite", id, Some(saved)) => Action::Invite(invitation_of(id, saved)?),
        (action, ..) => return Err(format!("`{key}` has the action `{action}`")),
    };
    let source = source.map_or_else(Source::nowhere, |source| Source {
        file: source.file.into(),
        line: source.line,
    });
    Ok(Change {
        key: OrgKey::undeclared(key),
        action,
        fields: fields.into_iter().map(field).collect::<Result<_, _>>()?,
        reason: Reason::Saved(reason),
        source,
    })
}

fn invitation_of(
    organization: Option<OrganizationId>,
    saved: SavedInvitation,
) -> Result<Invitation, String> {
    let SavedInvitation {
        contact,
        intents,
        not_invitable,
    } = saved;
    Ok(Invitation {
        organization,
        contact: Email::parse(&contact).map_err(|error| error.to_string())?,
        intents,
        not_invitable,
    })
}

fn field(saved: SavedField) -> Result<FieldChange, String> {
    let SavedField {
        path,
        before,
        after,
    } = saved;
    let path: FieldPath = path
        .parse()
        .map_err(|error: InvalidPath| error.to_string())?;
    FieldChange::read(path, before, after).map_err(|error| error.to_string())
}

fn held_change(saved: SavedHeld) -> Result<Held, String> {
    let SavedHeld {
        change: held,
        code,
        allow,
    } = saved;
    let flag = Flag::ALL
        .into_iter()
        .find(|flag| flag.to_string() == allow)
        .ok_or(format!("no {allow}"))?;
    // Plans were saved without the code before there was one.
    let reason = match code.as_deref().map(Code::find) {
        None => HeldReason::NeedsFlag,
        Some(Some(code)) => HeldReason::Saved(code),
        Some(None) => return Err("what is held has a code that there is not".to_owned()),
    };
    Ok(Held {
        change: change(held)?,
        reason,
        flag,
        permission: None,
    })
}

fn conflict(saved: SavedConflict) -> Result<Conflict, String> {
    let SavedConflict {
        key,
        code,
        message,
        help,
        domain,
        scope,
    } = saved;
    let code = Code::find(&code).ok_or(format!("there is no code `{code}`"))?;
    Ok(Conflict {
        key: OrgKey::undeclared(key),
        code,
        message,
        help,
        scope: match (domain, scope.as_deref()) {
            (Some(domain), _) => Scope::Domain(Domain::from_api(&domain)),
            (None, Some("metadata")) => Scope::Metadata,
            (None, _) => Scope::Entry,
        },
    })
}
