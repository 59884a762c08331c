// Uses the wall of a status page: 200 organizations, then 1,200 whose details are packed.
//
//   node wall.mjs NODE_MODULES CHROMIUM WALL PACKED
import assert from 'node:assert/strict';
import { PHONE, checkAccessibility, given, inBrowser, openPage, picture } from './browser.mjs';

const [wall, packed] = given;
const names = (page) => page.locator('#wall tbody th bdi').allTextContents();
const found = (page) => page.getByRole('status').textContent();

await inBrowser(async (browser) => {
  const { page, problems, requests } = await openPage(browser);
  await page.goto(wall);
  assert.equal(await found(page), '200 of 200 organizations, the first 100 shown');
  assert.equal((await names(page)).length, 100);
  await checkAccessibility(page);
  await picture(page, 'wall-desktop');

  // By keyboard alone, from the top of the page: skip, search, filter, sort, open.
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'q');
  await page.keyboard.type('ZAGLE 1');
  assert.ok((await names(page)).every((name) => name.startsWith('Łódź Żagle ')));
  const some = await names(page);
  assert.ok(some.length > 1);
  assert.equal(await found(page), `${some.length} of 200 organizations`);
  await page.keyboard.press('Tab');
  await page.keyboard.type('att');
  assert.equal(await page.locator('#state').inputValue(), 'attention');
  const bad = await page.locator('#wall tbody').evaluateAll((all) => all.map((one) => one.querySelectorAll('td.attention').length));
  assert.ok(bad.length > 0 && bad.every((count) => count > 0));
  await page.waitForURL(/#q=ZAGLE\+1&state=attention$/);

  // A shared address opens the same view.
  const { page: other } = await openPage(browser);
  await other.goto(page.url());
  assert.deepEqual(await names(other), await names(page));
  assert.equal(await other.locator('#q').inputValue(), 'ZAGLE 1');

  for (const field of ['#turn', '#intent', '#sort']) {
    await page.keyboard.press('Tab');
    assert.ok(await page.locator(field).evaluate((one) => one === document.activeElement));
  }
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.getElementById('found').textContent.startsWith('200 of'));
  assert.equal(await page.locator('#q').inputValue(), '');

  await page.locator('#sort').selectOption('name');
  const sorted = await names(page);
  assert.deepEqual(sorted, sorted.toSorted(new Intl.Collator('en', { numeric: true }).compare));
  await page.locator('#sort').selectOption('oldest');
  const waits = await page.locator('#wall tbody').evaluateAll((all) =>
    all.map((one) => [...one.querySelectorAll('tr:first-child td:not(.configured) time')].map((time) => time.textContent).sort()[0]),
  );
  assert.deepEqual(waits.filter(Boolean), waits.filter(Boolean).toSorted());

  await page.locator('#intent').selectOption('dsync');
  await page.locator('#state').selectOption('open');
  await page.locator('#turn').selectOption('customer');
  const cells = await page.locator('#wall tbody tr:first-child td:nth-child(3)').allTextContents();
  assert.ok(cells.length > 0 && cells.every((cell) => cell.includes("the customer's turn")), cells.join());

  await page.getByLabel('Search').fill('nobody is called this');
  assert.equal(await found(page), '0 of 200 organizations');
  await checkAccessibility(page);
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.waitForFunction(() => document.getElementById('found').textContent.startsWith('200 of'));

  await page.getByLabel('Search').fill('customer-00007');
  assert.equal((await names(page)).length, 1);
  const id = await page.locator('#wall tbody').getAttribute('data-id');
  await page.getByLabel('Search').fill(id);
  assert.equal((await names(page)).length, 1);
  await page.getByLabel('Search').fill('');

  // More rows on demand, and the focus goes on where they begin.
  await page.getByRole('button', { name: 'Show 100 more' }).press('Enter');
  assert.equal((await names(page)).length, 200);
  assert.ok(await page.evaluate(() => document.activeElement === document.querySelectorAll('#wall summary')[100]));
  await page.keyboard.press('Enter');
  assert.ok(await page.locator('#wall tbody').nth(100).locator('dl').isVisible());

  // Paper has everything that was found, opened.
  await page.waitForURL(/#$/);
  await page.reload();
  await page.emulateMedia({ media: 'print' });
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
  assert.equal(await page.locator('#wall details[open]').count(), 200);
  assert.equal(await page.locator('#filters').isVisible(), false);
  await picture(page, 'wall-print');
  await page.evaluate(() => dispatchEvent(new Event('afterprint')));
  assert.equal(await page.locator('#wall details[open]').count(), 0);
  assert.equal((await names(page)).length, 100);
  assert.deepEqual(problems, []);
  assert.ok(requests.every((url) => url.startsWith(wall)), requests.join());
});

await inBrowser(async (browser) => {
  const { page, problems, requests } = await openPage(browser, { viewport: PHONE });
  await page.goto(packed);
  await page.locator('#wall details').first().waitFor();
  assert.equal(await page.locator('#wall details').count(), 100);
  await page.getByLabel('Search').fill('customer-00099');
  await page.locator('#wall summary').press('Enter');
  assert.ok(await page.getByText('connection OktaSAML').first().isVisible());
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), PHONE.width);
  await checkAccessibility(page);
  await picture(page, 'wall-phone');
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByRole('button', { name: 'Show all 1200' }).click();
  assert.equal(await page.locator('#wall details').count(), 1200);
  assert.deepEqual(problems, []);
  assert.deepEqual(requests, [packed]);

  const { page: plain } = await openPage(browser, { javaScriptEnabled: false });
  await plain.goto(packed);
  assert.equal(await plain.locator('#wall tbody').count(), 1200);
  assert.ok(await plain.locator('noscript p').isVisible());
});
console.log('the wall works');
