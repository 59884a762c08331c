//! `portalctl apply`
//!
//! Takes a manifest, or a plan that `plan --out` saved. Shows the plan, has it confirmed unless it was
//! before, does it, and accounts for every change.

mod execute;
mod saved;

use std::path::PathBuf;

use clap::Args;

use super::args::TargetArgs;
use super::connect;
use super::error::CliError;
use super::exit::Exit;
use super::extra_outputs::ExtraOutputArgs;
use super::planning::make_plan;
use super::powers::{PowerArgs, Powers};
use super::request::TargetRequest;
use super::session::{self, LiveState, Session};
use super::ui::Ui;
use execute::{ApplyFormat, Execution, execute, exit_of, report};
use portalctl_core::identity::identify;
use portalctl_core::plan::Plan;
use portalctl_core::plan::digest::Digest;
use portalctl_model::codes::{cli as codes, plan as plan_codes};
use portalctl_model::text::escape;
use portalctl_report::{PlanReport, text};
use portalctl_workos::apply::ApplyReport;

/// Apply the plan, after asking for consent.
///
/// Shows the plan and asks for consent on a terminal; elsewhere --yes is the consent. Ends with an
/// account of every change and the state of every feature. Running it again continues where it
/// stopped.
#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// Apply a plan that `plan --out` saved; it is consent.
    #[arg(
        value_name = "PLAN",
        conflicts_with_all = [
            "file", "only", "intent", "expect_digest", "adopt", "adopt_owned", "allow_rekey",
            "allow_trusted_domains", "allow_domain_removal", "allow_data_loss", "prune",
            "prune_active", "allow_bulk",
        ]
    )]
    pub(super) plan: Option<PathBuf>,

    /// Do what the plan with this digest says, and nothing else; it is consent.
    #[arg(long, value_name = "DIGEST")]
    expect_digest: Option<String>,

    /// Consent to the plan without being asked.
    #[arg(short, long)]
    yes: bool,

    /// Number of organizations that are worked on at once.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = parse_concurrency)]
    concurrency: usize,

    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub(super) output: ApplyFormat,

    #[command(flatten)]
    pub(super) extra: ExtraOutputArgs<ApplyFormat>,

    #[command(flatten)]
    powers: PowerArgs,

    #[command(flatten)]
    pub(super) target: TargetArgs,
}

fn parse_concurrency(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=256) => Ok(count),
        _ => Err("a number from 1 to 256 is wanted".to_owned()),
    }
}

impl ApplyArgs {
    fn execution(&self) -> Execution {
        Execution {
            concurrency: self.concurrency,
            outputs: self.extra.beside(self.output),
        }
    }

    fn request(&self) -> Result<ApplyRequest, CliError> {
        Ok(ApplyRequest {
            target: self.target.request()?,
            powers: self.powers.request(),
            consent: match (&self.expect_digest, self.yes) {
                (Some(digest), _) => Consent::ToDigest(digest.clone()),
                (None, true) => Consent::Given,
                (None, false) => Consent::Asked,
            },
            execution: self.execution(),
        })
    }
}

/// A manifest to be applied.
struct ApplyRequest {
    target: TargetRequest,
    powers: Powers,
    consent: Consent,
    execution: Execution,
}

/// Consent to a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Consent {
    /// Given beforehand, by `--yes`.
    Given,
    /// Given to the plan with this digest, and to no other.
    ToDigest(String),
    /// Asked for on the terminal, once the plan was shown.
    Asked,
}

pub(super) fn run(args: &ApplyArgs, ui: &Ui) -> Result<Exit, CliError> {
    if let Some(path) = &args.plan {
        return saved::run(path, &args.target.connection(), &args.execution(), ui);
    }
    let request = args.request()?;
    if request.consent == Consent::Asked && !ui.is_interactive() {
        let message = "there is no terminal to ask at";
        return Err(CliError::new(Exit::Usage, codes::NO_CONSENT, message));
    }
    let manifest = request.powers.load(&request.target.manifest, ui)?;
    let connection = connect::open(&request.target.connection, &manifest.desired)?;
    session::run_writing(&manifest, &connection, ui, async |session| {
        plan_and_apply(session, &request).await
    })
}

async fn plan_and_apply(session: &Session<'_>, request: &ApplyRequest) -> Result<Exit, CliError> {
    let policy = request.powers.policy;
    let mut live = session.observe_for_plan(policy).await?;
    let readiness = session.readiness(&live);
    let plan = make_plan(session, &live, &readiness, policy);
    let shown = text::plan(
        &PlanReport {
            headline: &session.headline(),
            plan: &plan,
            readiness: &readiness,
        },
        &session.ui.talk_layout(),
    );
    confirm(session, &plan, &shown, &request.consent).await?;
    session.check_interrupted()?;
    let outcome = execute(session, &plan, &request.execution).await;
    live.take_in(session, &outcome);
    let readiness = session.readiness(&live);
    report(session, &plan, &outcome, &readiness, &request.execution)?;
    if session.connection.is_throwaway() {
        session.ui.say(
            "note: this sandbox ends with the command; --sandbox=FILE keeps it for the next one",
        );
    }
    Ok(exit_of(&plan, &outcome))
}

impl LiveState {
    /// Takes in what a run changed, so that readiness is that after it.
    fn take_in(&mut self, session: &Session<'_>, outcome: &ApplyReport) {
        outcome.update(&mut self.observed);
        self.identities = identify(&session.manifest.desired, &self.observed);
    }
}

/// Shows the plan on standard error, and has it confirmed unless it was before.
async fn confirm(
    session: &Session<'_>,
    plan: &Plan,
    shown: &str,
    consent: &Consent,
) -> Result<(), CliError> {
    match consent {
        Consent::Asked if plan.reviewed().next().is_some() => {
            // Also with -q: nobody consents to what was not shown.
            Ui::insist(shown);
            session.confirm(&question(session, plan)).await
        }
        Consent::Asked | Consent::Given => {
            session.ui.say(shown);
            Ok(())
        }
        Consent::ToDigest(expected) => {
            session.ui.say(shown);
            check_digest(expected, plan)
        }
    }
}

/// Refuses every plan but the one that was reviewed.
fn check_digest(expected: &str, plan: &Plan) -> Result<(), CliError> {
    let digest = Digest::of(plan).to_string();
    if digest == expected {
        return Ok(());
    }
    let message = format!(
        "the plan's digest is {digest}, and {} was expected; nothing was done",
        escape(expected)
    );
    Err(CliError::new(
        Exit::Stopped,
        plan_codes::DIGEST_DIFFERS,
        message,
    ))
}

fn question(session: &Session<'_>, plan: &Plan) -> String {
    let environment = session.connection.target.environment.as_deref();
    let environment = environment.unwrap_or("this environment");
    let changes = match plan.reviewed().count() {
        1 => "this change".to_owned(),
        count => format!("these {count} changes"),
    };
    format!("Apply {changes} to {}?", escape(environment))
}
