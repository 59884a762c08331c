//! Markdown for GitHub: what a reviewer reads in a pull request.
//!
//! Begins with hidden lines by which tools find the comment and the digest; says first what
//! somebody has to decide; fits into one comment ([`LIMIT`]) by leaving out what is least missed,
//! and says so. The same result gives the same bytes: no time, no number of requests. E-mail
//! addresses are always masked, and nothing from outside comes alive: no element, link, mention or
//! image. There are no links at all.

mod apply;
mod budget;
mod changed;
mod changes;
mod escape;
mod failed;
mod marker;
mod plan;
mod status;
mod undone;

use super::Headline;
use super::text::WORDS;
use portalctl_core::plan::Target;
use portalctl_core::plan::digest::Digest;
use portalctl_model::desired::Names;

pub use apply::apply;
pub use budget::LIMIT;
pub use failed::failed;
pub use plan::plan;
pub use status::status;

/// Shows all of a plan.
const PLAN: &str = "portalctl plan";
/// Shows all of a readiness.
const STATUS: &str = "portalctl status --all";
/// Holds all of an account.
const JSON: &str = "-o json";

fn names(target: &Target) -> Names {
    Names {
        environment: target.environment.clone(),
        manifest: target.manifest.clone(),
    }
}

/// The first line that people see: what ran, against what, and how it ended.
fn title(command: &str, sandbox: bool, names: &Names, outcome: &str) -> String {
    let sandbox = if sandbox { " · sandbox" } else { "" };
    let environment = names
        .environment
        .as_deref()
        .map(|name| format!(" · {}", escape::code(name)))
        .unwrap_or_default();
    format!("### portalctl {command}{sandbox}{environment}: {outcome}\n\n")
}

/// The line below the title: what it was made against, and the digest where there is one.
fn facts(headline: &Headline, digest: Option<&Digest>) -> String {
    let Target {
        environment: _,
        endpoint,
        key_kind,
        client_id: _,
        manifest,
    } = &headline.target;
    let mut facts = Vec::new();
    if let Some(manifest) = manifest {
        facts.push(format!("manifest {}", escape::code(manifest.as_str())));
    }
    // The title names a sandbox.
    if !headline.sandbox && !endpoint.is_empty() {
        facts.push(escape::code(endpoint));
    }
    facts.extend(
        key_kind
            .as_deref()
            .map(|kind| format!("{} key", escape::prose(kind))),
    );
    facts.extend(digest.map(|digest| format!("digest `{digest}`")));
    if facts.is_empty() {
        String::new()
    } else {
        format!("{}\n\n", facts.join(" · "))
    }
}

/// What stands where there is nothing to say.
const NOTHING: &str = "–";

/// A line of a table.
fn row<const N: usize>(cells: [&str; N]) -> String {
    let cells = cells.map(|cell| match cell {
        "" => NOTHING.to_owned(),
        cell => escape::cell(cell),
    });
    format!("| {} |\n", cells.join(" | "))
}

/// The head of a table.
fn head<const N: usize>(cells: [&str; N]) -> String {
    format!("{}|{}\n", row(cells), "---|".repeat(N))
}

/// An item of a list, and what to do about it.
fn item(said: &str, next: Option<&str>) -> String {
    let next = next
        .map(|next| format!("  - next: {}\n", escape::prose(next)))
        .unwrap_or_default();
    format!("- {said}\n{next}")
}
