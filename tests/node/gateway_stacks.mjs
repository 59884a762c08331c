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

/**
 * Watches for the app's redirect to the gateway, and returns a function that waits for its address.
 *
 * Only the debugger knows the address of a redirect that a policy stops.
 */
async function watchRedirect(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  const found = new Promise((resolve) => {
    session.on('Network.responseReceivedExtraInfo', ({ headers }) => {
      const location = headers.Location ?? headers.location;
      if (location?.startsWith(gateway)) resolve(location);
    });
  });
  return () => found;
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
  const refused = () => problems.filter((problem) => problem.includes('form-action'));
  if (way === 'form') {
    const refusal = page.waitForEvent('console', (message) => message.text().includes('form-action'));
    const redirect = await watchRedirect(page);
    await press(page);
    await refusal;
    assert.equal(page.url(), `${app}/settings`);
    // The gateway has not seen the token: it is good for a script of the same page.
    await page.evaluate((address) => location.assign(address), await redirect())
      .catch((error) => assert.match(String(error), /context was destroyed/));
  } else {
    await press(page);
  }
  await seen(page, PORTAL);
  assert.equal(refused().length, way === 'form' ? 1 : 0, problems.join('\n'));
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
