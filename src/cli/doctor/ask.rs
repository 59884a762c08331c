//! Checks that send requests: a first small one, then the rest at the same time.
//!
//! Takes the facts that are known offline. Adds those that WorkOS tells; each check is bounded in time,
//! and one that fails stops no other.

use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};

use super::offline::{Visit, problem};
use super::probe;
use super::request::{DoctorRequest, Pages};
use crate::cli::connect::Connection;
use crate::cli::link_errors;
use portalctl_core::link::{ResolvedUrl, resolve_urls};
use portalctl_core::readiness::{MissingDomain, missing_domain};
use portalctl_model::desired::{Desired, DesiredOrganization};
use portalctl_model::observed::Organization;
use portalctl_model::{ClientId, Intent, OrgKey};
use portalctl_platform::clock::SharedClock;
use portalctl_report::doctor::{Account, Asked, Facts, LinkFailure, LinkTest, UrlFacts};
use portalctl_workos::{
    ApiError, ApiResult, Client, LinkRequest, ReadPortal, SsoOptions, WritePortal,
};

/// The longest wait for any one answer, tries included.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);
/// The number of declared organizations that are looked up.
const SAMPLE: usize = 10;
/// The number of organizations that are looked up at once.
const CONCURRENT: usize = 4;

const NO_ANSWER: &str = "there was no answer in 20 seconds";

/// Finds out what requests tell. Dropped at any point it leaves what it has found out so far.
pub(super) async fn gather(request: &DoctorRequest, visit: &mut Visit) {
    let Visit {
        facts,
        desired,
        connection,
        link_test,
    } = visit;
    let urls = facts.urls.clone();
    let mut probes = Asked::not("interrupted");
    let workos = async {
        match connection {
            Ok(connection) => {
                ask(
                    request,
                    connection,
                    facts,
                    desired.as_ref(),
                    link_test.as_ref(),
                )
                .await;
            }
            Err(why) => ask_nothing(facts, why),
        }
    };
    let pages = async {
        probes = match urls {
            None => Asked::not("there is no valid manifest"),
            Some(_) if request.pages == Pages::Left => {
                Asked::not("pass --probe to send each return URL a GET, without any credential")
            }
            Some(urls) => pages(&urls).await,
        };
    };
    tokio::join!(workos, pages);
    facts.probes = probes;
}

async fn pages(urls: &UrlFacts) -> Asked<portalctl_report::doctor::Probes> {
    match probe::probe(&urls.urls).await {
        Ok(probes) if probes.probed.is_empty() => Asked::not("the manifest names none"),
        Ok(probes) => Asked::Answered(probes),
        Err(error) => Asked::Not(error.to_string()),
    }
}

fn ask_nothing(facts: &mut Facts, why: &str) {
    facts.api_probe = Asked::not(why);
    facts.client_id_known = Asked::not(why);
    facts.account = Asked::not(why);
    facts.webhooks = Asked::not(why);
    facts.link = Asked::not(why);
}

async fn ask(
    request: &DoctorRequest,
    connection: &Connection,
    facts: &mut Facts,
    desired: Option<&Desired>,
    link_test: Option<&OrgKey>,
) {
    let client = &connection.client;
    let clock = &connection.clock;
    facts.api_probe = within(clock, client.probe()).await;
    let trouble = trouble(facts);
    let id = facts.client_id_to_ask().cloned();
    let known = async {
        facts.client_id_known = match (facts.sandbox, id, is_answering(&facts.api_probe)) {
            (true, _, _) => Asked::not("the sandbox knows no client ids"),
            (_, None, _) => Asked::not("there is no client id to ask about"),
            (_, _, false) => Asked::not("WorkOS did not answer"),
            (_, Some(id), true) => known(client, clock, &id).await,
        };
    };
    let account = async {
        facts.account = match (desired, &trouble) {
            (None, _) => Asked::not("there is no valid manifest"),
            (_, Some(why)) => Asked::not(*why),
            (Some(desired), None) => within(clock, account(client, desired)).await,
        };
    };
    let is_expected = facts.expected_webhook.is_some();
    let webhooks = async {
        facts.webhooks = match &trouble {
            _ if !is_expected => Asked::not("none is expected"),
            Some(why) => Asked::not(*why),
            None => within(clock, client.webhook_endpoints()).await,
        };
    };
    let link = async {
        facts.link = match (&request.link_test, desired.zip(link_test), &trouble) {
            (None, _, _) => Asked::not(
                "pass --link-test KEY to make a link for an organization and throw it away",
            ),
            (_, None, _) => Asked::not("there is no valid manifest"),
            (_, _, Some(why)) => Asked::not(*why),
            (_, Some((desired, key)), None) => within(clock, link(connection, desired, key)).await,
        };
    };
    tokio::join!(known, account, webhooks, link);
}

