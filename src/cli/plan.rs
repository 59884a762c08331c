//! `portalctl plan`

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::also::AlsoArgs;
use super::args::{ConnectionArgs, TargetArgs};
use super::error::CliError;
use super::exit::Exit;
use super::session::{self, Reality, Request};
use super::ui::Ui;
use super::{connect, failure_json, failure_markdown, json};
use portalctl_core::plan::{Plan, Policy, Warning, plan};
use portalctl_core::readiness::{Basis, Readiness};
use portalctl_model::codes::{api, cli as codes};
use portalctl_model::desired::{Desired, Invite};
use portalctl_model::observed::Observed;
use portalctl_model::{OrgKey, OrganizationId, mark};
use portalctl_platform::files;
use portalctl_report::json_v1;
use portalctl_report::text::Layout;
use portalctl_report::{PlanReport, html, markdown, sarif, text};
use portalctl_workos::observe::{Contacts, Extent};

/// What stands for a key in a warning that is about no single entry.
const EVERYBODY: &str = "(several)";

/// Show what apply would do.
///
/// Reads what decides a change, and nothing else: `portalctl status` tells how far every customer
/// is.
/// Makes no change, and could not: what plans holds a client without writes.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Exit with 2 when changes or held items are pending.
    #[arg(long)]
    detailed_exitcode: bool,

    /// The output's format.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: PlanFormat,

    #[command(flatten)]
    also: AlsoArgs<PlanFormat>,

    /// Also save the plan to a file, for `portalctl apply FILE`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    #[command(flatten)]
    powers: PowerArgs,

    #[command(flatten)]
    target: TargetArgs,
}

/// The formats of `plan`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PlanFormat {
    /// For people.
    Text,
    /// For machines: one document, on failure too.
    Json,
    /// For a comment on a pull request, on failure too.
    Markdown,
    /// A page in one file, to keep or to pass on.
    Html,
    /// For code scanning and annotations: what needs somebody, on its line; on failure too.
    Sarif,
}

impl PlanFormat {
    fn render(
        self,
        report: &PlanReport<'_>,
        desired: &Desired,
        layout: &Layout,
    ) -> Result<String, CliError> {
        match self {
            Self::Text => Ok(text::plan(report, layout)),
            Self::Json => json(&json_v1::plan(report)),
            Self::Markdown => Ok(markdown::plan(report)),
            Self::Html => html::plan(report).map_err(CliError::internal),
            Self::Sarif => sarif::plan(report.plan, desired, &report.headline.manifest_warnings)
                .map_err(CliError::internal),
        }
    }

    /// Why there is no plan; text has standard error for it.
    fn failure(self, error: &CliError, connection: &ConnectionArgs) -> Option<String> {
        match self {
            Self::Text => None,
            Self::Json => failure_json(&error.items, json_v1::failed_plan),
            Self::Markdown => Some(failure_markdown("plan", error, connection)),
            Self::Html => html::failure("plan", &error.items).ok(),
            Self::Sarif => sarif::problems(&error.items, &[]).ok(),
        }
    }
}

/// What the run may do beyond the harmless; a plan shows what each would change.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Powers")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one flag of the command line"
)]
pub(super) struct PowerArgs {
    /// Take over organizations that no entry claims and that have verified an entry's domain.
    #[arg(long)]
    adopt: bool,

    /// Change and take over organizations that another manifest or an operator holds.
    #[arg(long)]
    adopt_owned: bool,

    /// Write over a different external id (a renamed key).
    #[arg(long)]
    allow_rekey: bool,

    /// Create domains declared `state: verified` as verified, without proof.
    #[arg(long)]
    allow_trusted_domains: bool,

    /// Remove verified domains where `domains_policy` is exact.
    #[arg(long)]
    allow_domain_removal: bool,

    /// Keep audit-log events for a shorter time than now: older ones are deleted for good.
    #[arg(long)]
    allow_data_loss: bool,

    /// Delete organizations that this manifest created and declares no more.
    #[arg(long)]
    prune: bool,

    /// With --prune, and for entries with `state: absent`: also organizations in use: with a connection or directory in any state but
    /// draft, `requires_type` and deleting, a verified domain, active audit logs or log stream, a
    /// member, or what could not be read.
    #[arg(long)]
    prune_active: bool,

    /// Read the IT contacts also of organizations that are marked as having all that are declared.
    #[arg(long)]
    refresh_contacts: bool,

    /// Let this run exceed the manifest's limits, send more than 10 invitations, and with --prune
    /// delete although most is undeclared, a file was skipped or the plan also creates.
    #[arg(long)]
    allow_bulk: bool,
}

impl PowerArgs {
    pub(super) const fn policy(self) -> Policy {
        let Self {
            adopt,
            adopt_owned,
            allow_rekey,
            allow_trusted_domains,
            allow_domain_removal,
            allow_data_loss,
            prune,
            prune_active,
            refresh_contacts: _,
            allow_bulk,
        } = self;
        Policy {
            adopt,
            adopt_owned,
            allow_rekey,
            allow_trusted_domains,
            allow_domain_removal,
            allow_data_loss,
            prune,
            prune_active,
            allow_bulk,
        }
    }

