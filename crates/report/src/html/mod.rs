//! Pages for people who never open a terminal: one file each, complete without a script and
//! without a network, and under a policy that allows neither.
//!
//! What comes from outside reaches the templates as `shown::Shown` alone, and the templates
//! escape its markup.

mod bars;
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
use super::text::whose;
use super::{Headline, StatusReport, text};
use crate::json_v1::ErrorItem;
use portalctl_core::readiness::Turn;

/// A page could not be put together: a template failed.
pub type Unrendered = askama::Error;

/// Who can have the turn, for the filter.
const TURNS: [(Turn, &str); 4] = [
    (Turn::You, whose(Turn::You)),
    (Turn::Customer, whose(Turn::Customer)),
    (Turn::Dns, whose(Turn::Dns)),
    (Turn::WorkOs, whose(Turn::WorkOs)),
];

/// Renders readiness: the wall, searchable, with everything behind it.
pub fn status(report: &StatusReport<'_>) -> Result<String, Unrendered> {
    let wall = Wall::new(report.readiness, Some(report.now))?;
    let origin = Origin::new(report.headline);
    let page = StatusPage {
        page: Page::with_wall(origin.title("Onboarding status"), wall.titles()),
        command: "status",
        origin,
        now: Moment(report.now),
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

/// Renders why a command has no result.
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

/// Where a report was made and at what cost.
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
            Some(Shown::new(&text::requests(headline))),
        ];
        Self {
            sandbox: headline.sandbox,
            environment: target.environment.as_deref().map(Shown::new),
            facts: facts.into_iter().flatten().collect(),
        }
    }

    /// What a window of this report is called.
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

/// Something that went wrong.
struct Problem {
    code: Shown,
    message: Shown,
    help: Option<Shown>,
    /// The file and line it is about.
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
