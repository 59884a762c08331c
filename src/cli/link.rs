//! `portalctl link`
//!
//! Takes one organization and intent. Checks that a link may be made, makes it, and hands it to the
//! terminal or the browser. The link is never written to a log, a file or JSON.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::args::{EntryArgs, Format, parse_intent};
use super::entry::{Confirm, Entry};
use super::error::CliError;
use super::exit::Exit;
use super::session::{self, Session};
use super::ui::Ui;
use super::wait::poll::{
    self, DEFAULT_TIMEOUT, Wait, allow_undeclared, intent_of, parse_timeout, refused,
};
use super::{browser, link_errors};
use portalctl_core::identity::Identity;
use portalctl_core::link::{self, LIFETIME, Options, Permitted, Refusal, Until};
use portalctl_core::readiness::{Basis, IntentReadiness, State};
use portalctl_model::codes::{api, cli as cli_codes, link as codes};
use portalctl_model::{Email, ExternalUserId, Intent, OrgKey, PortalOption};
use portalctl_report::json_v1::{self, ErrorItem};
use portalctl_report::{Headline, LinkReport, WaitReport, text};
use portalctl_workos::{LinkRequest as ApiLinkRequest, PortalLink, SsoOptions, WritePortal};

const AFTER_HELP: &str = "\
What the customer may see in the browser instead of the portal is explained, too:
  portalctl explain portal/link-expired
  portalctl explain portal/return-url";

/// Make a portal link for a customer, now: one feature, five minutes, one use.
///
/// The link is a credential: whoever has it can set up the customer's feature. It is printed on a
/// terminal, once and alone on standard output, or handed to the browser with --open; it is never
/// written to a log, a file or JSON.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a command line, each with its own meaning"
)]
pub(super) struct LinkArgs {
    /// The organization: its key in the manifest, its external id, its id (`org_…`), or, after a
    /// question, one of its domains or its name.
    #[arg(value_name = "KEY")]
    key: String,

    /// The feature, by its name in manifests.
    #[arg(value_name = "INTENT", value_parser = parse_intent())]
    intent: Intent,

    /// Open the link in the browser instead of printing it; BROWSER is heeded.
    #[arg(long, conflicts_with = "sandbox")]
    open: bool,

    /// Then wait until the feature is configured, as `portalctl wait` does.
    #[arg(long)]
    wait: bool,

    /// Longest wait: 90s, 30m, 2h; 30m by default.
    #[arg(long, value_name = "TIME", value_parser = parse_timeout, requires = "wait")]
    timeout: Option<Duration>,

    /// Make the link although single sign-on is configured: the customer changes or replaces the
    /// connection. --wait then waits for that.
    #[arg(long)]
    again: bool,

    /// Make the link for an intent that the manifest does not declare for this customer.
    #[arg(long)]
    undeclared: bool,

    /// The user id of the person in your application: `portalctl revoke-link KEY ID` ends their
    /// links and open portal sessions.
    #[arg(long, value_name = "ID", value_parser = ExternalUserId::parse)]
    user: Option<ExternalUserId>,

    /// Begin with this identity provider, such as `OktaSAML`, in place of the choice among all of them.
    /// For sso only.
    #[arg(long, value_name = "TYPE", value_parser = PortalOption::parse)]
    provider: Option<PortalOption>,

    /// The bookmark of an application to set up. For sso only.
    #[arg(long, value_name = "SLUG", value_parser = PortalOption::parse)]
    bookmark: Option<PortalOption>,

    /// Give the entry's IT contacts access to the portal with the link. WorkOS sends them its alerts
    /// from then on, such as that of an expiring certificate.
    #[arg(long)]
    grant_contacts: bool,

    /// Print the link also where standard output is no terminal, or CI is set.
    #[arg(long, conflicts_with = "open")]
    allow_non_tty: bool,

    /// The output's format; json needs --open, as it never holds the link.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: Format,

    #[command(flatten)]
    entry: EntryArgs,
}

impl LinkArgs {
    /// Returns the organization and the intent as they were named.
    pub(super) fn subject(&self) -> (&str, Intent) {
        (&self.key, self.intent)
    }