    /// Reads the manifest; what prunes has to know that it is the whole one.
    pub(super) fn request(self, target: &TargetArgs, ui: &Ui) -> Result<Request, CliError> {
        let mut request = session::manifest(target, ui)?;
        if self.refresh_contacts {
            request.contacts = Contacts::All;
        }
        if self.prune_active && !self.prune && request.desired.absent.is_empty() {
            return Err(usage(
                "--prune-active needs --prune, or an entry with `state: absent`",
            ));
        }
        if self.prune {
            let args = &target.manifest;
            let is_part = !args.only.is_empty()
                || !args.intent.is_empty()
                || args.files.file.len() > 1
                || args.files.file.iter().any(|file| file.as_os_str() == "-");
            if is_part {
                return Err(usage(
                    "--prune takes one whole manifest: one -f, and no --only, --intent \
                     or standard input",
                ));
            }
            if request.desired.manifest.is_none() {
                return Err(usage(
                    "--prune needs `manifest:` in the manifest: the owner mark of what it \
                     created",
                ));
            }
            request.extent = Extent::Everything;
        }
        Ok(request)
    }
}

fn usage(message: &str) -> CliError {
    CliError::new(Exit::Usage, codes::USAGE, message)
}

impl PlanArgs {
    pub(super) fn failure(&self, error: &CliError) -> Option<String> {
        self.output.failure(error, &self.target.connection)
    }

    pub(super) fn check_files(&self, ui: &Ui) -> Result<(), CliError> {
        self.also.check(&[ui.output_file(), self.out.as_deref()])
    }

    pub(super) fn fail_files(&self, error: &CliError) -> Result<(), CliError> {
        let connection = &self.target.connection;
        self.also.fail(|format| format.failure(error, connection))
    }
}

pub(super) fn run(args: &PlanArgs, ui: &Ui) -> Result<Exit, CliError> {
    let request = args.powers.request(&args.target, ui)?;
    run_on(&request, args, ui).map_err(|error| error.of(request.desired.names()))
}

fn run_on(request: &Request, args: &PlanArgs, ui: &Ui) -> Result<Exit, CliError> {
    let connection = session::connect(&args.target, request)?;
    session::block_on(async |interrupted| {
        let policy = args.powers.policy();
        let reality = session::look_to_plan(&connection, request, policy, ui, &interrupted).await?;
        let readiness = reality.readiness(request, &connection);
        let plan = make_plan(request, &reality, &readiness, &connection, policy);
        let headline = request.headline(&connection);
        let report = PlanReport {
            headline: &headline,
            plan: &plan,
            readiness: &readiness,
        };
        if let Some(path) = &args.out {
            files::replace(path, json(&json_v1::plan(&report))?.as_bytes())
                .map_err(|error| CliError::file(codes::FILE, "write", path, &error))?;
        }
        args.also.tell(&args.output, ui, |format, layout| {
            format.render(&report, &request.desired, layout)
        })?;
        Ok(exit_of(&plan, args.detailed_exitcode))
    })
}

/// Plans what was read.
pub(super) fn make_plan(
    request: &Request,
    reality: &Reality,
    readiness: &Readiness,
    connection: &connect::Connection,
    policy: Policy,
) -> Plan {
    let mut plan = plan(
        &request.desired,
        &reality.observed,
        &reality.identities,
        &readiness.unconfigured(),
        policy,
        &request.selection,
        connection.target.clone(),
    );
    plan.warn(unread(&request.desired, &reality.observed, readiness));
    plan
}

/// The warnings of what could not be read: of each invitation that is not planned on account of it,
/// and of everything else.
fn unread(desired: &Desired, observed: &Observed, readiness: &Readiness) -> Vec<Warning> {
    let is_open = |id: &OrganizationId| {
        let live = observed.organizations.get(id);
        live.is_some_and(|live| !live.metadata.contains_key(mark::INVITED))
    };
    let mut warnings = Vec::new();
    for organization in &readiness.organizations {
        let declared = desired.organizations.get(&organization.key);
        let invites = declared.is_some_and(|entry| entry.invite == Invite::Once)
            && organization.organization_id.as_ref().is_some_and(is_open);
        let failed = organization.intents.iter().find_map(|intent| {
            let is_invitable = intent.intent.invite_name().is_some();
            match &intent.basis {
                Basis::Failed(why) if invites && is_invitable => Some((intent.intent, why)),
                _ => None,
            }
        });
        warnings.extend(failed.map(|(intent, why)| Warning {
            key: organization.key.clone(),
            code: api::READ_FAILED,
            message: format!(
                "nobody is invited in this run, because {intent} could not be read: {why}"
            ),
        }));
    }
    let told: BTreeSet<OrgKey> = warnings.iter().map(|warning| warning.key.clone()).collect();
    let others = readiness.warnings.iter();
    let others =
        others.filter(|it| it.keys.is_empty() || !it.keys.iter().all(|k| told.contains(k)));
    warnings.extend(others.map(|warning| Warning {
        key: match warning.keys.as_slice() {
            [key] => key.clone(),
            _ => OrgKey::undeclared(EVERYBODY),
        },
        code: warning.code,
        message: warning.message.clone(),
    }));
    warnings
}

/// What a guard stopped, whether or not it was asked for.
pub(super) fn guard_exit(plan: &Plan) -> Exit {
    if plan.open_conflicts().next().is_some() || plan.exceeds_a_limit() {
        Exit::Stopped
    } else {
        Exit::Done
    }
}

fn exit_of(plan: &Plan, detailed: bool) -> Exit {
    let pending = plan.reviewed().next().is_some() || !plan.held.is_empty();
    let asked = if detailed && pending {
        Exit::Asked
    } else {
        Exit::Done
    };
    asked.or_worse(guard_exit(plan))
}
