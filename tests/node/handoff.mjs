// Makes hand-off tokens with jose as an app would, one for each algorithm, and prints them with the
// keys that the app publishes.
//
//   node handoff.mjs NODE_MODULES ISSUER AUDIENCE SECRET_AUDIENCE SECRET
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

const [modules, issuer, audience, secretAudience, secret] = process.argv.slice(2);
const entry = path.join(path.resolve(modules), 'jose/dist/webapi/index.js');
const { SignJWT, exportJWK, generateKeyPair } = await import(pathToFileURL(entry));

const token = (alg, kid, key, aud) =>
  new SignJWT({ organization: 'acme', intents: ['sso'], role: 'it_admin' })
    .setProtectedHeader({ alg, typ: 'JWT', kid })
    .setIssuer(issuer)
    .setAudience(aud)
    .setSubject('ada')
    .setIssuedAt()
    .setExpirationTime('60s')
    .setJti(randomUUID())
    .sign(key);

const keys = [];
const tokens = {};
for (const alg of ['RS256', 'ES256', 'EdDSA']) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  keys.push({ ...(await exportJWK(publicKey)), kid: alg, alg, use: 'sig' });
  tokens[alg] = await token(alg, alg, privateKey, audience);
}
tokens.HS256 = await token('HS256', undefined, new TextEncoder().encode(secret), secretAudience);
console.log(JSON.stringify({ jwks: { keys }, tokens }));
