//! `portalctl invite`
//!
//! Takes one organization. Shows the invitation, has it confirmed, and lets WorkOS e-mail it; or ends the
//! active one. Nobody is invited twice unless that is asked for.

mod choice;

use clap::Args;

use super::args::{EntryArgs, Format};
use super::entry::{Confirm, Entry};
use super::error::CliError;
use super::exit::Exit;
use super::session::{self, LiveState, Session, Takeover};
use super::ui::Ui;
use choice::Asked;
use portalctl_model::codes::{api, cli, invite as codes, plan as plan_codes};
use portalctl_model::observed::{Answer, ItContact, Organization};
use portalctl_model::{Intent, OrgKey, OrganizationId};
use portalctl_report::json_v1;
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
    pub(super) output: Format,

    #[command(flatten)]
    entry: EntryArgs,
}

impl InviteArgs {
    fn request(&self) -> InviteRequest {
        InviteRequest {
            action: if self.revoke {
                Action::Revoke
            } else {
                Action::Invite {
                    intents: self.intent.clone(),
                    contact: self.contact.clone(),
                    delivery: if self.again {
                        Delivery::Again
                    } else {
                        Delivery::Once
                    },
                }
            },
            takeover: if self.adopt_owned {
                Takeover::Allowed
            } else {
                Takeover::Refused
            },
            consent: if self.yes {
                Consent::Given
            } else {
                Consent::Asked
            },
            format: self.output,
        }
    }
}

/// An invitation to be sent or ended.
struct InviteRequest {
    action: Action,
    takeover: Takeover,
    consent: Consent,
    format: Format,
}

/// Action of the command.
enum Action {
    /// Invites a contact.
    Invite {
        /// Intents of the invitation; none for all that are not configured.
        intents: Vec<Intent>,
        /// The contact; the first declared one unless named.
        contact: Option<String>,
        /// Treatment of an earlier invitation.
        delivery: Delivery,
    },
    /// Ends the active invitation.
    Revoke,
}

/// Consent to the e-mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consent {
    /// Given beforehand, by `--yes`.
    Given,
    /// Asked for on the terminal.
    Asked,
}

pub(super) fn run(args: &InviteArgs, ui: &Ui) -> Result<Exit, CliError> {
    let request = args.request();
    if request.consent == Consent::Asked && !ui.is_interactive() {
        let message = "there is no terminal to ask at";
        let error = CliError::new(Exit::Usage, cli::NO_CONSENT, message);
        return Err(error.help("run it with --yes: an e-mail to a customer cannot be taken back"));
    }
    let intents: &[Intent] = match &request.action {
        Action::Invite { intents, .. } => intents,
        Action::Revoke => &[],
    };
    let entry = args.entry.request(&args.key)?;
    let mut entry = Entry::load(entry, intents, Confirm::NameOrDomain, ui)?;
    let asked = match &request.action {
        Action::Invite {
            intents,
            contact,
            delivery,
        } => {
            let declared = entry.manifest.desired.organizations.get(&entry.key);
            let asked = declared
                .map(|declared| Asked::of(&entry.key, declared, intents, contact.as_deref()));
            asked.transpose()?.map(|asked| (asked, *delivery))
        }
        Action::Revoke => {
            // An invitation is ended whatever the state of any intent is.
            entry.manifest.selection = entry.manifest.selection.without_intents();
            None
        }
    };
    let connection = entry.connect()?;
    session::run_writing(&entry.manifest, &connection, ui, async |session| {
        let run = Run {
            session,
            request: &request,
            key: &entry.key,
        };
        match asked {
            Some((asked, delivery)) => run.invite(asked, delivery).await?,
            None => run.revoke().await?,
        }
        Ok(Exit::Done)
    })
}

/// One run of the command.
struct Run<'a> {
    session: &'a Session<'a>,
    request: &'a InviteRequest,
    key: &'a OrgKey,
}

