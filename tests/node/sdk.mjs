// Drives a running sandbox with the official Node SDK: every route of it that the SDK knows.
//
//   node sdk.mjs NODE_MODULES URL
//
// Exits with 1 at the first thing that is not as the SDK's types say.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [modules, url] = process.argv.slice(2);
const { WorkOS } = createRequire(join(modules, 'none.cjs'))('@workos-inc/node');
const { hostname, port } = new URL(url);
const client = (key) => new WorkOS(key, { apiHostname: hostname, port: Number(port), https: false });
const workos = client('sk_test_node');

/** What the sandbox's own control API answers. */
async function control(method, path, body) {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/_sandbox/${path}`, { method, headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.status === 204 ? null : answer.json();
}

/** An error as the SDK shows it. */
const refused = (call, status, code) =>
  assert.rejects(call, (error) => {
    assert.equal(error.status, status, error);
    if (code) assert.equal(error.code ?? error.rawData?.code, code, error);
    return true;
  });

async function organizations() {
  const made = await workos.organizations.createOrganization({
    name: 'Acme Corp',
    externalId: 'acme',
    metadata: { tier: 'enterprise' },
    domainData: [
      { domain: 'acme.com', state: 'pending' },
      { domain: 'acme.io', state: 'verified' },
    ],
  });
  assert.match(made.id, /^org_01/);
  assert.equal(made.object, 'organization');
  assert.equal(made.allowProfilesOutsideOrganization, false);
  assert.deepEqual(made.domains.map((d) => d.state), ['pending', 'verified']);
  assert.deepEqual(made.metadata, { tier: 'enterprise' });
  assert.equal(new Date(made.createdAt).toISOString(), made.createdAt);

  const byId = await workos.organizations.getOrganization(made.id);
  const byExternalId = await workos.organizations.getOrganizationByExternalId('acme');
  assert.deepEqual(byId, made);
  assert.deepEqual(byExternalId, made);

  const changed = await workos.organizations.updateOrganization({
    organization: made.id,
    name: 'Acme',
    stripeCustomerId: 'cus_1',
    metadata: { tier: 'starter' },
  });
  assert.equal(changed.name, 'Acme');
  assert.equal(changed.stripeCustomerId, 'cus_1');
  assert.deepEqual(changed.metadata, { tier: 'starter' });
  assert.equal(changed.domains.length, 2);

  const again = { name: 'Acme', externalId: 'acme' };
  await refused(() => workos.organizations.createOrganization(again), 400, 'external_id_already_used');
  await refused(() => workos.organizations.createOrganization({ name: ' ' }), 422);
  await refused(() => workos.organizations.getOrganization('org_nobody'), 404);
  await refused(() => client('sk_live_node').organizations.getOrganization(made.id), 401);
  return made;
}

async function paging() {
  const names = [];
  for (let number = 0; number < 120; number += 1) {
    const name = `Customer ${String(number).padStart(3, '0')}`;
    await workos.organizations.createOrganization({ name });
    names.push(name);
  }
  const customers = (list) => list.map((o) => o.name).filter((name) => name.startsWith('Customer'));

  for (const order of ['asc', 'desc']) {
    const expected = order === 'asc' ? names : [...names].reverse();
    // One call for everything: the SDK turns the pages.
    const all = await (await workos.organizations.listOrganizations({ order })).autoPagination();
    assert.deepEqual(customers(all), expected, `autoPagination ${order}`);

    // By hand, forward to the end and back to the beginning.
    const pages = [];
    let after;
    do {
      const page = await workos.organizations.listOrganizations({ order, limit: 50, after });
      pages.push(page.data.map((o) => o.id));
      after = page.listMetadata.after ?? undefined;
    } while (after);
    assert.deepEqual(pages.map((page) => page.length), [50, 50, 21]);
    const back = [];
    let before = pages[2][0];
    do {
      const page = await workos.organizations.listOrganizations({ order, limit: 50, before });
      back.unshift(page.data.map((o) => o.id));
      before = page.listMetadata.before ?? undefined;
    } while (before);
    assert.deepEqual(back, pages.slice(0, 2), `backwards ${order}`);
  }
  const found = await workos.organizations.listOrganizations({ domains: ['acme.io'] });
  assert.deepEqual(found.data.map((o) => o.externalId), ['acme']);
  await refused(() => workos.organizations.listOrganizations({ limit: 101 }), 422);
}

async function domains(organization) {
  const api = workos.organizationDomains;
  const made = await api.createOrganizationDomain({ organizationId: organization.id, domain: 'acme.net' });
  assert.equal(made.object, 'organization_domain');
  assert.equal(made.state, 'pending');
  assert.ok(made.verificationToken);
  assert.equal((await api.verifyOrganizationDomain(made.id)).state, 'pending');
  await control('PUT', `organization_domains/${made.id}`, { record_published: true });
  assert.equal((await api.verifyOrganizationDomain(made.id)).state, 'verified');
  assert.equal((await api.getOrganizationDomain(made.id)).state, 'verified');
  await refused(
    () => api.createOrganizationDomain({ organizationId: organization.id, domain: 'acme.net' }),
    409,
  );
  await api.deleteOrganizationDomain(made.id);
  await refused(() => api.getOrganizationDomain(made.id), 404);
}

async function connections(organization) {
  await control('POST', 'organizations/acme/connections', { state: 'active', type: 'OktaSAML' });
  const list = await workos.sso.listConnections({ organizationId: organization.id });
  const [connection] = list.data;
  assert.equal(list.data.length, 1);
  assert.equal(connection.object, 'connection');
  assert.equal(connection.state, 'active');
  assert.equal(connection.type, 'OktaSAML');
  assert.equal(connection.organizationId, organization.id);
  assert.deepEqual(await workos.sso.getConnection(connection.id), connection);
  await workos.sso.deleteConnection(connection.id);
  await refused(() => workos.sso.getConnection(connection.id), 404);
}

async function directories(organization) {
  await control('POST', 'organizations/acme/directories', { state: 'linked' });
  const api = workos.directorySync;
  const list = await api.listDirectories({ organizationId: organization.id });
  const [directory] = list.data;
  assert.equal(list.data.length, 1);
  assert.equal(directory.object, 'directory');
  // What the SDK makes of `linked`.
  assert.equal(directory.state, 'active');
  assert.equal(directory.organizationId, organization.id);
  assert.deepEqual(await api.getDirectory(directory.id), directory);
  await api.deleteDirectory(directory.id);
  await refused(() => api.getDirectory(directory.id), 404);
}

async function portalLinks(organization) {
  const intents = ['sso', 'dsync', 'audit_logs', 'log_streams', 'domain_verification', 'certificate_renewal'];
  for (const intent of intents) {
    const { link } = await workos.adminPortal.generateLink({
      organization: organization.id,
      intent,
      returnUrl: 'https://app.example.com/back',
    });
    assert.ok(link.startsWith(`${url}/portal/`));
    assert.equal((await fetch(link)).status, 200);
    assert.equal((await fetch(link)).status, 404, 'a link works once');
  }
  await refused(() => workos.adminPortal.generateLink({ organization: 'org_nobody', intent: 'sso' }), 404);
}

async function contacts(organization) {
  const api = workos.organizations;
  const organizationId = organization.id;
  const made = await api.createItContact({ organizationId, email: 'ada@acme.com' });
  assert.equal(made.object, 'it_contact');
  assert.equal(made.email, 'ada@acme.com');
  const other = await api.createItContact({ organizationId, email: 'bob@acme.com' });
  const list = await api.listItContacts({ organizationId });
  assert.deepEqual(list.data.map((c) => c.email).sort(), ['ada@acme.com', 'bob@acme.com']);
  const invitation = { organizationId, contactId: made.id, intents: ['sso'] };
  await api.inviteItContact(invitation);
  // One active invitation for each organization: another contact's is refused.
  await refused(() => api.inviteItContact({ ...invitation, contactId: other.id }), 409);
  await api.revokeItContact({ organizationId, contactId: made.id });
  await api.deleteItContact({ organizationId, contactId: made.id });
  assert.equal((await api.listItContacts({ organizationId })).data.length, 1);
}

async function retention(organization) {
  const api = workos.auditLogs;
  const changed = await api.updateOrganizationAuditLogsRetention({
    id: organization.id,
    retentionPeriod: '1_YEAR',
  });
  assert.equal(changed.retentionPeriodInDays, 365);
  const read = await api.getOrganizationAuditLogsRetention({ id: organization.id });
  assert.equal(read.retentionPeriodInDays, 365);
}

async function events(organization) {
  const names = ['organization.created', 'connection.activated', 'dsync.activated'];
  const own = { events: names, organizationId: organization.id };
  const list = await workos.events.listEvents(own);
  assert.deepEqual(list.data.map((e) => e.event).sort(), [...names].sort());
  const created = list.data.find((e) => e.event === 'organization.created');
  assert.equal(created.data.id, organization.id);
  const first = await workos.events.listEvents({ ...own, limit: 1 });
  const rest = await workos.events.listEvents({ ...own, after: first.listMetadata.after });
  assert.equal(rest.data.length, 2);
}

async function webhooks() {
  const secret = 'whsec_node';
  const letters = [];
  let arrived;
  const letter = new Promise((resolve) => { arrived = resolve; });
  const endpoint = createServer((request, answer) => {
    let body = '';
    request.on('data', (chunk) => { body += chunk; });
    request.on('end', () => {
      letters.push({ body, sigHeader: request.headers['workos-signature'] });
      answer.end();
      arrived();
    });
  });
  await new Promise((resolve) => { endpoint.listen(0, '127.0.0.1', resolve); });
  try {
    const to = `http://127.0.0.1:${endpoint.address().port}/hooks`;
    await control('POST', 'webhooks', { url: to, secret });
    const made = await workos.organizations.createOrganization({ name: 'Hooked' });
    await letter;
    const [{ body, sigHeader }] = letters;
    const payload = JSON.parse(body);
    const event = await workos.webhooks.constructEvent({ payload, sigHeader, secret });
    assert.equal(event.event, 'organization.created');
    assert.equal(event.data.id, made.id);
    const evil = { ...payload, data: { ...payload.data, name: 'Evil' } };
    await assert.rejects(() => workos.webhooks.constructEvent({ payload: evil, sigHeader, secret }));
    await assert.rejects(() => workos.webhooks.constructEvent({ payload, sigHeader, secret: 'other' }));
    await assert.rejects(() =>
      workos.webhooks.constructEvent({ payload, sigHeader, secret, tolerance: -1 }));
    // The answer may still be on its way when the letter is read.
    let state;
    for (let tries = 0; tries < 100 && state !== 'delivered'; tries += 1) {
      [{ state }] = (await control('GET', 'webhooks')).deliveries;
      await new Promise((resolve) => { setTimeout(resolve, 10); });
    }
    assert.equal(state, 'delivered');
    await control('DELETE', 'webhooks');
  } finally {
    endpoint.close();
    endpoint.closeAllConnections();
  }
}

async function webhookEndpoints() {
  const api = workos.webhooks;
  const made = await api.createWebhookEndpoint({
    endpointUrl: 'https://hooks.example.com/webhooks',
    events: ['organization.created'],
  });
  assert.equal(made.status, 'enabled');
  assert.ok(made.secret.startsWith('whsec_'));
  const again = { endpointUrl: made.endpointUrl, events: ['organization.created'] };
  await refused(() => api.createWebhookEndpoint(again), 409);
  const changed = await api.updateWebhookEndpoint({ id: made.id, status: 'disabled' });
  assert.equal(changed.status, 'disabled');
  const list = await api.listWebhookEndpoints();
  assert.deepEqual(list.data.map((one) => one.id), [made.id]);
  await api.deleteWebhookEndpoint({ id: made.id });
  await refused(() => api.deleteWebhookEndpoint({ id: made.id }), 404);
}

const organization = await organizations();
await paging();
await domains(organization);
await connections(organization);
await directories(organization);
await portalLinks(organization);
await contacts(organization);
await retention(organization);
await events(organization);
await webhooks();
await webhookEndpoints();
await workos.organizations.deleteOrganization(organization.id);
await refused(() => workos.organizations.getOrganization(organization.id), 404);
console.log('the Node SDK is content');
