//! Domains, connections, directories, audit logs and events.

use serde_json::Value;
use workos::directory_sync::ListDirectoriesParams;
use workos::events::ListEventsParams;
use workos::organization_domains::CreateOrganizationDomainParams;
use workos::sso::ListConnectionsParams;
use workos::{
    AuditLogConfigurationLogStreamState, AuditLogConfigurationState, ConnectionState,
    CreateOrganizationDomain, DirectoryState, OrganizationDomainState,
};

use super::organizations::create;
use super::{send, start};
use crate::support::events::EVERY_EVENT;

async fn id_of(client: &workos::Client, external_id: &str) -> String {
    let api = client.organizations();
    let found = api.get_organization_by_external_id(external_id).await;
    found.unwrap().id
}

#[tokio::test]
async fn domains_are_added_verified_and_removed() {
    let (sandbox, client) = start("empty");
    let organization = create(&client, "Acme").await;
    let api = client.organization_domains();
    let params = CreateOrganizationDomainParams::new(CreateOrganizationDomain {
        domain: "acme.com".to_owned(),
        organization_id: organization.id,
    });
    let domain = api
        .create_organization_domain(params.clone())
        .await
        .unwrap();
    assert_eq!(domain.state, Some(OrganizationDomainState::Pending));
    let twice = api.create_organization_domain(params).await.unwrap_err();
    assert_eq!(
        (twice.status(), twice.code()),
        (Some(409), Some("domain_already_exists"))
    );

    let waiting = api.verify_organization_domain(&domain.id).await.unwrap();
    assert_eq!(waiting.state, Some(OrganizationDomainState::Pending));
    sandbox.world(|world, _| world.publish_record(&domain.id).unwrap());
    let verified = api.verify_organization_domain(&domain.id).await.unwrap();
    assert_eq!(verified.state, Some(OrganizationDomainState::Verified));
    let again = api
        .verify_organization_domain(&domain.id)
        .await
        .unwrap_err();
    assert_eq!(
        (again.status(), again.code()),
        (Some(400), Some("domain_already_verified"))
    );

    let read = api.get_organization_domain(&domain.id).await.unwrap();
    assert_eq!(read.domain, "acme.com");
    api.delete_organization_domain(&domain.id).await.unwrap();
    assert!(
        api.get_organization_domain(&domain.id)
            .await
            .unwrap_err()
            .is_not_found()
    );
}

#[tokio::test]
async fn connections_of_every_state_are_read() {
    let (_, client) = start("busy");
    let api = client.sso();
    let params = ListConnectionsParams {
        limit: Some(100),
        ..ListConnectionsParams::default()
    };
    let page = api.list_connections(params.clone()).await.unwrap();
    assert_eq!(page.data.len(), 11);
    for connection in &page.data {
        let unknown = matches!(connection.state, ConnectionState::Unknown(_));
        assert!(!unknown, "{connection:?}");
    }
    let acme = id_of(&client, "acme").await;
    let params = ListConnectionsParams {
        organization_id: Some(acme.clone()),
        domain: Some("acme.io".to_owned()),
        ..params
    };
    let own = api.list_connections(params).await.unwrap().data;
    assert_eq!(own.len(), 1);
    assert_eq!(own[0].organization_id.as_ref(), Some(&acme));
    assert_eq!(own[0].domains.len(), 2);
    let read = api.get_connection(&own[0].id).await.unwrap();
    assert_eq!(read.state, ConnectionState::Active);
    api.delete_connection(&read.id).await.unwrap();
    assert!(
        api.get_connection(&read.id)
            .await
            .unwrap_err()
            .is_not_found()
    );
}

#[tokio::test]
async fn connections_are_created() {
    let (_, client) = start("empty");
    let organization = create(&client, "Acme").await;
    let body = serde_json::json!({
        "organization_id": organization.id,
        "connection_type": "OktaSAML",
        "saml_options": {},
        "oidc_options": { "discovery_endpoint": "https://idp.example.com", "client_id": "c" },
    });
    let protocol = serde_json::from_value(body.clone()).unwrap();
    let mut params = workos::sso::CreateConnectionParamsBody::new(organization.id, protocol);
    params.connection_type = Some("OktaSAML".to_owned());
    let params = workos::sso::CreateConnectionParams::new(params);
    let made = client.sso().create_connection(params).await.unwrap();
    // No domain of the organization is verified.
    assert_eq!(made.state, ConnectionState::Draft);
    assert_eq!(made.name, "Acme");
}

