// Answers the button: signs a token and redirects to the gateway.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SignJWT } from 'jose';
import { currentUser } from '@/lib/session';

/** Returns the gateway's address for a user: who they are, for which customer, and what for. */
async function handOff(user: { id: string; organization: string; role: string }, intent: string) {
  const { APP, GATEWAY, SECRET_FILE } = process.env;
  // The file is read each time, so that the secret can change without a restart. Its first line signs.
  const [secret] = readFileSync(SECRET_FILE!, 'utf8').trim().split('\n');
  const { organization, role } = user;
  const token = await new SignJWT({ organization, role, intents: [intent] })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(APP!)
    .setAudience(GATEWAY!)
    .setSubject(user.id)
    .setIssuedAt()
    .setExpirationTime('60s')
    .setJti(randomUUID())
    .sign(new TextEncoder().encode(secret));
  return `${GATEWAY}/portal/${organization}/${intent}?token=${token}`;
}

// A POST, because `Link` would prefetch a GET, and other sites could cause it.
export async function POST(request: Request): Promise<Response> {
  const user = await currentUser();
  const isForeign = request.headers.get('sec-fetch-site') !== 'same-origin';
  if (isForeign || user?.role !== 'it_admin') return new Response(null, { status: 403 });
  const location = await handOff(user, 'sso');
  return new Response(null, { status: 303, headers: { location, 'cache-control': 'no-store' } });
}
