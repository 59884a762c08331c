//! `portalctl link`

use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::args::{EntryArgs, Format};
use super::connect::Connection;
use super::error::CliError;
use super::exit::Exit;
use super::session::{self, Confirm, Request};
use super::ui::Ui;
use super::waiting::{self, DEFAULT_TIMEOUT, Waiting, intent_of, parse_timeout, refused};
use super::{browser, failure_json, json, link_problem};
use portalctl_core::identity::Identity;
use portalctl_core::link::{self, LIFETIME, Options, Permitted, Refusal, Until};
use portalctl_core::readiness::{Basis, IntentReadiness, State};
use portalctl_model::codes::{api, cli as cli_codes, link as codes};
use portalctl_model::{Email, ExternalUserId, Intent, OrgKey};
use portalctl_report::json_v1::{self, ErrorItem};
use portalctl_report::{Headline, LinkReport, WaitReport, text};
use portalctl_workos::{LinkRequest, WritePortal};

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

    /// How long to wait: 90s, 30m, 2h; 30m unless said.
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

    /// Give the entry's IT contacts access to the portal with the link. WorkOS sends them its alerts
    /// from then on, such as that of an expiring certificate.
    #[arg(long)]
    grant_contacts: bool,

    /// Print the link also where standard output is no terminal, or CI is set.
    #[arg(long, conflicts_with = "open")]
    allow_non_tty: bool,

    /// The output's format; json needs --open, as it never holds the link.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,

    #[command(flatten)]
    entry: EntryArgs,
}

/// Reads the name of an intent.
pub(super) fn parse_intent() -> impl TypedValueParser<Value = Intent> {
    let names = Intent::ALL.map(Intent::as_str);
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Intent>())
}

impl LinkArgs {
    const fn options(&self) -> Options {
        Options {
            undeclared: self.undeclared,
            again: self.again,
        }
    }

    pub(super) fn failure(&self, items: &[ErrorItem]) -> Option<String> {
        match self.output {
            Format::Text => None,
            Format::Json => failure_json(items, |items| {
                json_v1::failed_link(Some((&self.key, self.intent)), items)
            }),
        }
    }
}

pub(super) fn run(args: &LinkArgs, ui: &Ui) -> Result<Exit, CliError> {
    check_destination(args, ui)?;
    let named = Confirm::NameOrDomain;
    let mut entry = session::entry(&args.entry, &args.key, &[args.intent], named, ui)?;
    allow_undeclared(&mut entry.request, &entry.key, args.intent, args.options())?;
    let contacts = contacts(args, &entry)?;
    let connection = entry.connect(&args.entry)?;
    let session::Entry { key, request, .. } = &entry;
    let run = Run {
        args,
        key,
        request,
        contacts: &contacts,
        connection: &connection,
        ui,
    };
    let outcome = session::block_on(async |interrupted| run.link(&interrupted).await);
    connection.close()?;
    outcome
}

/// Returns the IT contacts that get access with the link: those that the entry declares, and none
/// without `--grant-contacts`.
fn contacts(args: &LinkArgs, entry: &session::Entry) -> Result<Vec<Email>, CliError> {
    if !args.grant_contacts {
        return Ok(Vec::new());
    }
    let session::Entry { key, request, .. } = entry;
    let declared = request.desired.organizations.get(key);
    let contacts: Vec<Email> = declared
        .into_iter()
        .flat_map(|entry| entry.it_contacts.iter().cloned())
        .collect();
    if contacts.is_empty() {
        let message = format!("`{key}` declares no IT contact");
        return Err(CliError::new(Exit::Usage, codes::NO_CONTACTS, message));
    }
    Ok(contacts)
}

