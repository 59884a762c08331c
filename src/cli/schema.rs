//! `portalctl schema`
//!
//! Takes the name of a document. Prints its JSON Schema, or the Kubernetes definitions.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::error::CliError;
use super::exit::Exit;
use super::format_name;
use super::ui::Ui;
use portalctl_manifest as manifest;
use portalctl_manifest::kubernetes::{Kind, definition};
use portalctl_model::codes;
use portalctl_report::json_v1::{
    ApplyDocument, ChangedDocument, DiffDocument, DoctorDocument, DomainsDocument, IdsDocument,
    ImportDocument, InviteDocument, LinkDocument, PlanDocument, RevokeLinkDocument, StatusDocument,
    ValidateDocument, WaitDocument, schema,
};

/// Print the JSON Schema of the manifest or of a command's JSON, or the Kubernetes definitions.
#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Document to print the schema of; `errors` prints the table of error codes.
    #[arg(value_name = "WHAT", default_value = "manifest")]
    what: Document,
}

/// The documents that are published in `schema/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Document {
    /// The manifest, for editors.
    Manifest,
    /// `plan -o json`
    Plan,
    /// `diff -o json`
    Diff,
    /// `apply -o json`
    Apply,
    /// `status -o json`
    Status,
    /// The input of the command of `status --on-change`.
    OnChange,
    /// `validate -o json`
    Validate,
    /// `ids -o json`
    Ids,
    /// `invite -o json`
    Invite,
    /// `verify-domain -o json`
    VerifyDomain,
    /// `link -o json`
    Link,
    /// `revoke-link -o json`
    RevokeLink,
    /// `wait -o json`
    Wait,
    /// `import -o json`
    Import,
    /// `doctor -o json`
    Doctor,
    /// Every error code with its meaning and its fix.
    Errors,
    /// The resource definitions of the Kubernetes form, for `kubectl apply -f -`.
    Crds,
}

impl Document {
    /// Returns the documents that are a file in `schema/`.
    pub fn files() -> impl Iterator<Item = Self> {
        let all = Self::value_variants().iter().copied();
        all.filter(|document| *document != Self::Crds)
    }

    /// Returns the name of the file in `schema/`; of the folder, for the definitions.
    pub fn file_name(self) -> String {
        match self {
            Self::Manifest => "portal.schema.json".to_owned(),
            Self::Errors => "errors.json".to_owned(),
            Self::Crds => "crds".to_owned(),
            _ => format!("{}.schema.json", self.name()),
        }
    }

    fn name(self) -> String {
        format_name(&self).expect("no document is hidden on the command line")
    }

    /// Returns the content of the file.
    pub fn content(self) -> String {
        let value = match self {
            Self::Manifest => manifest::json_schema(),
            Self::Plan => schema::<PlanDocument>(),
            Self::Diff => schema::<DiffDocument>(),
            Self::Apply => schema::<ApplyDocument>(),
            Self::Status => schema::<StatusDocument>(),
            Self::OnChange => schema::<ChangedDocument>(),
            Self::Validate => schema::<ValidateDocument>(),
            Self::Ids => schema::<IdsDocument>(),
            Self::Invite => schema::<InviteDocument>(),
            Self::VerifyDomain => schema::<DomainsDocument>(),
            Self::Link => schema::<LinkDocument>(),
            Self::RevokeLink => schema::<RevokeLinkDocument>(),
            Self::Wait => schema::<WaitDocument>(),
            Self::Import => schema::<ImportDocument>(),
            Self::Doctor => schema::<DoctorDocument>(),
            Self::Errors => errors(),
            Self::Crds => return crds(),
        };
        format!("{value:#}\n")
    }
}

/// The definitions as one file of several documents.
fn crds() -> String {
    let documents = Kind::ALL.map(|kind| manifest::to_yaml(&definition(kind)));
    documents.join("---\n")
}

fn errors() -> Value {
    let codes = codes::all().map(|code| {
        let entry = code.entry();
        json!({
            "code": entry.id,
            "title": entry.title,
            "meaning": entry.meaning,
            "fix": entry.fix,
        })
    });
    json!({ "format_version": "1", "errors": codes.collect::<Vec<_>>() })
}

pub(super) fn run(args: &SchemaArgs, ui: &Ui) -> Result<Exit, CliError> {
    ui.data(&args.what.content())?;
    Ok(Exit::Done)
}
