//! `portalctl invite`

mod choice;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::args::{EntryArgs, Format};
use super::connect::Connection;
use super::error::CliError;
use super::exit::Exit;
use super::session::{self, Confirm, Reality, Request};
use super::ui::Ui;
use super::{failure_json, json};
use choice::Asked;
use portalctl_model::codes::{api, cli, invite as codes, plan as plan_codes};
use portalctl_model::observed::{Answer, ItContact, Organization};
use portalctl_model::{Intent, OrgKey, OrganizationId};
use portalctl_report::json_v1::{self, ErrorItem};
use portalctl_report::{InviteOutcome, InviteQuestion, InviteReport, text};
use portalctl_workos::ReadPortal;
use portalctl_workos::apply::{
    Always, Delivery, InviteNow, Invited, Options, Outcome, OutcomeKind, invite_now, nonce, revoke,
};

/// Let WorkOS e-mail an IT contact a link to set up what is left.
///
/// Invites the first of the entry's IT contacts, after adding those that WorkOS does not have yet,
/// and marks the organization as invited. WorkOS sends contacts alerts, such as that of an expiring
/// certificate, as soon as they are added, invited or not. An organization has one active invitation at most, and
/// nobody is invited twice unless --again says so. Asks for consent on a terminal; elsewhere --yes
/// is the consent.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one flag of the command line"
)]
pub(super) struct InviteArgs {
    /// The organization: its key in the manifest, its external id, its id (`org_…`), or, after a
    /// question, one of its domains or its name.
    key: String,

    /// Only to these of the declared intents; without it, to all that are not configured.
    #[arg(long, value_name = "INTENT", value_delimiter = ',')]
    intent: Vec<Intent>,

    /// Invite this one of the declared IT contacts instead of the first.
    #[arg(long, value_name = "EMAIL")]
    contact: Option<String>,

    /// End the active invitation and send a new one, also when one was sent before.
    #[arg(long)]
    again: bool,

    /// End the active invitation, whichever contact has it, and send none.
    #[arg(long, conflicts_with_all = ["intent", "contact", "again"])]
    revoke: bool,

    /// Also where another manifest or an operator holds the organization; its marks stay.
    #[arg(long)]
    adopt_owned: bool,

    /// Consent without being asked.
    #[arg(short, long)]
    yes: bool,

    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,

    #[command(flatten)]
    entry: EntryArgs,
}

impl InviteArgs {
    pub(super) fn failure(&self, items: &[ErrorItem]) -> Option<String> {
        match self.output {
            Format::Text => None,
            Format::Json => failure_json(items, json_v1::failed_invite),
        }
    }
}

pub(super) fn run(args: &InviteArgs, ui: &Ui) -> Result<Exit, CliError> {
    if !args.yes && !ui.is_interactive() {
        let message = "there is no terminal to ask at";
        let error = CliError::new(Exit::Usage, cli::NO_CONSENT, message);
        return Err(error.help("run it with --yes: an e-mail to a customer cannot be taken back"));
    }
    let named = Confirm::NameOrDomain;
    let mut entry = session::entry(&args.entry, &args.key, &args.intent, named, ui)?;
    if args.revoke {
        // Ending an invitation does not hang on how far anything is.
        entry.request.selection = entry.request.selection.without_intents();
    }
    let asked = asked(args, &entry.key, &entry.request)?;
    let connection = entry.connect(&args.entry)?;
    let session::Entry { key, request, .. } = &entry;
    let outcome = session::block_on(async |interrupted| {
        let run = Run {
            args,
            key,
            request,
            connection: &connection,
            interrupted,
            ui,
        };
        match asked {
            Some(asked) => run.invite(asked).await,
            None => run.revoke().await,
        }
    });
    // Also after a failure: what was done in the sandbox stays done.
    connection.close()?;
    outcome.map(|()| Exit::Done)
}

/// What is asked for; nothing when an invitation is only to be ended.
fn asked(args: &InviteArgs, key: &OrgKey, request: &Request) -> Result<Option<Asked>, CliError> {
    let entry = request.desired.organizations.get(key);
    match entry.filter(|_| !args.revoke) {
        Some(entry) => Asked::of(key, entry, &args.intent, args.contact.as_deref()).map(Some),
        None => Ok(None),
    }
}

/// One run of the command.
struct Run<'a> {
    args: &'a InviteArgs,
    key: &'a OrgKey,
    request: &'a Request,
    connection: &'a Connection,
    interrupted: CancellationToken,
    ui: &'a Ui,
}

