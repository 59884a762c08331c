// Measures a page with a wall, for scripts/bench-page: medians of five visits, as JSON.
//
//   node wall_speed.mjs NODE_MODULES CHROMIUM WALL
import { given, inBrowser, openPage } from './browser.mjs';

const VISITS = 5;
const [wall] = given;
const median = (numbers) => Math.round(numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]);

const paints = [];
const ready = [];
const keystrokes = [];
await inBrowser(async (browser) => {
  for (let visit = 0; visit < VISITS; visit += 1) {
    const { page } = await openPage(browser);
    await page.goto(wall);
    await page.locator('#wall details').first().waitFor();
    const [paint, done] = await page.evaluate(() => [
      performance.getEntriesByName('first-contentful-paint')[0].startTime,
      performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd,
    ]);
    paints.push(paint);
    ready.push(done);
    // From the keystroke to the frame after the one that shows its result.
    const times = await page.evaluate(async () => {
      const field = document.getElementById('q');
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
      const measured = [];
      for (const text of ['a', 'ac', 'acm', 'acme', 'acme 9', 'acme 99', '']) {
        await frame();
        const start = performance.now();
        field.value = text;
        field.dispatchEvent(new InputEvent('input', { bubbles: true }));
        await frame();
        await frame();
        measured.push(performance.now() - start);
      }
      return measured;
    });
    keystrokes.push(...times);
    await page.context().close();
  }
});
console.log(JSON.stringify({
  first_paint_ms: median(paints),
  ready_ms: median(ready),
  keystroke_ms: median(keystrokes),
  slowest_keystroke_ms: Math.round(Math.max(...keystrokes)),
}));
