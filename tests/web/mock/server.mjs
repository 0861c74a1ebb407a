// SPDX-License-Identifier: Apache-2.0
// The daemon's HTTP interface on loopback, for states that a real daemon is rarely in: streams that are cut, refused
// or silent, slow answers, domains that disappear, a daemon that is not ready. Serves the page as it was built
// (dist/).
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

import { makeState } from './state.mjs';

const TYPES = { '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };

export class MockDaemon {
  constructor(dist, options = {}) {
    this.dist = dist;
    this.policy = fs.readFileSync(path.join(dist, 'policy.txt'), 'utf8');
    this.number = 100;
    this.tick = 0;
    this.streams = new Set();
    this.requests = [];       // their paths, in order
    this.mode = 'normal';     // normal; no-view: 503 everywhere; full: no stream is free; dead: connections are dropped
    this.silent = false;      // streams are accepted and nothing is sent
    this.hold = () => false;  // which paths are answered by release() only
    this.held = [];
    this.set(options);
    // No time limits: the browser may be slow.
    this.server = http.createServer({ headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0 }, (request, response) => this.receive(request, response));
  }

  set(options) {
    this.options = options;
    this.state = makeState(options, this.tick);
  }

  async start() {
    await new Promise((resolve) => { this.server.listen(0, '127.0.0.1', resolve); });
    this.url = `http://127.0.0.1:${this.server.address().port}/`;
    return this;
  }

  async stop() {
    clearInterval(this.timer);
    this.cut();
    this.server.closeAllConnections();
    await new Promise((resolve) => { this.server.close(resolve); });
  }

  // The next snapshot, to all subscribers.
  publish() {
    ++this.tick;
    ++this.number;
    this.set(this.options);
    for (const stream of this.streams) this.send(stream);
  }

  every(ms) {
    this.timer = setInterval(() => this.publish(), ms);
  }

  // Answers what was held, and holds nothing more.
  release() {
    this.hold = () => false;
    for (const answer of this.held.splice(0)) answer();
  }

  // Ends all streams as a restart of the daemon would.
  cut() {
    for (const { response } of this.streams) response.destroy();
    this.streams.clear();
  }

  error(response, status, message, hint = '') {
    response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
    response.end(JSON.stringify({ error: { message, hint } }));
  }

  json(response, body) {
    response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
    response.end(JSON.stringify(body));
  }

  domain(label) {
    return this.state.details.get(label) ?? { error: { message: `there is no domain "${label}"`, hint: '/api/v1/domains lists the domains there are' } };
  }

  send({ response, label }) {
    if (this.silent || this.mode === 'no-view') return;
    const event = (name, body) => response.write(`id: ${this.number}\nevent: ${name}\ndata: ${JSON.stringify(body)}\n\n`);
    const { domains, status, notes } = this.state;
    event('snapshot', { domains, status, notes });
    if (label !== null) event('domain', this.domain(label));
  }

  stream(response, query) {
    if (this.mode === 'full') return this.error(response, 503, 'all streams are taken', 'raise http.streams');
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write('retry: 2000\n\n');
    const stream = { response, label: query.get('domain') };
    this.streams.add(stream);
    response.on('close', () => this.streams.delete(stream));
    this.send(stream);
  }

  receive(request, response) {
    const url = new URL(request.url, 'http://localhost');
    this.requests.push(url.pathname + url.search);
    if (this.hold(url.pathname)) this.held.push(() => this.answer(request, response, url));
    else this.answer(request, response, url);
  }

  answer(request, response, url) {
    if (this.mode === 'dead' && url.pathname.startsWith('/api/')) return void request.socket.destroy();
    if (url.pathname === '/') return this.file(response, 'index.html', { 'Content-Security-Policy': this.policy, 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' });
    if (/^\/assets\/[\w.-]+$/.test(url.pathname)) {
      return this.file(response, url.pathname.slice(1), { 'Content-Type': TYPES[path.extname(url.pathname)], 'Cache-Control': 'public, max-age=31536000, immutable' });
    }
    if (this.mode === 'no-view' && !url.pathname.endsWith('/stream')) return this.error(response, 503, 'rcached is starting: no snapshot has been taken yet', 'try again in a second');
    const [, , , what, ...rest] = url.pathname.split('/');
    if (what === 'stream') return this.stream(response, url.searchParams);
    if (what === 'status') return this.json(response, this.state.status);
    if (what === 'notes') return this.json(response, this.state.notes);
    if (what === 'domains' && rest.length === 0) return this.json(response, this.state.domains);
    if (what === 'domains') {
      const label = decodeURIComponent(rest[0]);
      const body = rest[1] === 'history' ? this.state.history(label) : this.state.details.get(label);
      return body === undefined ? this.error(response, 404, this.domain(label).error.message) : this.json(response, body);
    }
    return this.error(response, 404, 'nothing here');
  }

  file(response, name, headers) {
    const file = path.join(this.dist, name);
    if (!fs.existsSync(file)) return this.error(response, 404, 'nothing here');
    response.writeHead(200, { ...headers, 'X-Content-Type-Options': 'nosniff' });
    response.end(fs.readFileSync(file));
  }
}

// To look at the page by hand: node server.mjs DIST [OPTIONS as JSON]
if (process.argv[1] === import.meta.filename || process.argv[1]?.endsWith('mock/server.mjs')) {
  const daemon = await new MockDaemon(process.argv[2], JSON.parse(process.argv[3] ?? '{}')).start();
  daemon.every(1000);
  console.log(daemon.url);
}
