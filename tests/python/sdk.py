"""Drives a running sandbox with the official Python SDK: every route of it that the SDK has.

    python sdk.py URL

Ends with an error at the first thing that is not as the SDK's types say.
"""

import json
import sys
import urllib.error
import urllib.request

from workos import WorkOSClient
from workos._errors import APIError
from workos.organizations.models import OrganizationDomainData

url = sys.argv[1].rstrip("/")
client = WorkOSClient(api_key="sk_test_python", client_id="client_python", base_url=f"{url}/")


def control(method, path, body=None):
    """Asks the sandbox's own control API."""
    request = urllib.request.Request(
        f"{url}/_sandbox/{path}",
        method=method,
        headers={"content-type": "application/json"},
        data=json.dumps(body).encode() if body is not None else None,
    )
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def refused(status, call):
    """Expects a refusal with a status."""
    try:
        call()
    except APIError as error:
        assert error.status_code == status, error
        return
    raise AssertionError(f"not refused with {status}")


def status_of(link):
    try:
        with urllib.request.urlopen(link) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def organizations():
    api = client.organizations
    made = api.create_organization(
        name="Acme Corp",
        external_id="acme",
        metadata={"tier": "enterprise"},
        domain_data=[
            OrganizationDomainData(domain="acme.com", state="pending"),
            OrganizationDomainData(domain="acme.io", state="verified"),
        ],
    )
    assert made.object == "organization", made
    assert [domain.state for domain in made.domains] == ["pending", "verified"], made
    assert api.get_organization(made.id) == made
    assert api.get_organization_by_external_id("acme") == made
    changed = api.update_organization(made.id, name="Acme")
    assert changed.name == "Acme", changed
    refused(400, lambda: api.create_organization(name="Acme", external_id="acme"))
    refused(422, lambda: api.create_organization(name=" "))
    refused(404, lambda: api.get_organization("org_nobody"))
    for number in range(15):
        api.create_organization(name=f"Customer {number}")
    page = api.list_organizations(limit=5)
    assert len(page.data) == 5, page
    everybody = [one.id for one in page.auto_paging_iter()]
    assert len(everybody) == len(set(everybody)) == 16, everybody
    return made


def domains(organization):
    api = client.organization_domains
    made = api.create_organization_domain(domain="acme.net", organization_id=organization.id)
    assert made.state == "pending", made
    control("PUT", f"organization_domains/{made.id}", {"record_published": True})
    assert api.verify_organization_domain(made.id).state == "verified"
    assert api.get_organization_domain(made.id).state == "verified"
    api.delete_organization_domain(made.id)
    refused(404, lambda: api.get_organization_domain(made.id))


def connections(organization):
    control("POST", "organizations/acme/connections", {"state": "active", "type": "OktaSAML"})
    (connection,) = client.sso.list_connections(organization_id=organization.id).data
    assert connection.state == "active", connection
    assert client.sso.get_connection(connection.id) == connection
    certificates = client.sso.list_connection_saml_idp_signing_certs(connection.id)
    assert len(certificates.data) == 1, certificates
    client.sso.delete_connection(connection.id)


def directories(organization):
    control("POST", "organizations/acme/directories", {"state": "linked"})
    (directory,) = client.directory_sync.list_directories(organization_id=organization.id).data
    assert directory.state == "linked", directory
    assert client.directory_sync.get_directory(directory.id) == directory
    client.directory_sync.delete_directory(directory.id)


def contacts(organization):
    api = client.organizations
    made = api.create_it_contact(organization.id, email="ada@acme.com")
    assert [one.email for one in api.list_it_contacts(organization.id).data] == ["ada@acme.com"]
    api.invite_it_contact(organization.id, made.id, intents=["sso"])
    api.revoke_it_contact(organization.id, made.id)
    api.delete_it_contact(organization.id, made.id)


def audit_logs(organization):
    configuration = client.organizations.get_audit_log_configuration(organization.id)
    assert configuration.organization_id == organization.id, configuration
    client.audit_logs.get_organization_audit_logs_retention(organization.id)


def links(organization):
    api = client.admin_portal
    answer = api.generate_link(
        organization=organization.id,
        intent="sso",
        return_url="https://app.example.com/back",
        external_user_id="user_1",
    )
    assert answer.link.startswith(f"{url}/portal/"), answer
    api.revoke_link(organization=organization.id, external_user_id="user_1")
    assert status_of(answer.link) == 404, "a revoked link is dead"
    granted = api.generate_link(
        organization=organization.id, intent="sso", it_contact_emails=["eve@acme.com"]
    )
    assert status_of(granted.link) == 200, granted
    contacts = client.organizations.list_it_contacts(organization.id).data
    assert [one.email for one in contacts] == ["eve@acme.com"], contacts
    refused(404, lambda: api.generate_link(organization="org_nobody", intent="sso"))


def webhook_endpoints():
    api = client.webhooks
    made = api.create_webhook_endpoint(
        endpoint_url="https://hooks.example.com/webhooks", events=["organization.created"]
    )
    assert made.secret.startswith("whsec_"), made
    changed = api.update_webhook_endpoint(made.id, status="disabled")
    assert changed.status == "disabled", changed
    assert [one.id for one in api.list_webhook_endpoints().data] == [made.id]
    api.delete_webhook_endpoint(made.id)
    assert not api.list_webhook_endpoints().data


def events(organization):
    names = ["organization.created", "connection.activated", "dsync.activated"]
    page = client.events.list_events(events=names, organization_id=organization.id)
    assert sorted(one.event for one in page.data) == sorted(names), page
    first = client.events.list_events(events=names, organization_id=organization.id, limit=1)
    everything = [one.id for one in first.auto_paging_iter()]
    assert len(everything) == 3, everything


organization = organizations()
webhook_endpoints()
domains(organization)
connections(organization)
directories(organization)
control("PUT", "organizations/acme/audit_logs", {"state": "active"})
audit_logs(organization)
contacts(organization)
links(organization)
events(organization)
client.organizations.delete_organization(organization.id)
print("the Python SDK is content")
