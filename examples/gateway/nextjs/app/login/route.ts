import { logIn } from '@/lib/session';

export async function POST(request: Request): Promise<Response> {
  if (request.headers.get('sec-fetch-site') !== 'same-origin') return new Response(null, { status: 403 });
  await logIn((await request.formData()).get('user'));
  return new Response(null, { status: 303, headers: { location: '/settings' } });
}