/// Returns why nothing that takes the key can be asked.
fn trouble(facts: &Facts) -> Option<&'static str> {
    if !facts.sandbox && !facts.sends_key() {
        return Some("there is no key that may be sent");
    }
    match &facts.api_probe {
        Asked::Answered(Ok(probe)) if probe.refusal.is_none() => None,
        Asked::Answered(Ok(_)) => Some("WorkOS refused the first request"),
        Asked::Answered(Err(_)) | Asked::Not(_) => Some("WorkOS did not answer"),
    }
}

fn is_answering<T, E>(probe: &Asked<Result<T, E>>) -> bool {
    matches!(probe, Asked::Answered(Ok(_)))
}

async fn known(
    client: &Client,
    clock: &SharedClock,
    id: &ClientId,
) -> Asked<Result<bool, ApiError>> {
    within(clock, client.knows_client_id(id)).await
}

/// Waits for an answer, but not for long.
async fn within<T>(clock: &SharedClock, asking: impl Future<Output = T>) -> Asked<T> {
    tokio::select! {
        answer = asking => Asked::Answered(answer),
        () = clock.sleep(ANSWER_TIMEOUT) => Asked::not(NO_ANSWER),
    }
}

/// Looks up a few of the declared organizations, pinned ones first: they can be in one environment
/// only.
async fn account(client: &Client, desired: &Desired) -> ApiResult<Account> {
    let (pinned, others): (Vec<_>, Vec<_>) = desired
        .organizations
        .iter()
        .partition(|(_, entry)| entry.id.is_some());
    let sample: Vec<_> = pinned.into_iter().chain(others).take(SAMPLE).collect();
    let account = Account {
        declared: desired.organizations.len(),
        asked: sample.len(),
        ..Account::default()
    };
    let looked_up = stream::iter(sample).map(|(key, entry)| async move {
        let found = look_up(client, entry).await?;
        ApiResult::Ok((key, entry, found))
    });
    looked_up
        .buffered(CONCURRENT)
        .try_fold(account, async |mut account, (key, entry, found)| {
            let Some(live) = found else {
                let pin = entry.id.iter().map(|id| (key.clone(), id.clone()));
                account.missing_pins.extend(pin);
                return Ok(account);
            };
            account.found += 1;
            let lacks = missing_domain(&live) == Some(MissingDomain::Missing);
            if lacks && entry.intents.contains_key(&Intent::Sso) {
                account.without_domain.push(key.clone());
            }
            Ok(account)
        })
        .await
}

/// Looks up the organization of an entry by its ids: the pinned one, else the external one, else a former.
async fn look_up(client: &Client, entry: &DesiredOrganization) -> ApiResult<Option<Organization>> {
    if let Some(id) = &entry.id {
        return client.organization(id).await;
    }
    for external_id in entry.external_ids() {
        let found = client.organization_by_external_id(external_id).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Makes a link for the first declared intent, and drops it unseen.
async fn link(connection: &Connection, desired: &Desired, key: &OrgKey) -> LinkTest {
    LinkTest {
        key: key.clone(),
        outcome: link_for(connection, desired, key).await,
    }
}

async fn link_for(
    connection: &Connection,
    desired: &Desired,
    key: &OrgKey,
) -> Result<Intent, LinkFailure> {
    let Connection { client, target, .. } = connection;
    let entry = desired.organizations.get(key);
    let entry = entry.ok_or(LinkFailure::NoOrganization)?;
    let intent = entry.intents.keys().next().copied();
    let intent = intent.ok_or(LinkFailure::NoIntent)?;
    let urls = resolve_urls(desired, key, intent);
    let refused = |error: ApiError| {
        let told = link_errors::not_made(error, &urls, key, intent, &target.endpoint);
        LinkFailure::Refused(problem(&told))
    };
    let found = look_up(client, entry).await.map_err(refused)?;
    let organization = found.ok_or(LinkFailure::NoOrganization)?;
    let text_of = |url: &Option<ResolvedUrl>| url.as_ref().map(|url| url.url.to_string());
    let request = LinkRequest {
        organization: organization.id,
        intent,
        return_url: text_of(&urls.return_url),
        success_url: text_of(&urls.success_url),
        external_user_id: None,
        sso: SsoOptions::default(),
        it_contacts: Vec::new(),
    };
    let made = client.generate_link(&request).await;
    made.map(drop).map_err(refused)?;
    Ok(intent)
}