impl Run<'_> {
    async fn invite(&self, asked: Asked) -> Result<(), CliError> {
        let again = self.args.again;
        let reality = self.look().await?;
        let live = self.to_write(&reality)?;
        let readiness = reality.readiness(self.request, self.connection);
        let invitation = asked.invitation(self.key, live, &readiness, again)?;
        let held = self.contacts(&live.id).await?;
        let entry = self.request.desired.organizations.get(self.key);
        let add = entry.map(|entry| choice::missing(entry, &held));
        let add = add.unwrap_or_default();
        let question = InviteQuestion {
            headline: &session::headline(self.connection),
            key: self.key,
            organization: live,
            invitation: &invitation,
            add: &add,
            again,
        };
        let shown = text::invitation(&question, &self.ui.talk_layout());
        self.agree(&shown, "Send it?").await?;
        let now = InviteNow {
            invitation: &invitation,
            add: &add,
            delivery: if again {
                Delivery::Again
            } else {
                Delivery::Once
            },
        };
        let client = &self.connection.client;
        let sent = invite_now(client, &live.id, now, &self.options()).await;
        let outcome = match sent.map_err(|outcome| not_done(&outcome))? {
            Invited::Now => InviteOutcome::Sent,
            Invited::Already => InviteOutcome::AlreadyInvited,
        };
        self.tell(&InviteReport {
            headline: &session::headline(self.connection),
            key: self.key,
            organization: &live.id,
            contact: Some(invitation.contact.as_str()),
            added: &add,
            invitation: Some(&invitation),
            outcome,
        })
    }

    async fn revoke(&self) -> Result<(), CliError> {
        let reality = self.look().await?;
        let live = self.to_write(&reality)?;
        let held = self.contacts(&live.id).await?;
        let headline = session::headline(self.connection);
        let shown = text::revocation(&headline, self.key, live, &self.ui.talk_layout());
        self.agree(&shown, "End it?").await?;
        let client = &self.connection.client;
        let revoked = revoke(client, live, &held, &self.options()).await;
        let is_ended = revoked.map_err(|outcome| not_done(&outcome))?;
        self.tell(&InviteReport {
            headline: &session::headline(self.connection),
            key: self.key,
            organization: &live.id,
            contact: None,
            added: &[],
            invitation: None,
            outcome: if is_ended {
                InviteOutcome::Revoked
            } else {
                InviteOutcome::NothingToRevoke
            },
        })
    }

    /// The organization, if this manifest may write to it.
    fn to_write<'r>(&self, reality: &'r Reality) -> Result<&'r Organization, CliError> {
        let takes_over = self.args.adopt_owned;
        reality.organization_to_write(self.key, self.request, takes_over, codes::NO_ORGANIZATION)
    }

    async fn look(&self) -> Result<Reality, CliError> {
        session::look(self.connection, self.request, self.ui, &self.interrupted).await
    }

    /// The organization's IT contacts, without which nobody is invited.
    async fn contacts(&self, id: &OrganizationId) -> Result<Vec<ItContact>, CliError> {
        let answer = self.connection.client.it_contacts(id).await;
        let endpoint = &self.connection.target.endpoint;
        match answer.map_err(|error| CliError::reading(error, endpoint))? {
            Answer::Found(contacts) => Ok(contacts),
            Answer::Absent | Answer::NotEntitled(_) | Answer::Failed(_) => {
                let message = format!("the IT contacts of `{}` cannot be read", self.key);
                let code = plan_codes::CONTACTS_UNAVAILABLE;
                Err(CliError::new(Exit::Stopped, code, message))
            }
        }
    }

    /// Shows what is about to be done, and has it agreed to unless it was beforehand.
    async fn agree(&self, shown: &str, question: &str) -> Result<(), CliError> {
        if !self.args.yes {
            // Also with -q: nobody consents to what was not shown.
            Ui::insist(shown);
            let question = format!("\n{question} Only `yes` is taken as consent: ");
            session::consent(question, &self.interrupted).await?;
        }
        if self.interrupted.is_cancelled() {
            return Err(CliError::interrupted());
        }
        Ok(())
    }

    fn options(&self) -> Options<'_> {
        Options {
            concurrency: 1,
            cancel: self.interrupted.clone(),
            replay: false,
            clock: self.connection.clock.as_ref(),
            permit: &Always,
            nonce: nonce(self.connection.clock.as_ref()),
        }
    }

    fn tell(&self, report: &InviteReport<'_>) -> Result<(), CliError> {
        self.ui.data(&match self.args.output {
            Format::Text => text::invite(report, &self.ui.layout()),
            Format::Json => json(&json_v1::invite(report))?,
        })
    }
}

/// An invitation that was not sent, or may not have been.
fn not_done(outcome: &Outcome) -> CliError {
    let Some(problem) = outcome.problem() else {
        return CliError::new(Exit::Internal, cli::INTERNAL, "nothing became of it");
    };
    let exit = match outcome.kind() {
        OutcomeKind::NotTried if problem.code == api::UNAUTHORIZED => Exit::Credentials,
        OutcomeKind::NotTried => Exit::Unreachable,
        OutcomeKind::Done | OutcomeKind::Refused | OutcomeKind::Unknown => Exit::Incomplete,
    };
    CliError::new(exit, problem.code, problem.to_string())
}
