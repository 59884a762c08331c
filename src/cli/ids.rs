//! `portalctl ids`

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};

use super::args::TargetArgs;
use super::error::CliError;
use super::exit::Exit;
use super::session;
use super::ui::Ui;
use super::{failure_json, json};
use portalctl_model::codes::cli as codes;
use portalctl_model::{OrgKey, OrganizationId};
use portalctl_report::csv;
use portalctl_report::json_v1::{self, ErrorItem, IdsDocument};

/// Print the WorkOS organization id of every key, for the app that must store it.
///
/// Organizations that do not exist yet are null in JSON, empty in CSV and left out of env.
#[derive(Debug, Args)]
pub(super) struct IdsArgs {
    /// The output's format; env gives lines `WORKOS_ORGANIZATION_ACME=org_…`.
    #[arg(short, long, value_name = "FORMAT", default_value = "json")]
    output: IdsFormat,

    #[command(flatten)]
    target: TargetArgs,
}

/// The formats of `ids`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum IdsFormat {
    /// One document.
    Json,
    /// Lines for a dotenv file.
    Env,
    /// A table with a header.
    Csv,
}

impl IdsArgs {
    pub(super) fn failure(&self, items: &[ErrorItem]) -> Option<String> {
        match self.output {
            IdsFormat::Json => failure_json(items, json_v1::failed_ids),
            IdsFormat::Env | IdsFormat::Csv => None,
        }
    }
}

pub(super) fn run(args: &IdsArgs, ui: &Ui) -> Result<Exit, CliError> {
    let mut request = session::manifest(&args.target, ui)?;
    request.selection = request.selection.without_intents();
    request.narrow();
    let connection = session::connect(&args.target, &request)?;
    session::block_on(async |interrupted| {
        let reality = session::look(&connection, &request, ui, &interrupted).await?;
        let ids: Ids<'_> = request
            .desired
            .organizations
            .keys()
            .filter(|key| request.selection.has_key(key))
            .map(|key| (key, reality.identities.organization_of(key)))
            .collect();
        let missing = ids.values().filter(|id| id.is_none()).count();
        if missing > 0 {
            ui.say(&format!(
                "note: {missing} of {} do not exist yet, or are in conflict",
                ids.len()
            ));
        }
        ui.data(&match args.output {
            IdsFormat::Json => json(&document(&ids, &request.headline(&connection)))?,
            IdsFormat::Env => env(&ids)?,
            IdsFormat::Csv => csv::ids(&ids).map_err(CliError::internal)?,
        })?;
        Ok(Exit::Done)
    })
}

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
