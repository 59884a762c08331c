//! Markdown of where the portal sends people: one row for each URL, by host.

use super::budget::{Document, Rank, Section};
use super::escape::{code, prose};
use super::{JSON, head, row};
use crate::view::{allowed, hosts};
use portalctl_core::plan::Destinations;

/// Most URLs that are shown of one host.
const URLS_OF_A_HOST: usize = 5;

/// Adds the table of URLs.
pub(super) fn table(document: &mut Document, destinations: &Destinations) {
    let hosts = hosts(destinations, URLS_OF_A_HOST);
    let mut section = Section::new(Rank::Grave, "hosts", JSON).open(format!(
        "#### Where people are sent ({})\n\n{}",
        prose(&allowed(destinations)),
        head(["Host", "URL", "Setting", "For"])
    ));
    for host in &hosts {
        section.item(|| {
            let urls = host.urls.iter().map(|url| {
                let (host, setting) = (code(host.name), code(&url.setting));
                row([&host, &code(url.text), &setting, &url.reach()])
            });
            let more = host
                .more()
                .map(|more| row([&code(host.name), &prose(&more), "", ""]));
            urls.chain(more).collect()
        });
    }
    document.section(section);
}
