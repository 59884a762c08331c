// Is the browser that `portalctl link --open` opens: the link is its last argument, as BROWSER
// gives it. Plays the IT admin to the end, and writes to a file how it went, because nobody sees
// what it prints. HOW is `redirect` where finishing leads to the app, and `logo` where only the
// logo does.
//
//   node portal_loop.mjs NODE_MODULES CHROMIUM RESULT APP_URL HOW LINK
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { given, inBrowser, openPage, picture } from './browser.mjs';

const [result, app, how, link] = given;

try {
  await inBrowser(async (browser) => {
    const { page, problems } = await openPage(browser);
    await page.goto(link);
    await page.getByRole('heading', { name: 'Set up single sign-on for Acme Corp' }).waitFor();
    await picture(page, 'loop-portal');
    await page.getByRole('button', { name: 'Finish as the IT admin' }).click();
    if (how === 'logo') {
      await page.getByRole('heading', { name: /^Done/ }).waitFor();
      await picture(page, 'loop-done');
      await page.getByRole('link', { name: 'Your app' }).click();
    }
    await page.waitForURL(app);
    await page.getByRole('heading', { name: 'Welcome back' }).waitFor();
    await picture(page, 'loop-success');
    await page.goto(link);
    await page.getByRole('heading', { name: 'This link does not work' }).waitFor();
    // The 404 of the used link, and no page's icon.
    assert.ok(problems.length <= 2, problems.join('\n'));
  });
  await writeFile(result, 'the loop is closed');
} catch (error) {
  await writeFile(result, `failed: ${error.stack}`);
}
