//! Organizations and their lists.

use std::collections::HashMap;

use futures::TryStreamExt;
use workos::organizations::{
    CreateOrganizationParams, ListOrganizationsParams, UpdateOrganizationParams,
};
use workos::{
    Client, Organization, OrganizationDomainData, OrganizationDomainDataState,
    OrganizationDomainState, OrganizationInput, PaginationOrder, UpdateOrganization,
};

use super::start;

/// The body to create an organization, from JSON: the SDK's type has deprecated fields.
pub(super) fn input(body: serde_json::Value) -> CreateOrganizationParams {
    let body: OrganizationInput = serde_json::from_value(body).unwrap();
    CreateOrganizationParams::new(body)
}

fn change(body: serde_json::Value) -> UpdateOrganizationParams {
    let body: UpdateOrganization = serde_json::from_value(body).unwrap();
    UpdateOrganizationParams::new(body)
}

pub(super) async fn create(client: &Client, name: &str) -> Organization {
    let body = serde_json::json!({ "name": name });
    let api = client.organizations();
    api.create_organization(input(body)).await.unwrap()
}

#[tokio::test]
async fn the_sdk_creates_reads_updates_and_deletes() {
    let (_, client) = start("empty");
    let api = client.organizations();
    let mut create = input(serde_json::json!({
        "name": "Acme", "external_id": "acme/1", "metadata": { "tier": "enterprise" },
    }));
    create.body.domain_data = Some(vec![
        OrganizationDomainData {
            domain: "acme.com".to_owned(),
            state: OrganizationDomainDataState::Pending,
        },
        OrganizationDomainData {
            domain: "acme.io".to_owned(),
            state: OrganizationDomainDataState::Verified,
        },
    ]);
    let made = api.create_organization(create).await.unwrap();
    assert_eq!(made.object, "organization");
    assert_eq!(made.external_id.as_deref(), Some("acme/1"));
    let states: Vec<_> = made.domains.iter().map(|d| d.state.clone()).collect();
    let expected = [
        OrganizationDomainState::Pending,
        OrganizationDomainState::Verified,
    ];
    assert_eq!(states, expected.map(Some));
    assert!(made.domains[0].verification_token.is_some());
    assert!(made.domains[1].verification_token.is_none());

    let read = api.get_organization(&made.id).await.unwrap();
    assert_eq!(read.name, "Acme");
    let read = api.get_organization_by_external_id("acme/1").await.unwrap();
    assert_eq!(read.id, made.id);

    let body = serde_json::json!({ "name": "Acme Corp", "stripe_customer_id": "cus_1" });
    let changed = api
        .update_organization(&made.id, change(body))
        .await
        .unwrap();
    assert_eq!(changed.name, "Acme Corp");
    assert_eq!(changed.stripe_customer_id.as_deref(), Some("cus_1"));
    let kept = HashMap::from([("tier".to_owned(), "enterprise".to_owned())]);
    assert_eq!(changed.metadata, kept);

    api.delete_organization(&made.id).await.unwrap();
    let gone = api.get_organization(&made.id).await.unwrap_err();
    assert!(gone.is_not_found());
}

#[tokio::test]
async fn the_sdk_pages_to_the_end_in_both_orders() {
    let (_, client) = start("empty");
    let mut names = Vec::new();
    for number in 0..23 {
        let name = format!("Organization {number:02}");
        create(&client, &name).await;
        names.push(name);
    }
    for order in [PaginationOrder::Asc, PaginationOrder::Desc] {
        let params = ListOrganizationsParams {
            limit: Some(5),
            order: Some(order.clone()),
            ..ListOrganizationsParams::default()
        };
        let api = client.organizations();
        let stream = api.list_organizations_auto_paging(params);
        let all: Vec<Organization> = stream.try_collect().await.unwrap();
        let mut listed: Vec<String> = all.into_iter().map(|o| o.name).collect();
        if order == PaginationOrder::Desc {
            listed.reverse();
        }
        assert_eq!(listed, names, "{order:?}");
    }
}

#[tokio::test]
async fn the_sdk_pages_backwards_from_the_end() {
    let (_, client) = start("empty");
    let mut last = None;
    for number in 0..7 {
        last = Some(create(&client, &format!("Organization {number}")).await);
    }
    let mut before = last.map(|organization| organization.id);
    let mut seen = Vec::new();
    while let Some(cursor) = before {
        let params = ListOrganizationsParams {
            limit: Some(2),
            order: Some(PaginationOrder::Asc),
            before: Some(cursor),
            ..ListOrganizationsParams::default()
        };
        let page = client
            .organizations()
            .list_organizations(params)
            .await
            .unwrap();
        let names = page.data.iter().map(|o| o.name.clone());
        seen.extend(names.rev());
        before = page.list_metadata.before;
    }
    let expected: Vec<_> = (0..6).rev().map(|n| format!("Organization {n}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn lists_are_narrowed_as_the_sdk_asks() {
    let (_, client) = start("busy");
    let list = async |domains: Option<Vec<String>>, search: Option<&str>| {
        let params = ListOrganizationsParams {
            limit: Some(100),
            domains,
            search: search.map(str::to_owned),
            ..ListOrganizationsParams::default()
        };
        let page = client
            .organizations()
            .list_organizations(params)
            .await
            .unwrap();
        page.data.into_iter().map(|o| o.name).collect::<Vec<_>>()
    };
    let domains = vec!["acme.com".to_owned(), "globex.com".to_owned()];
    assert_eq!(
        list(Some(domains), None).await,
        ["Acme Labs", "Globex", "Oscorp", "Acme Corp"]
    );
    assert_eq!(list(None, Some("stark")).await.len(), 2);
    assert_eq!(list(None, None).await.len(), 12);
}
