// Presses the button of an example app in a browser, as the IT admin: to the portal and back.
//
//   node gateway_stacks.mjs NODE_MODULES CHROMIUM APP GATEWAY form|script
//
// The last argument says how the app leads to the gateway: by a form, or by a script.
import assert from 'node:assert/strict';
import { PHONE, checkAccessibility, given, inBrowser, openPage, picture } from './browser.mjs';

const [app, gateway, way] = given;
const PORTAL = 'Set up single sign-on for Acme Corp';

const seen = (page, name) => page.getByRole('heading', { name }).waitFor();
const press = (page) => page.getByRole('button', { name: 'Set up single sign-on' }).click();

/** Logs in as the IT admin of Acme Corp. */
async function logIn(page) {
  await page.goto(app);
  await seen(page, 'Log in');
  await checkAccessibility(page);
  await page.getByRole('button', { name: 'Log in as Ada' }).click();
  await seen(page, 'Settings');
}

/** Returns the addresses that the app gave out, as they come. */
function addressesOf(page) {
  const found = [];
  page.on('response', async (response) => {
    if (response.request().method() !== 'POST' || !response.url().startsWith(app)) return;
    const { location } = response.headers();
    if (location?.startsWith(gateway)) found.push(location);
  });
  return found;
}

// The app as it is.
await inBrowser(async (browser) => {
  const { page, problems } = await openPage(browser, { viewport: PHONE });
  await logIn(page);
  await checkAccessibility(page);
  await picture(page, `gateway-stack-${way}`);
  await press(page);
  await seen(page, PORTAL);
  await page.getByRole('link', { name: 'Your app' }).click();
  await seen(page, 'Not finished: single sign-on');
  assert.ok(page.url().startsWith(`${gateway}/return/`), page.url());
  await page.getByRole('link', { name: 'Continue in Example App' }).click();
  await page.waitForURL(`${app}/settings`);
  await seen(page, 'Settings');
  const wrong = problems.filter((problem) => !/404/.test(problem));
  assert.deepEqual(wrong, []);
});

// A policy that names no other address for forms.
await inBrowser(async (browser) => {
  const { page, problems } = await openPage(browser);
  await logIn(page);
  // A second policy on the page: what either of them refuses is refused.
  await page.evaluate(() => {
    const meta = document.createElement('meta');
    Object.assign(meta, { httpEquiv: 'Content-Security-Policy', content: "form-action 'self'" });
    document.head.append(meta);
  });
  const addresses = addressesOf(page);
  const refusals = () => problems.filter((problem) => problem.includes('form-action'));
  if (way === 'form') {
    const policy = page.waitForEvent('console', (message) => message.text().includes('form-action'));
    await press(page);
    await policy;
    assert.equal(page.url(), `${app}/settings`);
    assert.equal(addresses.length, 1);
    // The gateway has not seen the token: it is good for the same page's script, under the same policy.
    await page.evaluate((address) => location.assign(address), addresses[0])
      .catch((error) => assert.match(String(error), /context was destroyed/));
  } else {
    await press(page);
  }
  await seen(page, PORTAL);
  assert.equal(refusals().length, way === 'form' ? 1 : 0, problems.join('\n'));
});

// Somebody who is no IT admin finds no button, and gets no token by asking.
await inBrowser(async (browser) => {
  const { page } = await openPage(browser);
  await page.goto(app);
  await page.getByRole('button', { name: 'Log in as Bob' }).click();
  await page.getByText('Ask your IT admin').waitFor();
  assert.equal(await page.getByRole('button').count(), 0);
  const path = way === 'form' ? '/settings/portal' : '/api/portal';
  const status = await page.evaluate(
    (path) => fetch(path, { method: 'POST' }).then((answer) => answer.status), path,
  );
  assert.equal(status, 403);
});
console.log('the way is whole');
