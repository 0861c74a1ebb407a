// SPDX-License-Identifier: Apache-2.0
// exporters/web/build-page when npm or the bundler fails: the binary has no live page and shows the reason; the next
// build tries again. The lock files.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const WEB = path.join(ROOT, 'exporters/web');
let folder;

before(() => { folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rcached-build-page-')); });
after(() => fs.rmSync(folder, { recursive: true, force: true }));

function tool(name, script) {
  const file = path.join(folder, name);
  fs.writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return file;
}

function build(out, npm, node) {
  const done = spawnSync(path.join(WEB, 'build-page'), [WEB, path.join(folder, out), npm, node], { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
  return { stderr: done.stderr, file: path.join(folder, out, 'web_assets.cc') };
}

test('npm fails: the reason is printed and compiled in, and the generated file is older than its sources', () => {
  const { stderr, file } = build('no-npm', tool('npm-fails', 'echo "no registry here" >&2; exit 1'), process.execPath);
  assert.match(stderr, /no registry here/);
  assert.match(stderr, /warning: no live page in this build: npm could not install/);
  assert.match(fs.readFileSync(file, 'utf8'), /return "npm could not install the packages of exporters\/web\/package-lock.json when it was built";/);
  assert.ok(fs.statSync(file).mtimeMs < fs.statSync(path.join(WEB, 'build.mjs')).mtimeMs);
  assert.ok(!fs.existsSync(path.join(folder, 'no-npm/installed-lock.json')), 'the next build tries again');
  execFileSync('c++', ['-std=c++20', '-fsyntax-only', '-Wall', '-Werror', '-I', ROOT, file]);
});

test('the bundler fails: the reason is printed and compiled in', () => {
  const { stderr, file } = build('no-bundle', tool('npm-works', 'exit 0'), tool('node-fails', 'echo "cannot bundle" >&2; exit 1'));
  assert.match(stderr, /cannot bundle/);
  assert.match(fs.readFileSync(file, 'utf8'), /its sources could not be bundled when it was built/);
});

test('the lock files contain no download address', () => {
  for (const lock of [path.join(WEB, 'package-lock.json'), path.join(ROOT, 'tests/web/package-lock.json')]) {
    const { packages } = JSON.parse(fs.readFileSync(lock, 'utf8'));
    for (const [name, entry] of Object.entries(packages)) {
      assert.equal(entry.resolved, undefined, name);
      if (name !== '') assert.match(entry.integrity, /^sha512-/, name);
    }
  }
});

test('the lock file has the bundler for both architectures', () => {
  const { packages } = JSON.parse(fs.readFileSync(path.join(WEB, 'package-lock.json'), 'utf8'));
  for (const platform of ['linux-x64', 'linux-arm64']) assert.ok(packages[`node_modules/@esbuild/${platform}`], platform);
});
