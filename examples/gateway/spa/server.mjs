// Serves the files of a single-page app, and its API. README.md says what to copy.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { SignJWT } from 'jose';

const { APP, PORT, GATEWAY, SECRET_FILE } = process.env;

/** Headers of every answer. The policy does not name the gateway: a script leads there, and no form. */
const HEADERS = {
  'content-security-policy':
    "default-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
};

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

/** Answers of the API: a status, an object that is sent as JSON, and headers. */
const api = {
  // The token is made at the click: it is valid for a minute.
  'POST /api/portal': async (user) => {
    if (user?.role !== 'it_admin') return [403, { error: 'not an IT admin' }];
    return [200, { address: await handOff(user, 'sso') }];
  },
  // The rest stands for the log-in that your app has already.
  'GET /api/user': (user) => [200, user ?? null],
  'POST /api/login/ada': () => logIn('ada'),
  'POST /api/login/bob': () => logIn('bob'),
};

const users = {
  ada: { id: 'ada', name: 'Ada', organization: 'acme', role: 'it_admin' },
  bob: { id: 'bob', name: 'Bob', organization: 'acme', role: 'member' },
};
const sessions = new Map();

function logIn(id) {
  const session = randomUUID();
  sessions.set(session, users[id]);
  return [200, users[id], { 'set-cookie': `session=${session}; HttpOnly; SameSite=Lax; Path=/` }];
}

function userOf(request) {
  const [, session] = /(?:^|; )session=([0-9a-f-]+)/.exec(request.headers.cookie ?? '') ?? [];
  return sessions.get(session);
}

const file = (name, type) => [readFileSync(new URL(`public/${name}`, import.meta.url)), type];
const index = file('index.html', 'text/html; charset=utf-8');
const files = {
  'GET /': index,
  'GET /settings': index,
  'GET /app.js': file('app.js', 'text/javascript; charset=utf-8'),
  'GET /app.css': file('app.css', 'text/css; charset=utf-8'),
};

const server = createServer(async (request, response) => {
  const name = `${request.method} ${new URL(request.url, APP).pathname}`;
  if (Object.hasOwn(files, name)) {
    const [content, type] = files[name];
    return response.writeHead(200, { ...HEADERS, 'content-type': type }).end(content);
  }
  if (!Object.hasOwn(api, name)) return response.writeHead(404, HEADERS).end();
  // Other sites may not ask.
  const isForeign = request.headers['sec-fetch-site'] !== 'same-origin';
  if (isForeign) return response.writeHead(403, HEADERS).end();
  const [status, object, headers] = await api[name](userOf(request));
  response.writeHead(status, { ...HEADERS, 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(object));
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(APP));
