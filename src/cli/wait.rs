//! `portalctl wait`

use std::time::Duration;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::args::{EntryArgs, Format};
use super::connect::Connection;
use super::error::CliError;
use super::exit::Exit;
use super::link::{allow_undeclared, parse_intent};
use super::session::{self, Confirm, Request};
use super::ui::Ui;
use super::waiting::{self, DEFAULT_TIMEOUT, Waited, Waiting, intent_of, parse_timeout, refused};
use super::{failure_json, json};
use portalctl_core::identity::Identity;
use portalctl_core::link::{self, Options, Refusal, Until};
use portalctl_model::{Intent, OrgKey};
use portalctl_report::json_v1::{self, ErrorItem};
use portalctl_report::{WaitReport, text};

/// Wait until a customer has configured a feature.
///
/// Reads the one organization every few seconds, less often the longer nothing changes. Ends with 0
/// when the feature is configured, 2 when the time is over, and 7 when the set-up goes wrong
/// meanwhile. What was wrong before the customer began does not end it.
#[derive(Debug, Args)]
pub(super) struct WaitArgs {
    /// The organization: its key in the manifest, its external id, its id (`org_…`), one of its
    /// domains or its name.
    #[arg(value_name = "KEY")]
    key: String,

    /// The feature, by its name in manifests.
    #[arg(value_name = "INTENT", value_parser = parse_intent())]
    intent: Intent,

    /// How long to wait: 90s, 30m, 2h; 30m unless said.
    #[arg(long, value_name = "TIME", value_parser = parse_timeout)]
    timeout: Option<Duration>,

    /// Wait for an intent that the manifest does not declare for this customer.
    #[arg(long)]
    undeclared: bool,

    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,

    #[command(flatten)]
    entry: EntryArgs,
}

impl WaitArgs {
    pub(super) fn failure(&self, items: &[ErrorItem]) -> Option<String> {
        match self.output {
            Format::Text => None,
            Format::Json => failure_json(items, |items| {
                json_v1::failed_wait(Some((&self.key, self.intent)), items)
            }),
        }
    }
}

pub(super) fn run(args: &WaitArgs, ui: &Ui) -> Result<Exit, CliError> {
    let named = Confirm::Nothing;
    let mut entry = session::entry(&args.entry, &args.key, &[args.intent], named, ui)?;
    let options = Options {
        undeclared: args.undeclared,
        again: false,
    };
    allow_undeclared(&mut entry.request, &entry.key, args.intent, options)?;
    let connection = entry.connect(&args.entry)?;
    let session::Entry { key, request, .. } = &entry;
    let outcome = session::block_on(async |interrupted| {
        look_and_wait(args, key, request, &connection, ui, &interrupted).await
    });
    connection.close()?;
    outcome
}

async fn look_and_wait(
    args: &WaitArgs,
    key: &OrgKey,
    request: &Request,
    connection: &Connection,
    ui: &Ui,
    interrupted: &CancellationToken,
) -> Result<Exit, CliError> {
    let reality = session::look(connection, request, ui, interrupted).await?;
    let identity = reality.identities.entries.get(key);
    let options = Options {
        undeclared: true,
        again: true,
    };
    let identity = identity.unwrap_or(&Identity::Missing);
    let readiness = intent_of(&reality, request, connection, key, args.intent);
    let may = link::may_link(&request.desired, key, args.intent, identity, None, options);
    let (organization, readiness) = match (may, readiness) {
        (Ok(permitted), Some(readiness)) => (permitted.organization, readiness),
        (Ok(_), None) => return Err(refused(&Refusal::NotCreated, key, args.intent)),
        (Err(refusal), _) => return Err(refused(&refusal, key, args.intent)),
    };
    let waiting = Waiting {
        request,
        connection,
        ui,
        key,
        intent: args.intent,
        organization: &organization,
        timeout: args.timeout.unwrap_or(DEFAULT_TIMEOUT),
        interrupted,
    };
    let begun = waiting.begin(Until::Configured, &readiness).await?;
    let Waited {
        readiness,
        outcome,
        took,
    } = waiting.wait(begun).await?;
    let headline = session::headline(connection);
    let report = WaitReport {
        headline: &headline,
        key,
        organization: &organization,
        readiness: &readiness,
        outcome,
        took,
    };
    let (exit, error) = waiting::ended(&report);
    let items = error.as_ref().map(|error| error.items.clone());
    ui.data(&match args.output {
        Format::Text => text::wait(&report, &ui.layout()),
        Format::Json => json(&json_v1::wait(&report, items.unwrap_or_default()))?,
    })?;
    if let Some(error) = error {
        ui.error(&error);
    }
    Ok(exit)
}
