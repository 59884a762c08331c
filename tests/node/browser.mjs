// Opens a headless Chromium, for the scripts beside this file.
//
// The first arguments of every script are the folder node_modules and the browser's program.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';

const [modules, executablePath, ...rest] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(modules), 'portalctl.js'));
const { chromium } = require('playwright-core');

/** What the test hands to the script. */
export const given = rest;

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1280, height: 900 };

/**
 * Runs a test in a fresh browser, and ends the browser whatever happens.
 *
 * Console errors, exceptions and requests that fail make it fail.
 */
export async function inBrowser(test) {
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
    ],
  });
  try {
    await test(browser);
  } finally {
    await browser.close();
  }
}

/** Opens a page that keeps a list of everything that went wrong on it, and of its requests. */
export async function openPage(browser, { viewport = DESKTOP, ...options } = {}) {
  const context = await browser.newContext({ viewport, ...options });
  const page = await context.newPage();
  const problems = [];
  const requests = [];
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => requests.push(request.url()));
  return { page, problems, requests };
}

/** Holds a page against axe-core's rules: no violation at all. */
export async function checkAccessibility(page) {
  const axe = await readFile(require.resolve('axe-core/axe.min.js'), 'utf8');
  // Through the debugger, so that the page's own security policy stays as it is.
  const session = await page.context().newCDPSession(page);
  const run = `${axe}\n;axe.run(document).then((r) => JSON.stringify(r.violations))`;
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
    expression: run,
    awaitPromise: true,
    returnByValue: true,
  });
  assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
  const violations = JSON.parse(result.value).map(
    ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((n) => n.html).join(' ')}`,
  );
  assert.deepEqual(violations, []);
}

/** Keeps a picture of the page where PORTALCTL_SCREENSHOTS names a folder, to be looked at. */
export async function picture(page, name) {
  const folder = process.env.PORTALCTL_SCREENSHOTS;
  if (folder) await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
}
