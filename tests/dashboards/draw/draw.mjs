// SPDX-License-Identifier: Apache-2.0
// node draw.mjs FOLDER NAME ...: draws FOLDER/grafana-NAME.json as FOLDER/grafana-NAME.png. See run.
import fs from 'node:fs';
import path from 'node:path';

import { launch } from '../../web/browser/harness.mjs';

const WIDTH = 1600;
const SCALE = 0.75; // smaller files: the pictures are in the repository
const [folder, ...names] = process.argv.slice(2);
const own = (name) => fs.readFileSync(new URL(name, import.meta.url), 'utf8');
const uplot = (name) => fs.readFileSync(path.join(process.env.RCACHED_UPLOT, name), 'utf8');
const HTML = `<!doctype html><meta charset="utf-8"><style>${uplot('uPlot.min.css')}${own('page.css')}</style><header></header><main></main>`;

const browser = await launch();
try {
  for (const name of names) {
    const context = await browser.newContext({ viewport: { width: WIDTH, height: 900 }, deviceScaleFactor: SCALE, timezoneId: 'UTC', locale: 'en-US' });
    const page = await context.newPage();
    const problems = [];
    page.on('pageerror', (error) => problems.push(error.stack));
    page.on('console', (message) => { if (message.type() === 'error') problems.push(message.text()); });
    await page.setContent(HTML);
    for (const script of [uplot('uPlot.iife.min.js'), own('format.js'), own('charts.js'), own('page.js')]) await page.addScriptTag({ content: script });
    const data = JSON.parse(fs.readFileSync(path.join(folder, `grafana-${name}.json`), 'utf8'));
    const drawn = await page.evaluate((one) => window.drawDashboard(one), data);
    await page.evaluate(() => document.fonts.ready.then(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))));
    await page.screenshot({ path: path.join(folder, `grafana-${name}.png`), fullPage: true, animations: 'disabled' });
    await context.close();
    const rows = data.panels.filter((panel) => panel.type === 'row').length;
    if (problems.length > 0) throw new Error(`${name}: ${problems.join('\n')}`);
    if (drawn.panels + rows !== data.panels.length) throw new Error(`${name}: only ${drawn.panels} of ${data.panels.length - rows} panels were drawn`);
    console.log(`grafana-${name}.png: ${drawn.panels} panels, ${drawn.empty.length} of them without data here${drawn.empty.length ? `: ${drawn.empty.join(', ')}` : ''}`);
  }
} finally {
  await browser.close();
}
