//! Import: live organizations → manifest files.
//!
//! Goes in: what is live, and what a manifest declares of it already. Comes out: one file for each
//! organization that no entry is about, as text, and why the others have none. Pure; whoever asks
//! writes the files.
//!
//! ```text
//! Survey::new   who is imported, under which key     (then logs and contacts may be read)
//! Survey::files what is declared of each, as text
//! ```
//!
//! The files say what is true already, so a plan of them is empty. What a manifest may say is not
//! known here: the reader of manifests is asked (`validator`), and what it refuses is left out, with
//! its own words as the reason.

mod entry;
mod evidence;
mod key;
mod text;
mod validator;

use std::collections::{BTreeMap, BTreeSet};

use crate::identity::Identities;
use portalctl_manifest::shape;
use portalctl_model::codes::{Code, api, import as codes};
use portalctl_model::desired::{Desired, OrganizationState};
use portalctl_model::observed::{Observed, Organization};
use portalctl_model::{OrgKey, OrganizationId, Selection, file_name};

use entry::{Beside, Neighbours};
use evidence::Evidence;
use validator::{Refusal, Validator};

pub use text::{SETTINGS_FILE, overlay, settings};

/// Live organizations of an environment, each with its key and whether an entry declares it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    candidates: Vec<Candidate>,
    ids: Ids,
}

/// Place of values that differ between environments: ids, and customers of Stripe.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Ids {
    /// The entry itself.
    #[default]
    Entry,
    /// The overlay of an environment. The entry is `state: excluded` for all others.
    Overlay,
}

/// A live organization, before it is looked at closely.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Candidate {
    organization: OrganizationId,
    /// The key that declares it, or that it would get.
    key: OrgKey,
    external_id: Option<String>,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// No entry declares it.
    New,
    /// An entry declares it.
    Declared,
    /// An entry of another environment declares it.
    Elsewhere,
    /// A conflict or an unread object leaves open whether an entry declares it.
    MaybeDeclared,
}

/// Result of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Import {
    /// The files, sorted by key.
    pub files: Vec<NewFile>,
    /// Entries of the overlay, sorted by key; none where no environment was chosen.
    pub patches: Vec<Patch>,
    /// Number of organizations that the manifest declares already.
    pub already_declared: usize,
    /// The organizations that nothing is written for, sorted by id.
    pub skipped: Vec<Skipped>,
}

/// The entry of an overlay for one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// The organization's key.
    pub key: OrgKey,
    /// Lines below `organizations`, indented by two spaces.
    pub text: String,
}

/// A file for one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// The file's name: the key with `.yaml`, unless another file has it or Windows refuses it.
    pub name: String,
    /// The organization's key.
    pub key: OrgKey,
    /// The organization.
    pub organization: OrganizationId,
    /// Display name at WorkOS.
    pub organization_name: String,
    /// The file's text.
    pub text: String,
    /// Values of the organization that the file does not declare.
    pub left_out: Vec<LeftOut>,
}

/// Something of an organization that its file does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The field, as in `domains.gmail.com`.
    pub field: String,
    /// The code that `portalctl explain` knows.
    pub code: Code,
    /// Reason for leaving it out.
    pub reason: String,
}

/// An organization that nothing is written for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The organization.
    pub organization: OrganizationId,
    /// Display name at WorkOS.
    pub organization_name: String,
    /// The code that `portalctl explain` knows.
    pub code: Code,
    /// Reason for leaving it out.
    pub reason: String,
}

impl Skipped {
    fn new(live: &Organization, code: Code, reason: String) -> Self {
        Self {
            organization: live.id.clone(),
            organization_name: live.name.clone(),
            code,
            reason,
        }
    }
}

impl Survey {
    /// Creates the survey of an environment.
    ///
    /// Takes an observation of the whole environment: keys and shared domains hang on all of it.
    pub fn new(desired: &Desired, observed: &Observed, identities: &Identities) -> Self {
        let declared: BTreeMap<&OrganizationId, &OrgKey> = identities
            .entries
            .keys()
            .filter_map(|key| Some((identities.organization_of(key)?, key)))
            .collect();
        let keys = key::keys(desired, observed).into_iter();
        let candidates = keys.filter_map(|(id, key)| {
            let live = observed.organizations.get(&id)?;
            let (key, fate) = match declared.get(&id) {
                Some(own) => ((*own).clone(), Fate::Declared),
                None if identities.concerned.contains(&id) => (key, Fate::MaybeDeclared),
                None => (key, Fate::New),
            };
            Some(Candidate {
                organization: id,
                key,
                external_id: live.external_id.clone(),
                fate,
            })
        });
        Self {
            candidates: candidates.collect(),
            ids: Ids::Entry,
        }
    }

    /// Puts what differs between environments into an overlay; `patched` are the keys of its
    /// entries.
    ///
    /// An organization that an entry of another environment is by its external id is imported, too:
    /// the overlay takes the entry in.
    #[must_use]
    pub fn for_overlay(mut self, desired: &Desired, patched: &BTreeSet<String>) -> Self {
        self.ids = Ids::Overlay;
        let elsewhere = desired
            .excluded
            .iter()
            .filter(|(key, entry)| entry.id.is_none() && !patched.contains(key.as_str()));
        let elsewhere: BTreeMap<&str, &OrgKey> = elsewhere
            .filter_map(|(key, entry)| Some((entry.external_id.as_ref()?.as_str(), key)))
            .collect();
        for candidate in &mut self.candidates {
            let key = candidate.external_id.as_deref();
            let key = key.and_then(|id| elsewhere.get(id));
            if let (Fate::MaybeDeclared, Some(key)) = (candidate.fate, key) {
                candidate.key = (*key).clone();
                candidate.fate = Fate::Elsewhere;
            }
        }
        self
    }

