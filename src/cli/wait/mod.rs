//! `portalctl wait`
//!
//! Takes one organization and intent. Reads them until the intent is configured, goes wrong, or the time
//! is over. Changes nothing.

pub(super) mod poll;
mod poll_backoff;
mod progress;

use std::time::Duration;

use clap::Args;

use super::args::{EntryArgs, Format, parse_intent};
use super::entry::{Confirm, Entry};
use super::error::CliError;
use super::exit::Exit;
use super::session::{self, Session};
use super::ui::Ui;
use poll::{DEFAULT_TIMEOUT, Wait, allow_undeclared, intent_of, parse_timeout, refused};
use portalctl_core::identity::Identity;
use portalctl_core::link::{self, Options, Refusal, Until};
use portalctl_core::readiness::IntentReadiness;
use portalctl_model::{Intent, OrgKey, OrganizationId};
use portalctl_report::json_v1;
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

    /// Longest wait: 90s, 30m, 2h; 30m by default.
    #[arg(long, value_name = "TIME", value_parser = parse_timeout)]
    timeout: Option<Duration>,

    /// Wait for an intent that the manifest does not declare for this customer.
    #[arg(long)]
    undeclared: bool,

    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: Format,

    #[command(flatten)]
    entry: EntryArgs,
}

impl WaitArgs {
    /// Returns the organization and the intent as they were named.
    pub(super) fn subject(&self) -> (&str, Intent) {
        (&self.key, self.intent)
    }

    fn request(&self) -> WaitRequest {
        WaitRequest {
            intent: self.intent,
            timeout: self.timeout.unwrap_or(DEFAULT_TIMEOUT),
            options: Options {
                undeclared: self.undeclared,
                again: false,
            },
            format: self.output,
        }
    }
}

/// A wait for one intent.
struct WaitRequest {
    intent: Intent,
    timeout: Duration,
    options: Options,
    format: Format,
}

pub(super) fn run(args: &WaitArgs, ui: &Ui) -> Result<Exit, CliError> {
    let request = args.request();
    let intent = request.intent;
    let entry = args.entry.request(&args.key)?;
    let mut entry = Entry::load(entry, &[intent], Confirm::Nothing, ui)?;
    allow_undeclared(&mut entry.manifest, &entry.key, intent, request.options)?;
    let connection = entry.connect()?;
    let key = &entry.key;
    session::run_writing(&entry.manifest, &connection, ui, async |session| {
        let (organization, readiness) = begin(session, key, intent).await?;
        let wait = Wait {
            session,
            key,
            intent,
            organization: &organization,
            timeout: request.timeout,
        };
        let begun = wait.begin(Until::Configured, &readiness).await?;
        let waited = wait.wait(begun).await?;
        let report = WaitReport {
            headline: &connection.headline(),
            key,
            organization: &organization,
            readiness: &waited.readiness,
            outcome: waited.outcome,
            took: waited.took,
        };
        write(&report, request.format, ui)
    })
}

/// Reads the organization and the state of its intent before the wait.
async fn begin(
    session: &Session<'_>,
    key: &OrgKey,
    intent: Intent,
) -> Result<(OrganizationId, IntentReadiness), CliError> {
    let live = session.observe().await?;
    let identity = live.identities.entries.get(key);
    let name = live.name_of(identity);
    let identity = identity.unwrap_or(&Identity::Missing);
    // Waiting makes nothing, so neither of the two rules of links applies.
    let options = Options {
        undeclared: true,
        again: true,
    };
    let desired = &session.manifest.desired;
    let known = link::Known {
        identity,
        readiness: None,
        name,
    };
    let permitted = link::may_link(desired, key, intent, known, options)
        .map_err(|refusal| refused(&refusal, key, intent))?;
    match intent_of(session, &live, key, intent) {
        Some(readiness) => Ok((permitted.organization, readiness)),
        None => Err(refused(&Refusal::NotCreated, key, intent)),
    }
}

/// Writes the result of a wait; returns its exit code.
fn write(report: &WaitReport<'_>, format: Format, ui: &Ui) -> Result<Exit, CliError> {
    let (exit, error) = poll::ended(report);
    let items = error
        .as_ref()
        .map_or_else(Vec::new, |error| error.items.clone());
    ui.data(&match format {
        Format::Text => text::wait(report, &ui.layout()),
        Format::Json | Format::Yaml => format.document(&json_v1::wait(report, items))?,
    })?;
    if let Some(error) = error {
        ui.error(&error);
    }
    Ok(exit)
}
