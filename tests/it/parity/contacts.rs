//! IT contacts, certificates and retention: the newest parts of the API.

use serde_json::{Value, json};
use workos::organizations::{CreateItContactParams, InviteItContactParams};
use workos::{Client, CreateItContact, InviteItContact, InviteItContactIntents};

use super::organizations::create;
use super::{send, start};

async fn add(client: &Client, organization: &str, email: &str) -> Result<String, workos::Error> {
    let body = CreateItContact {
        email: email.to_owned(),
    };
    let api = client.organizations();
    let made = api.create_it_contact(organization, CreateItContactParams::new(body));
    Ok(made.await?.id)
}

async fn invite(
    client: &Client,
    organization: &str,
    contact: &str,
    intents: &[&str],
) -> Result<(), workos::Error> {
    let intents = intents.iter().copied().map(InviteItContactIntents::from);
    let body = InviteItContact {
        intents: intents.collect(),
    };
    let api = client.organizations();
    let params = InviteItContactParams::new(body);
    api.invite_it_contact(organization, contact, params).await
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, workos::Error>, status: u16, code: &str) {
    let error = result.unwrap_err();
    assert_eq!(
        (error.status(), error.code()),
        (Some(status), Some(code)),
        "{error}"
    );
}

#[tokio::test]
async fn contacts_are_added_listed_and_removed() {
    let (_, client) = start("empty");
    let acme = create(&client, "Acme").await.id;
    let ada = add(&client, &acme, "Ada@acme.com").await.unwrap();
    add(&client, &acme, "grace@acme.com").await.unwrap();
    let again = add(&client, &acme, "ada@ACME.com").await;
    refused(again, 409, "it_contact_already_exists");
    refused(
        add(&client, &acme, "nobody").await,
        422,
        "unprocessable_entity",
    );
    refused(
        add(&client, "org_nobody", "a@b.com").await,
        404,
        "entity_not_found",
    );

    let api = client.organizations();
    let list = api.list_it_contacts(&acme).await.unwrap();
    let emails: Vec<_> = list.data.iter().map(|contact| &contact.email).collect();
    assert_eq!(emails, ["Ada@acme.com", "grace@acme.com"]);
    let other = create(&client, "Globex").await.id;
    let elsewhere = api.delete_it_contact(&other, &ada).await;
    refused(elsewhere, 404, "entity_not_found");
    api.delete_it_contact(&acme, &ada).await.unwrap();
    let list = api.list_it_contacts(&acme).await.unwrap();
    assert_eq!(list.data.len(), 1);
    for number in 1..20 {
        let email = format!("person{number}@acme.com");
        add(&client, &acme, &email).await.unwrap();
    }
    let one_more = add(&client, &acme, "one@too.many").await;
    refused(one_more, 400, "too_many_it_contacts");
}

#[tokio::test]
async fn an_organization_has_one_active_invitation_at_most() {
    let (_, client) = start("empty");
    let acme = create(&client, "Acme").await.id;
    let ada = add(&client, &acme, "ada@acme.com").await.unwrap();
    let grace = add(&client, &acme, "grace@acme.com").await.unwrap();
    let every = "sso directory_sync log_streams domain_verification bring_your_own_key";
    let every: Vec<_> = every.split(' ').collect();
    invite(&client, &acme, &ada, &every).await.unwrap();
    let second = invite(&client, &acme, &grace, &["sso"]).await;
    refused(second, 409, "it_contact_invitation_already_active");
    // The same contact gets another e-mail.
    invite(&client, &acme, &ada, &["sso"]).await.unwrap();
    // The organization's invitation is ended, whichever contact is named, and there need be none.
    let api = client.organizations();
    api.revoke_it_contact(&acme, &grace).await.unwrap();
    api.revoke_it_contact(&acme, &ada).await.unwrap();
    invite(&client, &acme, &grace, &["sso"]).await.unwrap();
    // A contact's invitation goes with the contact.
    api.delete_it_contact(&acme, &grace).await.unwrap();
    invite(&client, &acme, &ada, &["directory_sync"])
        .await
        .unwrap();
}

#[tokio::test]
async fn invitations_have_intents_of_their_own() {
    let (_, client) = start("empty");
    let acme = create(&client, "Acme").await.id;
    let ada = add(&client, &acme, "ada@acme.com").await.unwrap();
    for unknown in ["dsync", "audit_logs", "certificate_renewal"] {
        let answer = invite(&client, &acme, &ada, &[unknown]).await;
        refused(answer, 422, "unprocessable_entity");
    }
    let nothing = invite(&client, &acme, &ada, &[]).await;
    refused(nothing, 422, "unprocessable_entity");
}

