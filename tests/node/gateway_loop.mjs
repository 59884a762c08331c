// Plays the IT admin of the example app: logs in, sets single sign-on up through the gateway, leaves
// once, comes back, finishes, and is told what WorkOS says.
//
//   node gateway_loop.mjs NODE_MODULES CHROMIUM APP GATEWAY
import assert from 'node:assert/strict';
import { PHONE, checkAccessibility, given, inBrowser, openPage, picture } from './browser.mjs';

const [app, gateway] = given;

async function seen(page, heading, name) {
  await page.getByRole('heading', { name: heading }).waitFor();
  await checkAccessibility(page);
  await picture(page, `gateway-${name}`);
}

await inBrowser(async (browser) => {
  const { page, problems } = await openPage(browser, { viewport: PHONE });
  await page.goto(app);
  await seen(page, 'Log in', 'log-in');
  await page.getByRole('button', { name: 'Log in as Ada' }).click();
  await seen(page, 'Settings', 'settings');
  await page.getByRole('button', { name: 'Verify your domain' }).click();
  await page.getByRole('link', { name: 'Your app' }).click();
  await seen(page, 'Being validated: domain verification', 'validated');
  await page.goto(`${app}/settings`);

  const setUp = () => page.getByRole('button', { name: 'Set up single sign-on' }).click();
  await setUp();
  await seen(page, 'Set up single sign-on for Acme Corp', 'portal');
  // The page between the two is no stop on the way back.
  await page.goBack();
  await seen(page, 'Settings', 'settings-again');

  // A link, a new address and a fetched address lead on as a form does; a fetch alone spends nothing.
  const address = async () => {
    const answer = await page.request.post(`${app}/settings`, {
      form: { intent: 'sso' }, headers: { origin: app }, maxRedirects: 0,
    });
    return answer.headers().location;
  };
  const ways = {
    link: (url) => {
      const link = document.createElement('a');
      link.href = url;
      document.body.append(link);
      link.click();
    },
    assign: (url) => location.assign(url),
    fetch: async (url) => {
      const seen = await fetch(url).then((answer) => answer.type, () => 'blocked');
      if (seen !== 'blocked') throw new Error(seen);
      location.assign(url);
    },
  };
  for (const way of Object.values(ways)) {
    const url = await address();
    await page.evaluate(way, url).catch((error) => assert.match(String(error), /context was destroyed/));
    await page.getByRole('heading', { name: 'Set up single sign-on for Acme Corp' }).waitFor();
    await page.goto(`${app}/settings`);
  }
  await setUp();
  await seen(page, 'Set up single sign-on for Acme Corp', 'portal');

  await page.getByRole('link', { name: 'Your app' }).click();
  await seen(page, 'Not finished: single sign-on', 'not-finished');
  const returned = page.url();

  // In a window of its own, the page that opened it is told.
  await page.goto(`${app}/settings`);
  const [popup] = await Promise.all([
    page.waitForEvent('popup'),
    page.evaluate((url) => {
      window.told = new Promise((resolve) => addEventListener('message', ({ origin, data }) => resolve({ origin, data })));
      window.open(url);
    }, await address()),
  ]);
  await popup.getByRole('link', { name: 'Your app' }).click();
  assert.deepEqual(await page.evaluate(() => window.told), {
    origin: new URL(gateway).origin,
    data: { type: 'portalctl', organization: 'acme', intent: 'sso', state: 'not_finished', result: null },
  });
  await popup.close();
  await page.goto(returned);
  assert.ok(page.url().startsWith(`${gateway}/return/`), page.url());
  await page.getByText('This page updates by itself.').waitFor();
  // Left open, it shows by itself what is done elsewhere.
  const left = await page.context().newPage();
  await left.emulateMedia({ colorScheme: 'dark' });
  await left.goto(page.url());
  await seen(left, 'Not finished: single sign-on', 'not-finished-dark');

  await page.getByRole('link', { name: 'Continue in Example App' }).click();
  await setUp();
  await page.getByRole('button', { name: 'Finish as the IT admin' }).click();
  await seen(page, 'Done: single sign-on is set up', 'done');
  await seen(left, 'Done: single sign-on is set up', 'done-dark');
  await page.getByRole('link', { name: 'Back to Example App' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(`${app}/settings`);
  // The icon that the app has not, and the fetch that may not follow.
  const icon = (problem) => /404|CORS|ERR_FAILED|status of 400/.test(problem);
  assert.deepEqual(problems.filter((problem) => !icon(problem)), []);

  await setUp();
  await seen(page, 'Single sign-on is set up already', 'already');
  await page.getByRole('button', { name: 'Change it' }).click();
  await page.getByRole('heading', { name: 'Set up single sign-on for Acme Corp' }).waitFor();
  await page.goto(`${app}/settings`);
  await setUp();
  await page.getByRole('link', { name: 'Back to Example App' }).click();
  await page.getByRole('heading', { name: 'Settings' }).waitFor();
});

// Pages are in the language of the browser.
const languages = {
  de: 'Dieser Link funktioniert nicht',
  fr: 'Ce lien ne fonctionne pas',
  es: 'Este enlace no funciona',
  ja: 'このリンクは使えません',
};
for (const [locale, heading] of Object.entries(languages)) {
  await inBrowser(async (browser) => {
    const { page } = await openPage(browser, { viewport: PHONE, locale });
    await page.goto(`${gateway}/portal/acme/sso`);
    await seen(page, heading, `refused-${locale}`);
    assert.equal(await page.locator('html').getAttribute('lang'), locale);
  });
}

await inBrowser(async (browser) => {
  const { page } = await openPage(browser, { colorScheme: 'dark' });
  await page.goto(`${gateway}/portal/acme/sso`);
  await seen(page, 'This link does not work', 'refused');
  await page.getByRole('link', { name: 'Back to Example App' }).waitFor();
  await page.goto(`${gateway}/return/acme/sso`);
  await seen(page, 'We cannot show how far you are', 'unknown');
  await page.goto(`${gateway}/elsewhere`);
  await seen(page, 'There is no such page', 'no-page');
  // Members find no button.
  await page.goto(app);
  await page.getByRole('button', { name: 'Log in as Bob' }).click();
  await page.getByText('Ask your IT admin').waitFor();
  await checkAccessibility(page);
});
console.log('the way is whole');
