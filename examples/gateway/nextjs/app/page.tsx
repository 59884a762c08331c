export const metadata = { title: 'Log in · Example App' };

// A nonce is of one request, so no page is rendered in advance.
export const dynamic = 'force-dynamic';

export default function LogIn() {
  return (
    <>
      <h1>Log in</h1>
      <form method="post" action="/login">
        <p><button name="user" value="ada">Log in as Ada, IT admin of Acme Corp</button></p>
        <p><button name="user" value="bob">Log in as Bob, of Acme Corp</button></p>
      </form>
    </>
  );
}
