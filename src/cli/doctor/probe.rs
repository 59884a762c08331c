//! Requests to return URLs, to see whether they answer.
//!
//! Over a client of its own that knows no key, keeps no cookies and follows no redirects: that a
//! page redirects is an answer. Bounded in number, in how many at once, and in time.

use std::collections::BTreeSet;
use std::error::Error;
use std::time::Duration;

use futures::stream::{self, StreamExt};
use reqwest::redirect::Policy;
use url::{Host, Url};

use portalctl_model::ReturnUrl;
use portalctl_report::doctor::{Probe, Probed, Probes};
use portalctl_workos::ConnectFailure;

/// The number of URLs that are asked.
const MOST: usize = 64;
/// The number of URLs that are asked at once.
const CONCURRENT: usize = 16;
/// The longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(5);

const AGENT: &str = concat!("portalctl/", env!("CARGO_PKG_VERSION"), " doctor");

/// Sends each URL a GET.
pub(super) async fn probe(urls: &BTreeSet<ReturnUrl>) -> Result<Probes, reqwest::Error> {
    // Fails only when a provider is installed already, which then is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let usual = client().build()?;
    // No proxy leads to this machine.
    let direct = client().no_proxy().build()?;
    let client_of = |url: &str| if is_local(url) { &direct } else { &usual };
    let probed = stream::iter(urls.iter().take(MOST))
        .map(|url| ask(client_of(url.as_str()), url.as_str()))
        .buffered(CONCURRENT)
        .collect()
        .await;
    Ok(Probes {
        probed,
        untried: urls.len().saturating_sub(MOST),
    })
}

fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .redirect(Policy::none())
        .timeout(TIMEOUT)
        .user_agent(AGENT)
        .referer(false)
}

fn is_local(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Only the status is looked at; the page itself is not read.
async fn ask(client: &reqwest::Client, url: &str) -> Probe {
    let answer = match client.get(url).send().await {
        Ok(answer) => Probed::Status(answer.status().as_u16()),
        Err(error) => Probed::Failed {
            at: ConnectFailure::of(&error),
            message: innermost(&error.without_url()),
        },
    };
    Probe {
        url: url.to_owned(),
        answer,
    }
}

/// Returns the innermost cause of an error: the layers above it say that a request failed.
fn innermost(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}
