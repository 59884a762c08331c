//! `portalctl revoke-link`

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::args::{EntryArgs, Format};
use super::connect::Connection;
use super::error::CliError;
use super::exit::Exit;
use super::session::{self, Confirm, Request};
use super::ui::Ui;
use super::{failure_json, json, link_problem};
use portalctl_model::codes::link as codes;
use portalctl_model::{ExternalUserId, OrgKey};
use portalctl_report::json_v1::{self, ErrorItem};
use portalctl_report::{RevokeLinkReport, text};
use portalctl_workos::WritePortal;

/// End the portal links and the open portal sessions of one person at a customer.
///
/// WorkOS knows whose a link is by the user id that it was made with: `portalctl link --user ID`,
/// and the subject of the hand-off token for links of the gateway. Links without a user id cannot
/// be ended; they die after five minutes.
#[derive(Debug, Args)]
pub(super) struct RevokeLinkArgs {
    /// The organization: its key in the manifest, its external id, its id (`org_…`), or, after a
    /// question, one of its domains or its name.
    #[arg(value_name = "KEY")]
    key: String,

    /// The person's user id in your application, as links were made with it.
    #[arg(value_name = "USER", value_parser = ExternalUserId::parse)]
    user: ExternalUserId,

    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,

    #[command(flatten)]
    entry: EntryArgs,
}

impl RevokeLinkArgs {
    pub(super) fn failure(&self, items: &[ErrorItem]) -> Option<String> {
        match self.output {
            Format::Text => None,
            Format::Json => failure_json(items, json_v1::failed_revoke_link),
        }
    }
}

pub(super) fn run(args: &RevokeLinkArgs, ui: &Ui) -> Result<Exit, CliError> {
    let mut entry = session::entry(&args.entry, &args.key, &[], Confirm::NameOrDomain, ui)?;
    // Whose links end does not depend on the state of any intent.
    entry.request.selection = entry.request.selection.without_intents();
    let connection = entry.connect(&args.entry)?;
    let session::Entry { key, request, .. } = &entry;
    let outcome = session::block_on(async |interrupted| {
        revoke(args, key, request, &connection, ui, &interrupted).await
    });
    // Also after a failure: what was done in the sandbox stays done.
    connection.close()?;
    outcome.map(|()| Exit::Done)
}

async fn revoke(
    args: &RevokeLinkArgs,
    key: &OrgKey,
    request: &Request,
    connection: &Connection,
    ui: &Ui,
    interrupted: &CancellationToken,
) -> Result<(), CliError> {
    let reality = session::look(connection, request, ui, interrupted).await?;
    let live = reality.organization(key, codes::NO_ORGANIZATION)?;
    if let Some(rival) = session::rival(key, request, live) {
        ui.say(&format!(
            "note: {rival} has the organization of `{key}`; ending links changes nothing of it"
        ));
    }
    if interrupted.is_cancelled() {
        return Err(CliError::interrupted());
    }
    let endpoint = &connection.target.endpoint;
    let revoked = connection.client.revoke_links(&live.id, &args.user).await;
    revoked.map_err(|error| link_problem::not_revoked(error, key, endpoint))?;
    let report = RevokeLinkReport {
        headline: &session::headline(connection),
        key,
        organization: &live.id,
        user: &args.user,
    };
    ui.data(&match args.output {
        Format::Text => text::revoke_link(&report, &ui.layout()),
        Format::Json => json(&json_v1::revoke_link(&report))?,
    })
}
