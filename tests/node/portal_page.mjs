// Plays the IT admin in a browser: opens portal links, finishes what they are for, and looks at
// where that leads.
//
//   node portal_page.mjs NODE_MODULES CHROMIUM API SSO_LINK DOMAIN_LINK
import assert from 'node:assert/strict';
import { PHONE, checkAccessibility, given, inBrowser, openPage, picture } from './browser.mjs';

const [sso, domains] = given;

await inBrowser(async (browser) => {
  const { page, problems } = await openPage(browser, { viewport: PHONE });
  await page.goto(sso);
  await checkAccessibility(page);
  await picture(page, 'portal-sso');
  await page.getByRole('button', { name: 'Finish as the IT admin' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: /^Done/ }).waitFor();
  await checkAccessibility(page);
  await picture(page, 'portal-done');
  const logo = page.getByRole('link', { name: 'Your app' });
  assert.equal(await logo.getAttribute('href'), 'https://app.example.com/settings');
  assert.deepEqual(problems, []);

  await page.goto(sso);
  await page.getByRole('heading', { name: 'This link does not work' }).waitFor();
  await checkAccessibility(page);
  await picture(page, 'portal-dead-link');
  // The 404 of the dead link is the only thing that the console may complain of.
  assert.equal(problems.length, 1, problems.join('\n'));
});

await inBrowser(async (browser) => {
  const { page } = await openPage(browser);
  await page.goto(domains);
  await page.getByLabel('Domain').fill('not a domain');
  await page.getByRole('button', { name: 'Finish as the IT admin' }).click();
  await page.getByRole('alert').waitFor();
  await checkAccessibility(page);
  await picture(page, 'portal-refused');
  await page.getByLabel('Domain').fill('acme.com');
  await page.getByRole('button', { name: 'Finish as the IT admin' }).click();
  await page.getByRole('heading', { name: /^Done/ }).waitFor();
});
console.log('the pages work');
