import { redirect } from 'next/navigation';
import { currentUser } from '@/lib/session';

export const metadata = { title: 'Settings · Example App' };

export default async function Settings() {
  const user = await currentUser();
  if (!user) redirect('/');
  return (
    <>
      <h1>Settings</h1>
      <p>You are logged in as {user.name}.</p>
      {user.role === 'it_admin' ? (
        <form method="post" action="/settings/portal">
          <button>Set up single sign-on</button>
        </form>
      ) : (
        <p>Ask your IT admin to set up single sign-on.</p>
      )}
    </>
  );
}
