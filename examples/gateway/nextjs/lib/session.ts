// Stands for the log-in that your app has already.
import { randomUUID } from 'node:crypto';
import { cookies } from 'next/headers';

export type User = { id: string; name: string; organization: string; role: string };

const users: User[] = [
  { id: 'ada', name: 'Ada', organization: 'acme', role: 'it_admin' },
  { id: 'bob', name: 'Bob', organization: 'acme', role: 'member' },
];

// Pages and route handlers are bundled apart, and share what is global.
const shared = globalThis as { sessions?: Map<string, User> };
const sessions = (shared.sessions ??= new Map());

export async function currentUser(): Promise<User | undefined> {
  return sessions.get((await cookies()).get('session')?.value ?? '');
}

export async function logIn(id: unknown): Promise<void> {
  const user = users.find((user) => user.id === id);
  if (!user) return;
  const session = randomUUID();
  sessions.set(session, user);
  (await cookies()).set('session', session, { httpOnly: true, sameSite: 'lax' });
}