    fn request(&self, ui: &Ui) -> Result<LinkRequest, CliError> {
        let sso = SsoOptions {
            provider_type: self.provider.clone(),
            bookmark_slug: self.bookmark.clone(),
        };
        if sso.is_some() && self.intent != Intent::Sso {
            let message = "--provider and --bookmark are for sso; no request was made";
            return Err(CliError::new(Exit::Usage, cli_codes::USAGE, message));
        }
        Ok(LinkRequest {
            sso,
            intent: self.intent,
            destination: self.destination(ui)?,
            wait: self.wait.then(|| self.timeout.unwrap_or(DEFAULT_TIMEOUT)),
            options: Options {
                undeclared: self.undeclared,
                again: self.again,
            },
            user: self.user.clone(),
            contacts: if self.grant_contacts {
                Contacts::Granted
            } else {
                Contacts::Left
            },
            format: self.output,
        })
    }

    /// Returns the place that the link goes to; settled before anything is asked, because a link that
    /// was made cannot be taken back.
    fn destination(&self, ui: &Ui) -> Result<Destination, CliError> {
        let usage = |message: &str| CliError::new(Exit::Usage, cli_codes::USAGE, message);
        if self.open {
            browser::check()?;
            return Ok(Destination::Browser);
        }
        if self.output != Format::Text {
            let message =
                "JSON and YAML never hold the link, so they need --open; no request was made";
            return Err(usage(message).help(
                "add --open, or leave out -o: with --allow-non-tty the link alone is on \
                 standard output",
            ));
        }
        if ui.writes_to_file() {
            let message = "a link is not written to a file; no request was made";
            return Err(usage(message).help("leave out --output-file, or add --open"));
        }
        if !self.allow_non_tty && !ui.is_private() {
            let message = "standard output is no terminal, or CI is set; no request was made";
            return Err(CliError::new(Exit::Usage, codes::NOT_A_TERMINAL, message));
        }
        Ok(Destination::Terminal)
    }
}

/// A link to be made.
struct LinkRequest {
    intent: Intent,
    destination: Destination,
    /// The longest wait for the intent afterwards, where one is asked for.
    wait: Option<Duration>,
    options: Options,
    user: Option<ExternalUserId>,
    sso: SsoOptions,
    contacts: Contacts,
    format: Format,
}

/// Place that a link goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Destination {
    /// The browser of this machine.
    Browser,
    /// Standard output.
    Terminal,
}

/// Access of the entry's IT contacts to the portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contacts {
    /// The contacts get access with the link.
    Granted,
    /// The contacts stay as they are.
    Left,
}

pub(super) fn run(args: &LinkArgs, ui: &Ui) -> Result<Exit, CliError> {
    let request = args.request(ui)?;
    let intent = request.intent;
    let entry = args.entry.request(&args.key)?;
    let mut entry = Entry::load(entry, &[intent], Confirm::NameOrDomain, ui)?;
    allow_undeclared(&mut entry.manifest, &entry.key, intent, request.options)?;
    let contacts = contacts(&request, &entry)?;
    let connection = entry.connect()?;
    session::run_writing(&entry.manifest, &connection, ui, async |session| {
        let run = Run {
            session,
            request: &request,
            key: &entry.key,
            contacts: &contacts,
        };
        run.link().await
    })
}

/// Returns the IT contacts that get access with the link: those that the entry declares, and none
/// without `--grant-contacts`.
fn contacts(request: &LinkRequest, entry: &Entry) -> Result<Vec<Email>, CliError> {
    if request.contacts == Contacts::Left {
        return Ok(Vec::new());
    }
    let declared = entry.manifest.desired.organizations.get(&entry.key);
    let contacts: Vec<Email> = declared
        .into_iter()
        .flat_map(|entry| entry.it_contacts.iter().cloned())
        .collect();
    if contacts.is_empty() {
        let message = format!("`{}` declares no IT contact", entry.key);
        return Err(CliError::new(Exit::Usage, codes::NO_CONTACTS, message));
    }
    Ok(contacts)
}

