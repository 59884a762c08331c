// A server-rendered app with Express and helmet: IT admins find a button in the settings.
// README.md says what to copy.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import express from 'express';
import helmet from 'helmet';
import { SignJWT } from 'jose';

const { APP, PORT, GATEWAY, SECRET_FILE } = process.env;

const app = express();
app.use(
  helmet({
    // A policy for forms covers redirects: it has to name the gateway, and not the portal.
    contentSecurityPolicy: { directives: { formAction: ["'self'", GATEWAY] } },
  }),
);
app.use(express.urlencoded());
// Forms of other sites are refused. `Origin` is `null` here, because helmet's default is `no-referrer`.
app.use((request, response, next) => {
  const isForeign = request.method === 'POST' && request.get('sec-fetch-site') !== 'same-origin';
  return isForeign ? response.sendStatus(403) : next();
});

/** Returns the gateway's address for a user: who they are, for which customer, and what for. */
async function handOff(user, intent) {
  // The file is read each time, so that the secret can change without a restart. Its first line signs.
  const [secret] = readFileSync(SECRET_FILE, 'utf8').trim().split('\n');
  const { organization, role } = user;
  const token = await new SignJWT({ organization, role, intents: [intent] })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(APP)
    .setAudience(GATEWAY)
    .setSubject(user.id)
    .setIssuedAt()
    .setExpirationTime('60s')
    .setJti(randomUUID())
    .sign(new TextEncoder().encode(secret));
  return `${GATEWAY}/portal/${organization}/${intent}?token=${token}`;
}

// The token is made at the click, not when the page is shown: it is valid for a minute.
app.post('/settings/portal', async (request, response) => {
  const user = userOf(request);
  if (user?.role !== 'it_admin') return response.sendStatus(403);
  response.set('Cache-Control', 'no-store').redirect(303, await handOff(user, 'sso'));
});

app.get('/settings', (request, response) => {
  const user = userOf(request);
  if (!user) return response.redirect(303, '/');
  const button = `<form method="post" action="/settings/portal">
<button>Set up single sign-on</button></form>`;
  const hint = '<p>Ask your IT admin to set up single sign-on.</p>';
  const body = `<p>You are logged in as ${user.name}.</p>${user.role === 'it_admin' ? button : hint}`;
  response.set('Cache-Control', 'no-store').send(page('Settings', body));
});

// The rest stands for the log-in that your app has already.
const users = {
  ada: { id: 'ada', name: 'Ada', organization: 'acme', role: 'it_admin' },
  bob: { id: 'bob', name: 'Bob', organization: 'acme', role: 'member' },
};
const sessions = new Map();

function userOf(request) {
  const [, session] = /(?:^|; )session=([0-9a-f-]+)/.exec(request.get('cookie') ?? '') ?? [];
  return sessions.get(session);
}

app.get('/', (_, response) => {
  response.send(
    page(
      'Log in',
      `<form method="post" action="/login">
<p><button name="user" value="ada">Log in as Ada, IT admin of Acme Corp</button></p>
<p><button name="user" value="bob">Log in as Bob, of Acme Corp</button></p></form>`,
    ),
  );
});

app.post('/login', (request, response) => {
  const id = request.body?.user;
  if (!Object.hasOwn(users, id)) return response.redirect(303, '/');
  const session = randomUUID();
  sessions.set(session, users[id]);
  response.cookie('session', session, { httpOnly: true, sameSite: 'lax' });
  response.redirect(303, '/settings');
});

function page(title, body) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title} · Example App</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:34rem;padding:3rem 1.25rem}button{font:inherit;padding:.5rem 1rem}</style>
</head><body><main><h1>${title}</h1>${body}</main></body></html>`;
}

app.listen(Number(PORT), '127.0.0.1', () => console.log(APP));