/// Where the link would go is settled before anything is asked: one that was made cannot be taken
/// back.
fn check_destination(args: &LinkArgs, ui: &Ui) -> Result<(), CliError> {
    let usage = |message: &str| CliError::new(Exit::Usage, cli_codes::USAGE, message);
    if args.open {
        return browser::check();
    }
    if args.output == Format::Json {
        let message = "-o json never holds the link, so it needs --open; no request was made";
        return Err(usage(message).help(
            "add --open, or leave out -o json: with --allow-non-tty the link alone is on standard \
             output",
        ));
    }
    if ui.writes_to_file() {
        let message = "a link is not written to a file; no request was made";
        return Err(usage(message).help("leave out --output-file, or add --open"));
    }
    if !args.allow_non_tty && !ui.is_private() {
        let message = "standard output is no terminal, or CI is set; no request was made";
        return Err(CliError::new(Exit::Usage, codes::NOT_A_TERMINAL, message));
    }
    Ok(())
}

/// Adds an undeclared intent to the entry, for this run and where that is allowed.
pub(super) fn allow_undeclared(
    request: &mut Request,
    key: &OrgKey,
    intent: Intent,
    options: Options,
) -> Result<(), CliError> {
    let entry = request.desired.organizations.get_mut(key);
    link::declares(entry.as_deref(), intent, options)
        .map_err(|refusal| refused(&refusal, key, intent))?;
    if let Some(entry) = entry {
        entry.intents.entry(intent).or_default();
    }
    Ok(())
}

/// One run of the command.
struct Run<'a> {
    args: &'a LinkArgs,
    key: &'a OrgKey,
    request: &'a Request,
    contacts: &'a [Email],
    connection: &'a Connection,
    ui: &'a Ui,
}

/// What is known right before a link is made.
struct Ready {
    name: String,
    permitted: Permitted,
    readiness: IntentReadiness,
}