impl Run<'_> {
    async fn invite(&self, asked: Asked, delivery: Delivery) -> Result<(), CliError> {
        let Session {
            manifest,
            connection,
            ui,
            ..
        } = self.session;
        let live = self.session.observe().await?;
        let organization = self.to_write(&live)?;
        let readiness = self.session.readiness(&live);
        let invitation = asked.invitation(self.key, organization, &readiness, delivery)?;
        let contacts = self.contacts(&organization.id).await?;
        let entry = manifest.desired.organizations.get(self.key);
        let add = entry.map_or_else(Vec::new, |entry| choice::missing(entry, &contacts));
        let question = InviteQuestion {
            headline: &connection.headline(),
            key: self.key,
            organization,
            invitation: &invitation,
            add: &add,
            again: delivery == Delivery::Again,
        };
        let shown = text::invitation(&question, &ui.talk_layout());
        self.confirm(&shown, "Send it?").await?;
        let now = InviteNow {
            invitation: &invitation,
            add: &add,
            delivery,
        };
        let client = &connection.client;
        let sent = invite_now(client, &organization.id, now, &self.options()).await;
        let outcome = match sent.map_err(|outcome| not_done(&outcome))? {
            Invited::Now => InviteOutcome::Sent,
            Invited::Already => InviteOutcome::AlreadyInvited,
        };
        self.write(&InviteReport {
            headline: &connection.headline(),
            key: self.key,
            organization: &organization.id,
            contact: Some(invitation.contact.as_str()),
            added: &add,
            invitation: Some(&invitation),
            outcome,
        })
    }

    async fn revoke(&self) -> Result<(), CliError> {
        let Session { connection, ui, .. } = self.session;
        let live = self.session.observe().await?;
        let organization = self.to_write(&live)?;
        let contacts = self.contacts(&organization.id).await?;
        let headline = connection.headline();
        let shown = text::revocation(&headline, self.key, organization, &ui.talk_layout());
        self.confirm(&shown, "End it?").await?;
        let client = &connection.client;
        let revoked = revoke(client, organization, &contacts, &self.options()).await;
        let is_ended = revoked.map_err(|outcome| not_done(&outcome))?;
        self.write(&InviteReport {
            headline: &connection.headline(),
            key: self.key,
            organization: &organization.id,
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

    /// Returns the organization, if this manifest may write to it.
    fn to_write<'l>(&self, live: &'l LiveState) -> Result<&'l Organization, CliError> {
        let takeover = self.request.takeover;
        let code = codes::NO_ORGANIZATION;
        self.session
            .organization_to_write(live, self.key, takeover, code)
    }

    /// Reads the organization's IT contacts, without which nobody is invited.
    async fn contacts(&self, id: &OrganizationId) -> Result<Vec<ItContact>, CliError> {
        let answer = self.session.connection.client.it_contacts(id).await;
        match answer.map_err(|error| self.session.failed(error))? {
            Answer::Found(contacts) => Ok(contacts),
            Answer::Absent | Answer::NotEntitled(_) | Answer::Failed(_) => {
                let message = format!("the IT contacts of `{}` cannot be read", self.key);
                let code = plan_codes::CONTACTS_UNAVAILABLE;
                Err(CliError::new(Exit::Stopped, code, message))
            }
        }
    }

    /// Shows what is about to be done, and has it confirmed unless it was before.
    async fn confirm(&self, shown: &str, question: &str) -> Result<(), CliError> {
        if self.request.consent == Consent::Asked {
            // Also with -q: nobody consents to what was not shown.
            Ui::insist(shown);
            self.session.confirm(question).await?;
        }
        self.session.check_interrupted()
    }

    fn options(&self) -> Options<'_> {
        let clock = self.session.connection.clock.as_ref();
        Options {
            concurrency: 1,
            cancel: self.session.interrupted.clone(),
            clock,
            permit: &Always,
            nonce: nonce(clock),
        }
    }

    fn write(&self, report: &InviteReport<'_>) -> Result<(), CliError> {
        let ui = self.session.ui;
        ui.data(&match self.request.format {
            Format::Text => text::invite(report, &ui.layout()),
            Format::Json | Format::Yaml => {
                self.request.format.document(&json_v1::invite(report))?
            }
        })
    }
}

/// Returns the error of an invitation that was not sent, or may not have been.
fn not_done(outcome: &Outcome) -> CliError {
    let Some(problem) = outcome.problem() else {
        return CliError::internal("an invitation that was not sent has no reason");
    };
    let mut statuses = problem.requests.iter().filter_map(|request| request.status);
    let exit = match outcome.kind() {
        OutcomeKind::NotTried => match statuses.next_back() {
            _ if problem.code == api::UNAUTHORIZED => Exit::Credentials,
            Some(403) => Exit::Credentials,
            // A refusal does not look like a WorkOS that cannot be reached.
            Some(400..=428 | 430..=499) => Exit::Stopped,
            Some(_) | None => Exit::Unreachable,
        },
        OutcomeKind::Done | OutcomeKind::Refused | OutcomeKind::Unknown => Exit::Incomplete,
    };
    CliError::new(exit, problem.code, problem.to_string())
}