/// One run of the command.
struct Run<'a> {
    session: &'a Session<'a>,
    request: &'a LinkRequest,
    key: &'a OrgKey,
    contacts: &'a [Email],
}

/// The organization and the state of the intent right before a link is made.
struct Ready {
    name: String,
    permitted: Permitted,
    readiness: IntentReadiness,
}

impl Run<'_> {
    async fn link(&self) -> Result<Exit, CliError> {
        let ready = self.check().await?;
        let wait = self.wait(&ready);
        // The wait begins before anybody can follow the link.
        let begun = match &wait {
            Some(wait) => {
                let until = match ready.readiness.state {
                    State::Configured => Until::ConfiguredAnew,
                    _ => Until::Configured,
                };
                Some((wait, wait.begin(until, &ready.readiness).await?))
            }
            None => None,
        };
        self.session.check_interrupted()?;
        let expires_at = self.make(&ready).await?;
        let Some((wait, begun)) = begun else {
            self.write(&ready, expires_at, None, Vec::new())?;
            return Ok(Exit::Done);
        };
        let waited = wait.wait(begun).await?;
        let report = WaitReport {
            headline: &self.session.connection.headline(),
            key: self.key,
            organization: &ready.permitted.organization,
            readiness: &waited.readiness,
            outcome: waited.outcome,
            took: waited.took,
        };
        let (exit, error) = poll::ended(&report);
        let items = error
            .as_ref()
            .map_or_else(Vec::new, |error| error.items.clone());
        self.write(&ready, expires_at, Some(&report), items)?;
        if let Some(error) = error {
            self.session.ui.error(&error);
        }
        Ok(exit)
    }

    /// Checks that the link may be made.
    async fn check(&self) -> Result<Ready, CliError> {
        let Self {
            session,
            request,
            key,
            contacts: _,
        } = *self;
        let (intent, ui) = (request.intent, session.ui);
        let live = session.observe().await?;
        let identity = live.identities.entries.get(key);
        let readiness = intent_of(session, &live, key, intent);
        let permitted = link::may_link(
            &session.manifest.desired,
            key,
            intent,
            link::Known {
                identity: identity.unwrap_or(&Identity::Missing),
                readiness: readiness.as_ref(),
                name: live.name_of(identity),
            },
            request.options,
        )
        .map_err(|refusal| refused(&refusal, key, intent))?;
        let Some(readiness) = readiness else {
            return Err(refused(&Refusal::NotCreated, key, intent));
        };
        if let Basis::Failed(why) = &readiness.basis {
            let code = api::READ_FAILED;
            ui.say(&format!(
                "warning[{code}]: the state of {key} {intent} could not be read: {why}"
            ));
        }
        let organization = live.observed.organizations.get(&permitted.organization);
        if let Some(rival) = organization.and_then(|live| session.rival(key, live)) {
            ui.say(&format!(
                "note: {rival} has the organization of `{key}`; a link changes nothing of it"
            ));
        }
        Ok(Ready {
            name: organization.map_or_else(|| key.to_string(), |live| live.name.clone()),
            permitted,
            readiness,
        })
    }

    fn wait<'b>(&'b self, ready: &'b Ready) -> Option<Wait<'b>> {
        let timeout = self.request.wait?;
        Some(Wait {
            session: self.session,
            key: self.key,
            intent: self.request.intent,
            organization: &ready.permitted.organization,
            timeout,
        })
    }

    /// Makes the link and hands it over; returns the time at which it expires.
    async fn make(&self, ready: &Ready) -> Result<Timestamp, CliError> {
        let Permitted {
            organization,
            intent,
            urls,
        } = &ready.permitted;
        let text_of = |url: &Option<link::ResolvedUrl>| url.as_ref().map(|u| u.url.to_string());
        let request = ApiLinkRequest {
            organization: organization.clone(),
            intent: *intent,
            return_url: text_of(&urls.return_url),
            success_url: text_of(&urls.success_url),
            external_user_id: self.request.user.clone(),
            sso: self.request.sso.clone(),
            it_contacts: self.contacts.to_vec(),
        };
        let connection = self.session.connection;
        // Counted from before the request: better said to end too early than too late.
        let now = connection.clock.now();
        let expires_at = now.checked_add(LIFETIME).unwrap_or(now);
        let expires_at = Timestamp::from_second(expires_at.as_second()).unwrap_or(expires_at);
        let made = connection.client.generate_link(&request).await;
        let link = made.map_err(|error| {
            let endpoint = &connection.target.endpoint;
            let told = link_errors::not_made(error, urls, self.key, *intent, endpoint);
            link_errors::mention_contacts(told, self.contacts)
        })?;
        self.hand_over(ready, &link, expires_at).await?;
        Ok(expires_at)
    }

    /// Hands the link to the browser or the terminal.
    async fn hand_over(
        &self,
        ready: &Ready,
        link: &PortalLink,
        expires_at: Timestamp,
    ) -> Result<(), CliError> {
        let Session { connection, ui, .. } = self.session;
        let headline = connection.headline();
        let report = self.report(ready, &headline);
        let until = time_in(expires_at, TimeZone::system());
        let layout = ui.talk_layout();
        match self.request.destination {
            Destination::Browser => {
                browser::open(link).await?;
                if self.request.wait.is_some() {
                    ui.say(&text::link(&report, &layout));
                    ui.say(&text::link_is_open(&until));
                }
            }
            Destination::Terminal => {
                ui.say(&format!("{}\n", text::link(&report, &layout)));
                Ui::portal_link(link)?;
                let valid = text::link_is_valid(&until, &ready.name, &layout);
                ui.say(&format!("\n{valid}"));
                if connection.is_sandbox() {
                    ui.say(
                        "note: this sandbox is inside the command, so nobody can open the link; \
                         `portalctl sandbox` serves one whose links can be opened",
                    );
                }
            }
        }
        Ok(())
    }

    /// Writes the result.
    fn write(
        &self,
        ready: &Ready,
        expires_at: Timestamp,
        waited: Option<&WaitReport<'_>>,
        errors: Vec<ErrorItem>,
    ) -> Result<(), CliError> {
        let Session { connection, ui, .. } = self.session;
        let headline = connection.headline();
        let report = self.report(ready, &headline);
        let layout = ui.layout();
        match (self.request.format, waited, self.request.destination) {
            (format @ (Format::Json | Format::Yaml), ..) => {
                let document = json_v1::link(&report, expires_at, waited, errors);
                ui.data(&format.document(&document)?)
            }
            (Format::Text, Some(waited), _) => ui.data(&text::wait(waited, &layout)),
            (Format::Text, None, Destination::Browser) => {
                let opened = text::link_is_open(&time_in(expires_at, TimeZone::system()));
                let head = text::link(&report, &layout);
                ui.data(&format!("{head}\n{opened}"))
            }
            // The link was the result.
            (Format::Text, None, Destination::Terminal) => Ok(()),
        }
    }

    fn report<'b>(&'b self, ready: &'b Ready, headline: &'b Headline) -> LinkReport<'b> {
        LinkReport {
            headline,
            key: self.key,
            name: Some(&ready.name),
            organization: &ready.permitted.organization,
            intent: ready.permitted.intent,
            urls: &ready.permitted.urls,
            user: self.request.user.as_ref(),
            contacts: self.contacts,
            readiness: &ready.readiness,
        }
    }
}

/// Returns a time of day with its time zone, as in `12:00:03 CET`.
fn time_in(at: Timestamp, zone: TimeZone) -> String {
    let local = at.to_zoned_datetime(zone);
    local.strftime("%H:%M:%S %Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_carries_its_zone() {
        let noon: Timestamp = "2026-01-15T12:00:03Z".parse().unwrap();
        let east = TimeZone::posix("CET-1").unwrap();
        assert_eq!(time_in(noon, TimeZone::UTC), "12:00:03 UTC");
        assert_eq!(time_in(noon, east), "13:00:03 CET");
    }
}
