// Runs the route handler of examples/gateway/nextjs without Next.js, and prints the address to which it
// redirects an IT admin.
//
//   APP=… GATEWAY=… SECRET_FILE=… node next_route.mjs FOLDER
import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

const folder = `${pathToFileURL(path.resolve(process.argv[2]))}/`;

// What Next.js does: its own modules, and the folder's short name.
const stub = `data:text/javascript,${encodeURIComponent(`
  const cookies = new Map();
  const jar = { get: (name) => cookies.get(name), set: (name, value) => cookies.set(name, { value }) };
  const theCookies = async () => jar;
  export { theCookies as cookies };
`)}`;
registerHooks({
  resolve(name, context, next) {
    if (name === 'next/headers') return { url: stub, shortCircuit: true };
    return next(name.startsWith('@/') ? `${folder}${name.slice(2)}.ts` : name, context);
  },
});

const { POST } = await import(`${folder}app/settings/portal/route.ts`);
const { POST: logIn } = await import(`${folder}app/login/route.ts`);
const { APP } = process.env;

const ask = (site) =>
  POST(new Request(`${APP}/settings/portal`, { method: 'POST', headers: { 'sec-fetch-site': site } }));
async function logInAs(user) {
  const body = new URLSearchParams({ user });
  const headers = { 'sec-fetch-site': 'same-origin' };
  const answer = await logIn(new Request(`${APP}/login`, { method: 'POST', headers, body }));
  assert.equal(answer.headers.get('location'), '/settings');
}

assert.equal((await ask('same-origin')).status, 403, 'nobody is logged in');
await logInAs('bob');
assert.equal((await ask('same-origin')).status, 403, 'Bob is no IT admin');
await logInAs('ada');
assert.equal((await ask('cross-site')).status, 403, 'another site asks');
const answer = await ask('same-origin');
assert.equal(answer.status, 303);
assert.equal(answer.headers.get('cache-control'), 'no-store');
console.log(answer.headers.get('location'));
