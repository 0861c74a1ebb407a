// SPDX-License-Identifier: Apache-2.0
// axe-core finds no serious accessibility problem: on a desktop and a phone, light and dark, in three states.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';

import { DESKTOP, PHONE, charted, drawn, launch, mock, need, openPage } from './harness.mjs';
import { SHOWCASE } from '../mock/state.mjs';

const AXE = fs.readFileSync(need.resolve('axe-core/axe.min.js'), 'utf8');
let browser;

before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

// Runs in an isolated world, as extensions do: the page's content security policy does not apply there.
async function violations(page) {
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send('Page.getFrameTree');
  const { executionContextId } = await session.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' });
  await session.send('Runtime.evaluate', { contextId: executionContextId, expression: AXE });
  const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
    contextId: executionContextId, awaitPromise: true, returnByValue: true,
    expression: 'axe.run(document, {resultTypes: ["violations"]}).then((r) => ({passes: r.passes.length, violations: r.violations.map((v) => ({id: v.id, impact: v.impact, nodes: v.nodes.map((n) => n.html.slice(0, 160) + " :: " + n.failureSummary.slice(0, 200))}))}))',
  });
  assert.equal(exceptionDetails, undefined);
  return result.value;
}

const STATES = {
  showcase: SHOWCASE,
  'no domain': { domains: 0, cpus: 4 },
  'not ready': { domains: 1, cpus: 4, ready: false, kinds: ['off'] },
};

for (const [screen, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
  for (const colorScheme of ['light', 'dark']) {
    for (const [state, options] of Object.entries(STATES)) {
      if (state !== 'showcase' && (screen === 'phone') !== (colorScheme === 'dark')) continue;
      test(`${screen}, ${colorScheme}, ${state}`, async () => {
        const daemon = await mock(options);
        const { page, guard, close } = await openPage(browser, daemon.url, { viewport, colorScheme });
        await drawn(page);
        if (state === 'showcase') {
          await charted(page);
          await page.evaluate(() => {
            for (const d of document.querySelectorAll('details')) d.open = true;
            document.querySelector('[data-help="depots"]').click();
          });
          for (const section of ['heatmap-title', 'history-title']) await page.waitForSelector(`[aria-labelledby="${section}"] details tbody tr`);
        }
        const found = await violations(page);
        assert.ok(found.passes > 10, 'axe has run its checks');
        const serious = found.violations.filter((v) => ['serious', 'critical'].includes(v.impact));
        assert.deepEqual(serious, []);
        const minor = found.violations.filter((v) => !serious.includes(v)).map((v) => v.id);
        if (minor.length > 0) console.log(`minor or moderate: ${minor.join(', ')}`);
        guard.clean();
        await close();
        await daemon.stop();
      });
    }
  }
}
