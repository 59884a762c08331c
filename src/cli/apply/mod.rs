//! `portalctl apply`
//!
//! Takes a manifest, and perhaps reviews of an earlier plan. Plans, shows the plan, has it confirmed
//! unless it was reviewed before, does it, and accounts for every change.

mod execute;
mod reviews;

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
use portalctl_core::plan::review::Approved;
use portalctl_model::codes::cli as codes;
use portalctl_model::text::escape;
use portalctl_report::{PlanReport, text};
use portalctl_workos::apply::ApplyReport;
use reviews::{Expected, Origin};

/// Apply the plan, after asking for consent.
///
/// Shows the plan and asks for consent on a terminal; elsewhere --yes is the consent. Ends with an
/// account of every change and the state of every feature. Running it again continues where it
/// stopped.
///
/// With a review (PLAN or --expect-digest) it plans anew and does what is both planned now and
/// reviewed. An entry with a change that nobody reviewed is left out whole and named, with exit code
/// 7. A review gives no power: the run needs the flags of the plan.
#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// Do only what this plan has, which `plan --out` saved; it is consent.
    #[arg(value_name = "PLAN", conflicts_with = "expect_digest")]
    pub(super) plan: Option<PathBuf>,

    /// Do only what was reviewed; it is consent. A digest approves the plan as it was; a plan's JSON
    /// or the comment of `plan -o markdown` also what is left of it. May be given more than once.
    #[arg(long, value_name = "DIGEST|FILE")]
    expect_digest: Vec<String>,

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

    fn consent(&self) -> Result<Consent, CliError> {
        let files = self.plan.iter().cloned().map(Origin::File);
        let expected = self.expect_digest.iter().map(|text| Origin::of(text));
        let origins: Vec<Origin> = files.chain(expected).collect();
        if !origins.is_empty() {
            return Ok(Consent::ToReviewed(Expected::read(&origins)?));
        }
        Ok(if self.yes {
            Consent::Given
        } else {
            Consent::Asked
        })
    }

    fn request(&self) -> Result<ApplyRequest, CliError> {
        Ok(ApplyRequest {
            target: self.target.request()?,
            powers: self.powers.request(),
            consent: self.consent()?,
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
enum Consent {
    /// Given beforehand, by `--yes`.
    Given,
    /// Given to what was reviewed, and to nothing else.
    ToReviewed(Expected),
    /// Asked for on the terminal, once the plan was shown.
    Asked,
}

pub(super) fn run(args: &ApplyArgs, ui: &Ui) -> Result<Exit, CliError> {
    let request = args.request()?;
    if matches!(request.consent, Consent::Asked) && !ui.is_interactive() {
        let message = "there is no terminal to ask at";
        return Err(CliError::new(Exit::Usage, codes::NO_CONSENT, message));
    }
    let manifest = request.powers.load(&request.target.manifest, ui)?;
    let connection = connect::open(&request.target.connection, &manifest.desired)?;
    if let Consent::ToReviewed(expected) = &request.consent {
        let checked = expected.check_target(&connection.target);
        checked.map_err(|error| error.of(manifest.desired.names()))?;
    }
    session::run_writing(&manifest, &connection, ui, async |session| {
        plan_and_apply(session, &request).await
    })
}

async fn plan_and_apply(session: &Session<'_>, request: &ApplyRequest) -> Result<Exit, CliError> {
    let policy = request.powers.policy;
    let mut live = session.observe_for_plan(policy).await?;
    let readiness = session.readiness(&live);
    let plan = make_plan(
        session.manifest,
        &session.connection.target,
        &live,
        &readiness,
        policy,
    );
    let shown = text::plan(
        &PlanReport {
            headline: &session.headline(),
            plan: &plan,
            readiness: &readiness,
        },
        &session.ui.talk_layout(),
    );
    let plan = confirm(session, plan, &shown, &request.consent).await?;
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

/// Shows the plan on standard error, and has it confirmed unless it was before. Returns the part of
/// it that may be done.
async fn confirm(
    session: &Session<'_>,
    plan: Plan,
    shown: &str,
    consent: &Consent,
) -> Result<Plan, CliError> {
    match consent {
        Consent::Asked if plan.reviewed().next().is_some() => {
            // Also with -q: nobody consents to what was not shown.
            Ui::insist(shown);
            session.confirm(&question(session, &plan)).await?;
            Ok(plan)
        }
        Consent::Asked | Consent::Given => {
            session.ui.say(shown);
            Ok(plan)
        }
        Consent::ToReviewed(expected) => {
            session.ui.say(shown);
            let Approved { plan, unplanned } = expected.approve(plan)?;
            if unplanned > 0 {
                session.ui.say(&format!(
                    "note: {} not planned in this run: done already, no longer wanted, held, or \
                     in need of a flag such as --prune",
                    counted_are(unplanned)
                ));
            }
            Ok(plan)
        }
    }
}

fn counted_are(effects: usize) -> String {
    match effects {
        1 => "1 reviewed effect is".to_owned(),
        effects => format!("{effects} reviewed effects are"),
    }
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
