//! `portalctl ids`
//!
//! Takes a manifest. Prints the organization id of every key, as WorkOS has it now. Changes nothing.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};

use super::args::TargetArgs;
use super::error::CliError;
use super::exit::Exit;
use super::manifest::Manifest;
use super::session;
use super::ui::Ui;
use super::{connect, json, yaml};
use portalctl_model::codes::cli as codes;
use portalctl_model::{OrgKey, OrganizationId};
use portalctl_report::csv;
use portalctl_report::json_v1::{self, IdsDocument};

/// Print the WorkOS organization id of every key, for the app that must store it.
///
/// Organizations that do not exist yet are null in JSON, empty in CSV and left out of env.
#[derive(Debug, Args)]
pub(super) struct IdsArgs {
    /// The output's format; env gives lines `WORKOS_ORGANIZATION_ACME=org_…`.
    #[arg(short, long, value_name = "FORMAT", default_value = "json")]
    pub(super) output: IdsFormat,

    /// Leave the first row of -o csv out, which names the columns.
    #[arg(long)]
    no_headers: bool,

    #[command(flatten)]
    target: TargetArgs,
}

/// The formats of `ids`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum IdsFormat {
    /// One document.
    Json,
    /// The same as JSON, in YAML.
    Yaml,
    /// Lines for a dotenv file.
    Env,
    /// A table with a header.
    Csv,
}

pub(super) fn run(args: &IdsArgs, ui: &Ui) -> Result<Exit, CliError> {
    let (request, format) = (args.target.request()?, args.output);
    let choice = csv::Choice {
        without_header: args.no_headers,
        ..csv::Choice::default()
    };
    let mut manifest = Manifest::load(&request.manifest, ui)?;
    manifest.selection = manifest.selection.without_intents();
    manifest.narrow();
    let connection = connect::open(&request.connection, &manifest.desired)?;
    session::run(&manifest, &connection, ui, async |session| {
        let live = session.observe().await?;
        let keys = manifest.desired.organizations.keys();
        let ids: Ids<'_> = keys
            .filter(|key| manifest.selection.has_key(key))
            .map(|key| (key, live.identities.organization_of(key)))
            .collect();
        let missing = ids.values().filter(|id| id.is_none()).count();
        if missing > 0 {
            ui.say(&format!(
                "note: {missing} of {} do not exist yet, or are in conflict",
                ids.len()
            ));
        }
        ui.data(&match format {
            IdsFormat::Json => json(&document(&ids, &session.headline()))?,
            IdsFormat::Yaml => yaml(&document(&ids, &session.headline()))?,
            IdsFormat::Env => env(&ids)?,
            IdsFormat::Csv => csv::ids(&ids, &choice).map_err(CliError::internal)?,
        })?;
        Ok(Exit::Done)
    })
}

/// Organization ids by key; none for organizations that do not exist yet.
type Ids<'a> = BTreeMap<&'a OrgKey, Option<&'a OrganizationId>>;

fn document(ids: &Ids<'_>, headline: &portalctl_report::Headline) -> IdsDocument {
    let ids = ids
        .iter()
        .map(|(key, id)| (key.to_string(), id.map(ToString::to_string)));
    json_v1::ids(headline, ids.collect())
}

fn env(ids: &Ids<'_>) -> Result<String, CliError> {
    let mut names: BTreeMap<String, &OrgKey> = BTreeMap::new();
    let mut text = String::new();
    for (key, id) in ids {
        let name = variable(key);
        if let Some(other) = names.insert(name.clone(), key) {
            let message = format!("`{other}` and `{key}` both give the variable {name}");
            return Err(CliError::new(Exit::Usage, codes::AMBIGUOUS_NAME, message));
        }
        if let Some(id) = id {
            text.push_str(&format!("{name}={id}\n"));
        }
    }
    Ok(text)
}

fn variable(key: &OrgKey) -> String {
    let name = key.as_str().to_ascii_uppercase().replace(['-', '.'], "_");
    format!("WORKOS_ORGANIZATION_{name}")
}