impl Run<'_> {
    async fn link(&self, interrupted: &CancellationToken) -> Result<Exit, CliError> {
        let ready = self.decide(interrupted).await?;
        let waiting = self.waiting(&ready, interrupted);
        // The beginning is what holds before anybody can follow the link.
        let begun = match &waiting {
            Some(waiting) => {
                let until = match ready.readiness.state {
                    State::Configured => Until::ConfiguredAnew,
                    _ => Until::Configured,
                };
                Some(waiting.begin(until, &ready.readiness).await?)
            }
            None => None,
        };
        if interrupted.is_cancelled() {
            return Err(CliError::interrupted());
        }
        let expires_at = self.hand_over(&ready).await?;
        let (Some(waiting), Some(begun)) = (waiting, begun) else {
            self.tell(&ready, expires_at, None, Vec::new())?;
            return Ok(Exit::Done);
        };
        let waited = waiting.wait(begun).await?;
        let headline = session::headline(self.connection);
        let report = WaitReport {
            headline: &headline,
            key: self.key,
            organization: &ready.permitted.organization,
            readiness: &waited.readiness,
            outcome: waited.outcome,
            took: waited.took,
        };
        let (exit, error) = waiting::ended(&report);
        let items = error.as_ref().map(|error| error.items.clone());
        self.tell(&ready, expires_at, Some(&report), items.unwrap_or_default())?;
        if let Some(error) = error {
            self.ui.error(&error);
        }
        Ok(exit)
    }

    /// Looks whether the link may be made.
    async fn decide(&self, interrupted: &CancellationToken) -> Result<Ready, CliError> {
        let Self {
            args,
            key,
            request,
            contacts: _,
            connection,
            ui,
        } = *self;
        let reality = session::look(connection, request, ui, interrupted).await?;
        let identity = reality.identities.entries.get(key);
        let readiness = intent_of(&reality, request, connection, key, args.intent);
        let permitted = link::may_link(
            &request.desired,
            key,
            args.intent,
            identity.unwrap_or(&Identity::Missing),
            readiness.as_ref(),
            args.options(),
        )
        .map_err(|refusal| refused(&refusal, key, args.intent))?;
        let Some(readiness) = readiness else {
            return Err(refused(&Refusal::NotCreated, key, args.intent));
        };
        if let Basis::Failed(why) = &readiness.basis {
            ui.say(&format!(
                "warning[{}]: how far {key} is with {} could not be read: {why}",
                api::READ_FAILED,
                args.intent
            ));
        }
        let organization = reality.observed.organizations.get(&permitted.organization);
        if let Some(rival) = organization.and_then(|live| session::rival(key, request, live)) {
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

    fn waiting<'b>(
        &'b self,
        ready: &'b Ready,
        interrupted: &'b CancellationToken,
    ) -> Option<Waiting<'b>> {
        self.args.wait.then(|| Waiting {
            request: self.request,
            connection: self.connection,
            ui: self.ui,
            key: self.key,
            intent: self.args.intent,
            organization: &ready.permitted.organization,
            timeout: self.args.timeout.unwrap_or(DEFAULT_TIMEOUT),
            interrupted,
        })
    }

    /// Makes the link, and hands it to the browser or the terminal; returns until when it is good.
    async fn hand_over(&self, ready: &Ready) -> Result<Timestamp, CliError> {
        let Permitted {
            organization,
            intent,
            urls,
        } = &ready.permitted;
        let text_of = |url: &Option<link::ResolvedUrl>| url.as_ref().map(|u| u.url.to_string());
        let request = LinkRequest {
            organization: organization.clone(),
            intent: *intent,
            return_url: text_of(&urls.return_url),
            success_url: text_of(&urls.success_url),
            external_user_id: self.args.user.clone(),
            it_contacts: self.contacts.to_vec(),
        };
        // From before the request: better said to end too early than too late.
        let now = self.connection.clock.now();
        let expires_at = now.checked_add(LIFETIME).unwrap_or(now);
        let expires_at = Timestamp::from_second(expires_at.as_second()).unwrap_or(expires_at);
        let made = self.connection.client.generate_link(&request).await;
        let endpoint = &self.connection.target.endpoint;
        let link = made.map_err(|error| {
            let told = link_problem::told(error, urls, self.key, *intent, endpoint);
            link_problem::mention_contacts(told, self.contacts)
        })?;
        let headline = session::headline(self.connection);
        let report = self.report(ready, &headline);
        let until = time_in(expires_at, TimeZone::system());
        let layout = self.ui.talk_layout();
        if self.args.open {
            browser::open(&link).await?;
            if self.args.wait {
                self.ui.say(&text::link(&report, &layout));
                self.ui.say(&text::link_is_open(&until));
            }
            return Ok(expires_at);
        }
        self.ui.say(&format!("{}\n", text::link(&report, &layout)));
        Ui::portal_link(&link)?;
        self.ui.say(&format!(
            "\n{}",
            text::link_is_valid(&until, &ready.name, &layout)
        ));
        if self.connection.is_sandbox() {
            self.ui.say(
                "note: this sandbox is inside the command, so nobody can open the link; \
                 `portalctl sandbox` serves one whose links can be opened",
            );
        }
        Ok(expires_at)
    }

    /// Writes the result.
    fn tell(
        &self,
        ready: &Ready,
        expires_at: Timestamp,
        waited: Option<&WaitReport<'_>>,
        errors: Vec<ErrorItem>,
    ) -> Result<(), CliError> {
        let headline = session::headline(self.connection);
        let report = self.report(ready, &headline);
        let layout = self.ui.layout();
        match (self.args.output, waited) {
            (Format::Json, _) => {
                let document = json_v1::link(&report, expires_at, waited, errors);
                self.ui.data(&json(&document)?)
            }
            (Format::Text, Some(waited)) => self.ui.data(&text::wait(waited, &layout)),
            (Format::Text, None) if self.args.open => {
                let opened = text::link_is_open(&time_in(expires_at, TimeZone::system()));
                let head = text::link(&report, &layout);
                self.ui.data(&format!("{head}\n{opened}"))
            }
            // The link was the result.
            (Format::Text, None) => Ok(()),
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
            user: self.args.user.as_ref(),
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
