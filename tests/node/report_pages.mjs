// Opens every page at phone and desktop width, light and dark, and without a script.
//
//   node report_pages.mjs NODE_MODULES CHROMIUM PAGE…
import assert from 'node:assert/strict';
import path from 'node:path';
import { DESKTOP, PHONE, checkAccessibility, given, inBrowser, openPage, picture } from './browser.mjs';

await inBrowser(async (browser) => {
  for (const address of given) {
    const name = path.basename(address, '.html');
    for (const [size, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) {
      for (const colorScheme of ['light', 'dark']) {
        const { page, problems, requests } = await openPage(browser, { viewport, colorScheme });
        const dialogs = [];
        page.on('dialog', (dialog) => dialogs.push(dialog.message()) && dialog.dismiss());
        await page.goto(address);
        for (const one of await page.locator('#wall details').all()) {
          await one.evaluate((details) => { details.open = true; });
        }
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(width <= viewport.width, `${name} is ${width} wide on a ${size}`);
        // No state reaches out of its cell.
        const wide = await page.locator('#wall td > b').evaluateAll((all) =>
          all.filter((one) => one.getBoundingClientRect().right > one.parentElement.getBoundingClientRect().right + 1).map((one) => one.textContent),
        );
        assert.deepEqual(wide, [], `${name} on a ${size}`);
        await checkAccessibility(page);
        await picture(page, `${name}-${size}-${colorScheme}`);
        assert.deepEqual(problems, [], name);
        assert.deepEqual(requests, [address]);
        assert.deepEqual(dialogs, []);
        assert.notEqual(await page.title(), 'taken');
        await page.context().close();
      }
    }

    // What the script shows is all there without it.
    const { page: plain } = await openPage(browser, { javaScriptEnabled: false });
    await plain.goto(address);
    const { page: full } = await openPage(browser);
    await full.goto(address);
    assert.equal(await plain.locator('#wall tbody').count(), await full.locator('#wall tbody').count());
    assert.equal(await plain.locator('#filters').isVisible().catch(() => false), false);
    await picture(plain, `${name}-no-script`);

    // The policy holds: a script and a style that the page does not know are refused.
    const blocked = await full.evaluate(async () => {
      const refused = [];
      document.addEventListener('securitypolicyviolation', (event) => refused.push(event.effectiveDirective));
      const script = document.createElement('script');
      script.textContent = "document.title = 'taken'";
      const style = document.createElement('style');
      style.textContent = 'body { display: none }';
      const image = document.createElement('img');
      image.src = 'https://example.com/x.png';
      document.body.append(script, style, image);
      document.body.setAttribute('onclick', "document.title = 'taken'");
      document.body.click();
      await new Promise((resolve) => setTimeout(resolve, 50));
      return refused;
    });
    for (const directive of ['script-src-elem', 'script-src-attr', 'style-src-elem', 'img-src']) {
      assert.ok(blocked.includes(directive), `${directive} is not refused: ${blocked}`);
    }
    assert.notEqual(await full.title(), 'taken');
    await plain.context().close();
    await full.context().close();
  }
});
console.log('the pages hold');