#[tokio::test]
async fn certificates_are_listed_and_renewed() {
    let (sandbox, client) = start("busy");
    let api = client.organizations();
    let wayne = api.get_organization_by_external_id("wayne").await.unwrap();
    let ids: Vec<String> = sandbox.read(|world| {
        let connections = world.connections_of(&wayne.id);
        connections
            .map(|connection| connection.id.clone())
            .collect()
    });
    let sso = client.sso();
    let mut ends = Vec::new();
    for id in &ids {
        let list = sso
            .list_connection_saml_idp_signing_certs(id)
            .await
            .unwrap();
        assert_eq!(list.object, "list");
        ends.extend(list.data.into_iter().map(|one| one.not_after.unwrap()));
    }
    let day = |day: &str| format!("2026-01-{day}T12:00:00.000Z");
    let expired = "2025-12-26T12:00:00.000Z".to_owned();
    assert_eq!(ends, [day("25"), expired, day("25")]);

    let request = http::Request::post("/_sandbox/organizations/wayne/finish");
    let request = request.header("content-type", "application/json");
    let (status, _) = send(&sandbox, request, r#"{"intent":"certificate_renewal"}"#).await;
    assert_eq!(status, 200);
    let renewed = sso.list_connection_saml_idp_signing_certs(&ids[0]).await;
    let newest = renewed.unwrap().data.pop().unwrap();
    assert_eq!(newest.not_after.unwrap(), "2027-01-15T12:00:00.000Z");
    let none = sso
        .list_connection_saml_idp_signing_certs("conn_nobody")
        .await;
    assert!(none.unwrap_err().is_not_found());
}

#[tokio::test]
async fn events_tell_of_certificates_keys_and_failed_domains() {
    let (_, client) = start("busy");
    let names = [
        "connection.saml_certificate_renewal_required",
        "organization_domain.verification_failed",
        "vault.byok_key.deleted",
        "vault.byok_key.verification_completed",
    ];
    let names_owned = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = workos::events::ListEventsParams::new(names_owned);
    params.limit = Some(100);
    let page = client.events().list_events(params).await.unwrap();
    let events: Vec<Value> = page
        .data
        .iter()
        .map(|event| serde_json::to_value(event).unwrap())
        .collect();
    let said = |name: &str, pointer: &str| {
        let own = events.iter().filter(|event| event["event"] == name);
        let mut said: Vec<String> = own
            .map(|event| event["data"].pointer(pointer).unwrap().to_string())
            .collect();
        said.sort();
        said
    };
    assert_eq!(said(names[0], "/days_until_expiry"), ["-3", "10", "10"]);
    assert_eq!(
        said(names[1], "/reason"),
        [
            "\"domain_verification_period_expired\"",
            "\"domain_verified_by_other_organization\""
        ]
    );
    assert_eq!(said(names[2], "/key_provider"), ["\"AWS_KMS\""]);
    assert_eq!(said(names[3], "/verified"), ["false", "true"]);
}

#[tokio::test]
async fn retention_is_read_and_set() {
    use workos::audit_logs::{
        Retention, UpdateOrganizationAuditLogsRetentionParams as Params,
        UpdateOrganizationAuditLogsRetentionParamsBody as Body,
    };

    let (_, client) = start("empty");
    let acme = create(&client, "Acme").await.id;
    let api = client.audit_logs();
    let days = async || {
        let read = api.get_organization_audit_logs_retention(&acme).await;
        read.unwrap().retention_period_in_days
    };
    assert_eq!(days().await, None);
    let set = async |retention: Retention| {
        let params = Params::new(Body::new(retention));
        api.update_organization_audit_logs_retention(&acme, params)
            .await
    };
    let in_days = |retention_period_in_days| Retention::PeriodInDays {
        retention_period_in_days,
    };
    set(in_days(365)).await.unwrap();
    assert_eq!(days().await, Some(365));
    let period = json!("3_MONTHS");
    let period = Retention::Period {
        retention_period: serde_json::from_value(period).unwrap(),
    };
    set(period).await.unwrap();
    assert_eq!(days().await, Some(90));
    refused(set(in_days(31)).await, 422, "unprocessable_entity");
    let api = client.organizations();
    let logs = api.get_audit_log_configuration(&acme).await;
    assert_eq!(logs.unwrap().retention_period_in_days, 90);
}
