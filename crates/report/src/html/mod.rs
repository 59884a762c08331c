//! HTML pages for people without a terminal: one file each, complete without script and network,
//! under a policy that forbids both.
//!
//! Text from outside reaches the templates as `shown::Shown` alone, and the templates escape its
//! markup.

mod bars;
mod cell;
mod details;
mod page;
mod plan;
mod shown;
mod wall;

pub use plan::plan;

use askama::Template;

use self::page::Page;
use self::shown::{Moment, Shown};
use self::wall::Wall;
use crate::text::{Layout, changed_lines};
use crate::view::{moment, requests, turn_label};
use crate::{ErrorItem, Headline, StatusReport};
use portalctl_core::readiness::Turn;
use portalctl_core::readiness::compare::OrganizationChange;

/// Error of a template.
pub type Unrendered = askama::Error;

/// Turns that the filter offers.
const TURNS: [(Turn, &str); 4] = [
    (Turn::You, turn_label(Turn::You)),
    (Turn::Customer, turn_label(Turn::Customer)),
    (Turn::Dns, turn_label(Turn::Dns)),
    (Turn::WorkOs, turn_label(Turn::WorkOs)),
];

/// Renders a readiness as a searchable matrix with all details, and what changed since an earlier
/// report, if there is one.
pub fn status(
    report: &StatusReport<'_>,
    changes: Option<&[OrganizationChange]>,
) -> Result<String, Unrendered> {
    let wall = Wall::new(report.readiness, Some(report.now))?;
    let origin = Origin::new(report.headline);
    let page = StatusPage {
        page: Page::with_wall(origin.title("Onboarding status"), wall.titles()),
        command: "status",
        origin,
        now: Moment(report.now),
        changes: changes.map(|changes| {
            let lines = changed_lines(changes, &Layout::plain());
            lines.iter().map(|line| Shown::new(line)).collect()
        }),
        warnings: report
            .readiness
            .warnings
            .iter()
            .map(|warning| Shown::new(&format!("{} ({})", warning.message, warning.code)))
            .collect(),
        manifest_warnings: problems(&report.headline.manifest_warnings),
        wall,
        version: VERSION,
    };
    page.render()
}

/// Renders the errors of a command without a result.
pub fn failure(command: &str, errors: &[ErrorItem]) -> Result<String, Unrendered> {
    let page = FailurePage {
        page: Page::plain(format!("No {command}")),
        command,
        errors: problems(errors),
        version: VERSION,
    };
    page.render()
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage {
    page: Page,
    command: &'static str,
    origin: Origin,
    now: Moment,
    /// Changes since the earlier report; none without one.
    changes: Option<Vec<Shown>>,
    /// Reads that failed.
    warnings: Vec<Shown>,
    manifest_warnings: Vec<Problem>,
    wall: Wall,
    version: &'static str,
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    page: Page,
    command: &'a str,
    errors: Vec<Problem>,
    version: &'static str,
}

/// Header of a page: target and cost.
struct Origin {
    sandbox: bool,
    environment: Option<Shown>,
    facts: Vec<Shown>,
}

impl Origin {
    fn new(headline: &Headline) -> Self {
        let target = &headline.target;
        let endpoint = Some(&target.endpoint).filter(|e| !headline.sandbox && !e.is_empty());
        let facts = [
            endpoint.map(|endpoint| Shown::new(endpoint.as_str())),
            target
                .key_kind
                .as_deref()
                .map(|kind| Shown::new(&format!("{kind} key"))),
            target
                .manifest
                .as_ref()
                .map(|name| Shown::new(&format!("manifest {name}"))),
            headline
                .snapshot
                .map(|taken| Shown::new(&format!("snapshot of {}", moment(taken)))),
            Some(Shown::new(&requests(headline))),
        ];
        Self {
            sandbox: headline.sandbox,
            environment: target.environment.as_deref().map(Shown::new),
            facts: facts.into_iter().flatten().collect(),
        }
    }

    /// Returns the title of the window.
    fn title(&self, what: &str) -> String {
        match &self.environment {
            Some(environment) => format!("{what} · {environment}"),
            None => what.to_owned(),
        }
    }
}

fn problems(items: &[ErrorItem]) -> Vec<Problem> {
    items.iter().map(Problem::new).collect()
}

/// Problem with its place.
struct Problem {
    code: Shown,
    message: Shown,
    help: Option<Shown>,
    /// File and line.
    place: Option<Shown>,
}

impl Problem {
    fn new(error: &ErrorItem) -> Self {
        Self {
            code: Shown::new(error.code),
            message: Shown::new(&error.message),
            help: error.help.as_deref().map(Shown::new),
            place: error.file.as_deref().map(|file| match error.line {
                Some(line) => Shown::new(&format!("{file}:{line}")),
                None => Shown::new(file),
            }),
        }
    }
}
