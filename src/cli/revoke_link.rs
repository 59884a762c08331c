//! `portalctl revoke-link`
//!
//! Takes one organization and the user id of a person. Ends that person's links and portal sessions.

use clap::Args;

use super::args::{EntryArgs, Format};
use super::entry::{Confirm, Entry};
use super::error::CliError;
use super::exit::Exit;
use super::link_errors;
use super::session::{self, Session};
use super::ui::Ui;
use portalctl_model::codes::link as codes;
use portalctl_model::{ExternalUserId, OrgKey, OrganizationId};
use portalctl_report::json_v1;
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
    pub(super) output: Format,

    #[command(flatten)]
    entry: EntryArgs,
}

pub(super) fn run(args: &RevokeLinkArgs, ui: &Ui) -> Result<Exit, CliError> {
    let (user, format) = (&args.user, args.output);
    let request = args.entry.request(&args.key)?;
    let mut entry = Entry::load(request, &[], Confirm::NameOrDomain, ui)?;
    // Whose links end does not depend on the state of any intent.
    entry.manifest.selection = entry.manifest.selection.without_intents();
    let connection = entry.connect()?;
    session::run_writing(&entry.manifest, &connection, ui, async |session| {
        let organization = revoke(session, &entry.key, user).await?;
        let report = RevokeLinkReport {
            headline: &connection.headline(),
            key: &entry.key,
            organization: &organization,
            user,
        };
        ui.data(&match format {
            Format::Text => text::revoke_link(&report, &ui.layout()),
            Format::Json | Format::Yaml => format.document(&json_v1::revoke_link(&report))?,
        })?;
        Ok(Exit::Done)
    })
}

/// Ends the links of a person; returns the organization that they were made for.
async fn revoke(
    session: &Session<'_>,
    key: &OrgKey,
    user: &ExternalUserId,
) -> Result<OrganizationId, CliError> {
    let live = session.observe().await?;
    let organization = live.organization(key, codes::NO_ORGANIZATION)?;
    if let Some(rival) = session.rival(key, organization) {
        session.ui.say(&format!(
            "note: {rival} has the organization of `{key}`; ending links changes nothing of it"
        ));
    }
    session.check_interrupted()?;
    let client = &session.connection.client;
    let revoked = client.revoke_links(&organization.id, user).await;
    let endpoint = &session.connection.target.endpoint;
    revoked.map_err(|error| link_errors::not_revoked(error, key, endpoint))?;
    Ok(organization.id.clone())
}