    /// Returns whether a selection, by key or external id, selects anything.
    pub fn has(&self, only: &Selection) -> bool {
        self.candidates.iter().any(|it| it.is_selected(only))
    }

    /// Leaves what a selection, by key or external id, does not select.
    #[must_use]
    pub fn only(mut self, only: &Selection) -> Self {
        self.candidates.retain(|it| it.is_selected(only));
        self
    }

    /// The organizations that files are to be written for: what may be read of each is worth
    /// reading for these alone.
    pub fn organizations(&self) -> BTreeSet<OrganizationId> {
        let new = self.candidates.iter();
        let new = new.filter(|it| matches!(it.fate, Fate::New | Fate::Elsewhere));
        new.map(|it| it.organization.clone()).collect()
    }

    /// Writes down what is live. `taken` are the names of files that exist, in lower case.
    pub fn files(self, desired: &Desired, observed: &Observed, taken: &BTreeSet<String>) -> Import {
        let neighbours = Neighbours::new(desired, observed);
        let validator = Validator::new(&desired.defaults);
        let beside = Beside {
            observed,
            neighbours: &neighbours,
            validator: &validator,
        };
        let mut import = Import::default();
        for candidate in self.candidates {
            let Some(live) = observed.organizations.get(&candidate.organization) else {
                continue;
            };
            match candidate.fate {
                Fate::Declared => import.already_declared += 1,
                Fate::MaybeDeclared => import.skipped.push(maybe_declared(live)),
                fate @ (Fate::New | Fate::Elsewhere) => {
                    let draft = match draft(live, candidate.key, beside) {
                        Ok(draft) => draft,
                        Err(skipped) => {
                            import.skipped.push(skipped);
                            continue;
                        }
                    };
                    match (fate, self.ids) {
                        (Fate::Elsewhere, _) => import.patches.push(draft.whole_patch()),
                        (_, Ids::Entry) => import.files.push(draft.file()),
                        (_, Ids::Overlay) => {
                            let (file, patch) = draft.split();
                            import.files.push(file);
                            import.patches.push(patch);
                        }
                    }
                }
            }
        }
        import.patches.sort_by(|a, b| a.key.cmp(&b.key));
        name_files(&mut import.files, taken);
        import
    }
}

impl Candidate {
    fn is_selected(&self, only: &Selection) -> bool {
        let external_id = self.external_id.as_ref();
        only.has_key(&self.key)
            || external_id.is_some_and(|id| only.has_key(&OrgKey::undeclared(id)))
    }
}

fn maybe_declared(live: &Organization) -> Skipped {
    let reason = "an entry of the manifest may be this organization; `portalctl plan` says what \
                  to write";
    Skipped::new(live, codes::MAYBE_DECLARED, reason.to_owned())
}

/// An organization as an entry, before it is known where its fields stand.
struct Draft<'a> {
    live: &'a Organization,
    key: OrgKey,
    entry: shape::Organization,
    evidence: Vec<Evidence>,
    left_out: Vec<LeftOut>,
}

impl Draft<'_> {
    /// Returns a file with the whole entry.
    fn file(self) -> NewFile {
        NewFile {
            name: String::new(),
            text: text::file(&self.key, self.entry, &self.evidence, &self.left_out),
            key: self.key,
            organization: self.live.id.clone(),
            organization_name: self.live.name.clone(),
            left_out: self.left_out,
        }
    }

    /// Returns a file for all environments, and what this one has of its own.
    fn split(mut self) -> (NewFile, Patch) {
        let own = shape::Organization {
            id: self.entry.id.take(),
            stripe_customer_id: self.entry.stripe_customer_id.take(),
            ..shape::Organization::default()
        };
        let patch = Patch {
            key: self.key.clone(),
            text: text::patch(&self.key, own),
        };
        self.entry.state = Some(OrganizationState::Excluded);
        (self.file(), patch)
    }

    /// Returns the whole entry for this environment.
    fn whole_patch(self) -> Patch {
        Patch {
            text: text::patch(&self.key, self.entry),
            key: self.key,
        }
    }
}

fn draft<'a>(
    live: &'a Organization,
    key: OrgKey,
    beside: Beside<'_>,
) -> Result<Draft<'a>, Skipped> {
    if let Some(why) = evidence::unread(beside.observed, &live.id) {
        let reason = format!("what it has could not be read, the next import tries again: {why}");
        return Err(Skipped::new(live, api::READ_FAILED, reason));
    }
    let evidence = evidence::evidence(beside.observed, &live.id);
    let (entry, left_out) = entry::entry(live, &key, &evidence, beside)
        .map_err(|Refusal { code, reason }| Skipped::new(live, code, reason))?;
    Ok(Draft {
        live,
        key,
        entry,
        evidence,
        left_out,
    })
}

/// Sorts files by key and gives each a name that no other has.
fn name_files(files: &mut [NewFile], taken: &BTreeSet<String>) {
    files.sort_by(|a, b| a.key.cmp(&b.key));
    let keys: BTreeSet<String> = files.iter().map(|file| named(file.key.as_str())).collect();
    let mut taken = taken.clone();
    taken.insert(SETTINGS_FILE.to_owned());
    for file in files {
        let wish = named(file.key.as_str());
        file.name = if taken.contains(&wish) {
            let free = |text: &str| {
                let name = named(text);
                !taken.contains(&name) && !keys.contains(&name)
            };
            named(&key::distinct(file.key.as_str(), &file.organization, free))
        } else {
            wish
        };
        taken.insert(file.name.clone());
    }
}

fn named(stem: &str) -> String {
    format!("{}.yaml", file_name::stem(stem))
}
