// A small app: people log in, and IT admins find a button “Set up single sign-on” in the settings.
// The button is all that an app has to write; the gateway does the rest.
//
//   PORT=3000 GATEWAY=http://127.0.0.1:8080 SECRET_FILE=handoff.secret node app.mjs
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { PORT, GATEWAY, SECRET_FILE } = process.env;
const origin = `http://127.0.0.1:${PORT}`;

const people = {
  ada: { name: 'Ada', organization: 'acme', role: 'it_admin' },
  bob: { name: 'Bob', organization: 'acme', role: 'member' },
};

/** What IT admins may set up by themselves, and the button of each. */
const features = { sso: 'Set up single sign-on', domain_verification: 'Verify your domain' };

/** Hands somebody over to the gateway: who, for which customer, and what for. */
function handOff(id, { organization, role }, intent) {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: origin, aud: GATEWAY, sub: id, organization, role, intents: [intent],
    iat: now, exp: now + 60, jti: randomUUID(),
  };
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const message = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  // Read anew each time, so that the secret can be changed without a restart. The first line signs.
  const [secret] = readFileSync(SECRET_FILE, 'utf8').trim().split('\n');
  const signature = createHmac('sha256', secret).update(message).digest('base64url');
  return `${GATEWAY}/portal/${organization}/${intent}?token=${message}.${signature}`;
}

const sessions = new Map();

function personOf(request) {
  const [, session] = /(?:^|; )session=([0-9a-f]+)/.exec(request.headers.cookie ?? '') ?? [];
  return sessions.get(session);
}

function page(title, body) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title} · Example App</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:34rem;padding:3rem 1.25rem}button{font:inherit;padding:.5rem 1rem}</style>
</head><body><main><h1>${title}</h1>${body}</main></body></html>`;
}

const routes = {
  'GET /': () =>
    page(
      'Log in',
      `<form method="post" action="/login">
<p><button name="person" value="ada">Log in as Ada, IT admin of Acme Corp</button></p>
<p><button name="person" value="bob">Log in as Bob, of Acme Corp</button></p></form>`,
    ),
  'POST /login': (_, form, answer) => {
    const id = form.get('person');
    if (!Object.hasOwn(people, id)) return go(answer, '/');
    const session = randomBytes(16).toString('hex');
    sessions.set(session, id);
    answer.setHeader('Set-Cookie', `session=${session}; HttpOnly; SameSite=Lax; Path=/`);
    return go(answer, '/settings');
  },
  'GET /settings': (id, _, answer) => {
    if (!id) return go(answer, '/');
    const { name, role } = people[id];
    const buttons = Object.entries(features).map(
      ([intent, label]) => `<p><button name="intent" value="${intent}">${label}</button></p>`,
    );
    const body =
      role === 'it_admin'
        ? `<form method="post" action="/settings">${buttons.join('')}</form>`
        : '<p>Ask your IT admin to set up single sign-on.</p>';
    return page('Settings', `<p>You are logged in as ${name}.</p>${body}`);
  },
  // The token is made now, not when the page is shown: it lives for a minute.
  'POST /settings': (id, form, answer) => {
    const intent = form.get('intent');
    const may = id && people[id].role === 'it_admin' && Object.hasOwn(features, intent);
    return go(answer, may ? handOff(id, people[id], intent) : '/');
  },
};

/** Sends the browser on; the address may hold a token, so nothing keeps it. */
function go(answer, location) {
  answer.writeHead(303, {
    location, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer',
  });
  answer.end();
}

const server = createServer(async (request, answer) => {
  const route = routes[`${request.method} ${new URL(request.url, origin).pathname}`];
  // Forms of other sites are not ours.
  const isForeign = request.method === 'POST' && request.headers.origin !== origin;
  if (!route || isForeign) return answer.writeHead(404).end();
  let body = '';
  for await (const chunk of request) {
    body += chunk;
    if (body.length > 1024) return answer.writeHead(413).end();
  }
  const html = route(personOf(request), new URLSearchParams(body), answer);
  if (answer.headersSent) return;
  answer.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    // The gateway is the one address that a policy for forms has to name: the way goes on from there.
    'content-security-policy':
      `default-src 'none'; style-src 'unsafe-inline'; connect-src 'self' ${GATEWAY}; ` +
      `form-action 'self' ${GATEWAY}; base-uri 'none'; frame-ancestors 'none'`,
  });
  answer.end(html);
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(origin));
