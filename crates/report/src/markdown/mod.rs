//! Markdown for GitHub: reports that a reviewer reads in a pull request.
//!
//! Hidden lines at the top let tools find the comment and the digest. Decisions come first, and a
//! report fits into one comment ([`LIMIT`]) or job summary by leaving out the least important items, with a
//! remark. The same result gives the same bytes: no time, no number of requests. E-mail addresses
//! are always masked, and no text from outside becomes an element, a link, a mention or an image.
//! There are no links at all.

mod apply;
mod budget;
mod changed;
mod changes;
mod destinations;
mod diff;
mod escape;
mod failed;
mod hidden;
mod marker;
mod plan;
mod status;
mod undone;

use super::Headline;
use portalctl_core::plan::digest::Digest;
use portalctl_core::plan::{Plan, Target};
use portalctl_model::OrgKey;
use portalctl_model::desired::Names;

pub use apply::apply;
pub use budget::{Document, LIMIT, SUMMARY_LIMIT};
pub use diff::diff;
pub use failed::{FailedRun, failed};
pub use hidden::{HiddenLines, hide};
pub use plan::plan;
pub use status::status;

/// Command that shows all of a plan.
const PLAN: &str = "portalctl plan";
/// Command that shows all of a difference.
const DIFF: &str = "portalctl diff";
/// Command that shows all of a readiness.
const STATUS: &str = "portalctl status --all";
/// Option that prints all of an account.
const JSON: &str = "-o json";

fn names(target: &Target) -> Names {
    Names {
        environment: target.environment.clone(),
        manifest: target.manifest.clone(),
    }
}

/// Returns the first visible line: command, target and outcome.
fn title(headline: &Headline, command: &str, outcome: &str) -> String {
    let sandbox = if headline.sandbox { " · sandbox" } else { "" };
    let environment = headline
        .target
        .environment
        .as_deref()
        .map(|name| format!(" · {}", escape::code(name)))
        .unwrap_or_default();
    format!("### portalctl {command}{sandbox}{environment}: {outcome}\n\n")
}

/// Returns the line below the title: the target, and the digest where there is one.
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
    facts.extend(
        headline
            .snapshot
            .map(|taken| format!("snapshot of {}", crate::view::moment(taken))),
    );
    facts.extend(digest.map(|digest| format!("digest `{digest}`")));
    if facts.is_empty() {
        String::new()
    } else {
        format!("{}\n\n", facts.join(" · "))
    }
}

/// Returns a key with the name of its organization, where it is known.
fn named(plan: &Plan, key: &OrgKey) -> String {
    let name = plan
        .name_of(key)
        .map(|name| format!(" ({})", escape::prose(name)));
    format!("{}{}", escape::code(key.as_str()), name.unwrap_or_default())
}

/// Placeholder of an empty cell.
const NOTHING: &str = "–";

/// Renders a line of a table.
fn row<const N: usize>(cells: [&str; N]) -> String {
    let cells = cells.map(|cell| match cell {
        "" => NOTHING.to_owned(),
        cell => escape::cell(cell),
    });
    format!("| {} |\n", cells.join(" | "))
}

/// Renders the head of a table.
fn head<const N: usize>(cells: [&str; N]) -> String {
    format!("{}|{}\n", row(cells), "---|".repeat(N))
}

/// Renders an item of a list, with a hint.
fn item(said: &str, next: Option<&str>) -> String {
    let next = next
        .map(|next| format!("  - hint: {}\n", escape::prose(next)))
        .unwrap_or_default();
    format!("- {said}\n{next}")
}