#[tokio::test]
async fn directories_of_every_state_are_read() {
    let (_, client) = start("busy");
    let api = client.directory_sync();
    let params = ListDirectoriesParams {
        limit: Some(3),
        ..ListDirectoriesParams::default()
    };
    let first = api.list_directories(params.clone()).await.unwrap();
    let params = ListDirectoriesParams {
        after: first.list_metadata.after.clone(),
        ..params
    };
    let second = api.list_directories(params).await.unwrap();
    let states: Vec<_> = first
        .data
        .iter()
        .chain(&second.data)
        .map(|d| d.state.clone())
        .collect();
    let expected = [
        DirectoryState::Deleting,
        DirectoryState::Unlinked,
        DirectoryState::InvalidCredentials,
        DirectoryState::Validating,
        DirectoryState::Linked,
    ];
    assert_eq!(states.len(), expected.len());
    for state in expected {
        assert!(states.contains(&state), "{state:?}");
    }
    let id = &first.data[0].id;
    assert_eq!(api.get_directory(id).await.unwrap().object, "directory");
    api.delete_directory(id).await.unwrap();
    assert!(api.get_directory(id).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn audit_logs_are_read_with_and_without_a_stream() {
    let (_, client) = start("busy");
    let api = client.organizations();
    let acme = id_of(&client, "acme").await;
    let logs = api.get_audit_log_configuration(&acme).await.unwrap();
    assert_eq!(logs.state, AuditLogConfigurationState::Active);
    let stream = logs.log_stream.unwrap();
    assert_eq!(stream.state, AuditLogConfigurationLogStreamState::Active);
    assert!(stream.last_synced_at.is_some());
    let bare = id_of(&client, "stark").await;
    let logs = api.get_audit_log_configuration(&bare).await.unwrap();
    assert_eq!(logs.state, AuditLogConfigurationState::Inactive);
    assert!(logs.log_stream.is_none());
    let hooli = id_of(&client, "hooli").await;
    let refused = api.get_audit_log_configuration(&hooli).await.unwrap_err();
    assert_eq!(refused.status(), Some(403));
    let soylent = id_of(&client, "soylent").await;
    assert!(
        api.get_audit_log_configuration(&soylent)
            .await
            .unwrap_err()
            .is_not_found()
    );
}

#[tokio::test]
async fn events_are_listed_and_narrowed() {
    let (_, client) = start("busy");
    let names = [
        "organization.created".to_owned(),
        "organization_domain.created".to_owned(),
    ];
    let params = ListEventsParams {
        limit: Some(100),
        ..ListEventsParams::new(names.to_vec())
    };
    let page = client.events().list_events(params.clone()).await.unwrap();
    // Older events than 30 days are gone: five organizations are younger, with a domain or none.
    assert_eq!(page.data.len(), 5 + 5);
    let stark = id_of(&client, "stark").await;
    let params = ListEventsParams {
        organization_id: Some(stark),
        range_start: Some("2025-12-05".to_owned()),
        range_end: Some("2026-01-01T00:00:00Z".to_owned()),
        ..params
    };
    let own = client.events().list_events(params.clone()).await.unwrap();
    assert_eq!(own.data.len(), 2);
    let after = ListEventsParams {
        after: Some(own.data[0].id.clone()),
        range_start: None,
        ..params
    };
    let rest = client.events().list_events(after).await.unwrap();
    assert_eq!(rest.data.len(), 1);
    assert_eq!(rest.data[0].id, own.data[1].id);
}

/// The SDK has a type for the data of each event, stricter than the list's own.
#[tokio::test]
async fn every_event_decodes_into_its_own_type() {
    let (sandbox, _) = start("busy");
    sandbox.world(|world, now| {
        let ids: Vec<String> = world.organizations().map(|o| o.id.clone()).collect();
        for id in &ids {
            for intent in portalctl_model::intent::Intent::ALL {
                world
                    .finish_intent(now, id, intent, Some("other.example"))
                    .unwrap();
            }
        }
        for id in &ids {
            world.delete_organization(now, id).unwrap();
        }
    });
    let mut after = None;
    let mut kinds = std::collections::BTreeSet::new();
    loop {
        let cursor = after
            .map(|id: String| format!("&after={id}"))
            .unwrap_or_default();
        let uri = format!("/events?events={EVERY_EVENT}&limit=100{cursor}");
        let request = http::Request::get(uri).header("authorization", "Bearer sk_test_x");
        let (_, body) = send(&sandbox, request, "").await;
        let page: Value = serde_json::from_str(&body).unwrap();
        for event in page["data"].as_array().unwrap() {
            let name = event["event"].as_str().unwrap();
            decode(name, event.clone()).unwrap_or_else(|error| panic!("{error}: {event:#}"));
            kinds.insert(name.to_owned());
        }
        after = page["list_metadata"]["after"].as_str().map(str::to_owned);
        if after.is_none() {
            break;
        }
    }
    assert_eq!(kinds.len(), 14, "{kinds:?}");
}

fn decode(name: &str, event: Value) -> Result<(), serde_json::Error> {
    fn into<T: serde::de::DeserializeOwned>(event: Value) -> Result<(), serde_json::Error> {
        serde_json::from_value::<T>(event).map(drop)
    }
    match name {
        "organization.created" => into::<workos::OrganizationCreated>(event),
        "organization.updated" => into::<workos::OrganizationUpdated>(event),
        "organization.deleted" => into::<workos::OrganizationDeleted>(event),
        "organization_domain.created" => into::<workos::OrganizationDomainCreated>(event),
        "organization_domain.updated" => into::<workos::OrganizationDomainUpdated>(event),
        "organization_domain.verified" => into::<workos::OrganizationDomainVerified>(event),
        "organization_domain.verification_failed" => {
            into::<workos::OrganizationDomainVerificationFailed>(event)
        }
        "connection.activated" => into::<workos::ConnectionActivated>(event),
        "connection.deleted" => into::<workos::ConnectionDeleted>(event),
        "connection.saml_certificate_renewal_required" => {
            into::<workos::ConnectionSAMLCertificateRenewalRequired>(event)
        }
        "connection.saml_certificate_renewed" => {
            into::<workos::ConnectionSAMLCertificateRenewed>(event)
        }
        "dsync.activated" => into::<workos::DsyncActivated>(event),
        "dsync.deleted" => into::<workos::DsyncDeleted>(event),
        "vault.byok_key.deleted" => into::<workos::VaultByokKeyDeleted>(event),
        "vault.byok_key.verification_completed" => {
            into::<workos::VaultByokKeyVerificationCompleted>(event)
        }
        other => panic!("{other} has no type here"),
    }
}
