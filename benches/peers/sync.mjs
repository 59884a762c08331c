// What people run today in portalctl's place: a script on the official Node SDK that lists what is
// there, and creates or corrects what is not as it should be, one after the other.
//
//   WORKOS_API_KEY=… node sync.mjs NODE_MODULES URL CUSTOMERS.json [--check]
//
// With --check it only looks. Prints how many it would create, would correct, and left alone.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [modules, url, file, option] = process.argv.slice(2);
const { WorkOS } = createRequire(join(modules, 'none.cjs'))('@workos-inc/node');
const { hostname, port } = new URL(url);
const workos = new WorkOS(process.env.WORKOS_API_KEY, {
  apiHostname: hostname,
  port: Number(port),
  https: false,
});
const looksOnly = option === '--check';

const live = new Map();
const list = await workos.organizations.listOrganizations();
for (const organization of await list.autoPagination()) {
  live.set(organization.externalId, organization);
}

const count = { create: 0, update: 0, unchanged: 0 };
for (const { key, name, domain } of JSON.parse(readFileSync(file, 'utf8'))) {
  const found = live.get(key);
  if (!found) {
    count.create += 1;
    if (!looksOnly) {
      const domainData = [{ domain, state: 'pending' }];
      await workos.organizations.createOrganization({ name, externalId: key, domainData });
    }
  } else if (found.name !== name) {
    count.update += 1;
    if (!looksOnly) {
      await workos.organizations.updateOrganization({ organization: found.id, name });
    }
  } else {
    count.unchanged += 1;
  }
}
console.log(JSON.stringify(count));
