//! The rules of a manifest.
//!
//! Goes in: loaded files. Comes out: [`Desired`], or every problem at once. One small function
//! per rule; a rule that fails reports and lets the others go on. Reads nothing, decides nothing
//! about what is live.

mod contacts;
mod domains;
mod identity;
mod ignore;
mod intents;
mod metadata;
mod organization;
mod presence;
mod settings;
mod text;
mod unique;
mod urls;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::decode::{self, Reader};
use super::diagnostic::{Diagnostics, Findings};
use super::load::{Document, Loaded};
use super::node::Node;
use super::raw::RawDocument;
use super::source::{FileId, Sources};
use crate::model::desired::{Desired, Names};

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
}

/// Applies every rule but that there are organizations.
pub(super) fn check_settings(loaded: Loaded) -> Checked {
    apply_rules(loaded, Presence::Settings)
}

/// What has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// A version, and at least one organization.
    Organizations,
    /// A version.
    Settings,
}

fn apply_rules(loaded: Loaded, presence: Presence) -> Checked {
    let Loaded {
        sources,
        documents,
        mut findings,
        mut complete,
    } = loaded;

    let mut raw = Vec::with_capacity(documents.len());
    for Document { file, root } in documents {
        match decode_document(&sources, &mut findings, file, root) {
            Some(document) => raw.push((file, document)),
            None => complete = false,
        }
    }
    let organizations = take_organizations(&mut raw);
    if complete {
        presence::version_is_said(&raw, &sources, &mut findings);
        if presence == Presence::Organizations {
            presence::organizations_are_declared(&raw, &organizations, &sources, &mut findings);
        }
    }
    let documents: Vec<RawDocument> = raw.into_iter().map(|(_, document)| document).collect();
    let settings = settings::check(&documents, complete, &mut findings);

    let mut walk = organization::Walk::new(&settings, &mut findings);
    for (part, (file, entries)) in organizations.into_iter().enumerate() {
        let text = sources.text_of(file);
        let name = sources.name_of(file);
        walk.part(part, file, &name, &text, entries);
    }
    let organizations: BTreeMap<_, _> = walk.finish();

    let names = settings.names();
    let desired = (!findings.have_errors()).then(|| settings.into_desired(organizations));
    Checked {
        desired,
        names,
        diagnostics: findings.finish(&sources),
        sources,
    }
}

fn decode_document(
    sources: &Sources,
    findings: &mut Findings,
    file: FileId,
    root: Node,
) -> Option<RawDocument> {
    let text: Arc<str> = sources.text_of(file);
    let mut reader = Reader {
        file,
        text: &text,
        findings,
    };
    decode::document(&mut reader, root)
}

/// The entries under one `organizations`.
type Entries = Vec<(Node, Node)>;

fn take_organizations(raw: &mut [(FileId, RawDocument)]) -> Vec<(FileId, Entries)> {
    raw.iter_mut()
        .filter_map(|(file, document)| {
            let entries = document.organizations.as_mut()?.value.take()?;
            Some((*file, entries))
        })
        .collect()
}
