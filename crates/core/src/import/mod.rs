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
use portalctl_model::codes::{Code, api, import as codes};
use portalctl_model::desired::Desired;
use portalctl_model::observed::{Observed, Organization};
use portalctl_model::{OrgKey, OrganizationId, Selection, file_name};

use entry::{Beside, Neighbours};
use validator::{Refusal, Validator};

pub use text::{SETTINGS_FILE, settings};

/// Selection of the live organizations to import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    candidates: Vec<Candidate>,
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
    /// No entry is about it.
    New,
    /// An entry is it.
    Declared,
    /// Unknown: WorkOS did not tell.
    MaybeDeclared,
}

/// Result of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Import {
    /// The files, sorted by key.
    pub files: Vec<NewFile>,
    /// Number of organizations that the manifest declares already.
    pub already_declared: usize,
    /// The organizations that nothing is written for, sorted by id.
    pub skipped: Vec<Skipped>,
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
    /// Live organization that is left out of the file.
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
    /// Looks at everything that is live.
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
        }
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
        let new = self.candidates.iter().filter(|it| it.fate == Fate::New);
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
                Fate::New => match file(live, candidate.key, beside) {
                    Ok(file) => import.files.push(file),
                    Err(skipped) => import.skipped.push(skipped),
                },
            }
        }
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

fn file(live: &Organization, key: OrgKey, beside: Beside<'_>) -> Result<NewFile, Skipped> {
    if let Some(why) = evidence::unread(beside.observed, &live.id) {
        let reason = format!("what it has could not be read, the next import tries again: {why}");
        return Err(Skipped::new(live, api::READ_FAILED, reason));
    }
    let evidence = evidence::evidence(beside.observed, &live.id);
    let (shape, left_out) = entry::entry(live, &key, &evidence, beside)
        .map_err(|Refusal { code, reason }| Skipped::new(live, code, reason))?;
    Ok(NewFile {
        name: String::new(),
        text: text::file(&key, shape, &evidence, &left_out),
        key,
        organization: live.id.clone(),
        organization_name: live.name.clone(),
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
