// The module in a browser: headless Chromium loads a page from a server of ours, and what it finds is what
// node and the native code find. Skipped, by name, where there is no Chromium.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { graphsBytes, native, nativeGraphs, tracesFolder, wasmBytes } from './helpers.mjs';
import { script } from './player.mjs';

const browser = process.env.QUIRE_CHROMIUM ?? 'chromium';
const skip = spawnSync(browser, ['--version']).status === 0 ? false : `there is no ${browser}`;
const GRAPHS = ['--quiet', '--graphs', '60', '--ops', '300', '--check', '50'];
const EDITS = [{ seed: 101, count: 2500 }, { seed: 102, count: 2500 }];
const near = (name) => readFileSync(new URL(name, import.meta.url));

function jobs() {
  return {
    vectors: JSON.parse(near('../../protocol/vectors/document.json')),
    edits: EDITS.map(({ seed, count }) =>
      ({ seed, count, answers: native(['documents'], `${script(seed, count).join('\n')}\n`) })),
    histories: tracesFolder === null ? null
      : JSON.parse(gunzipSync(readFileSync(path.join(tracesFolder, 'conformance.json.gz')))),
    graphs: GRAPHS,
  };
}

/** Serves the page until it has posted its results. */
function serve() {
  const script = (bytes) => ['text/javascript', bytes];
  const files = {
    '/': ['text/html', '<!doctype html><script type="module" src="page.mjs"></script>'],
    '/page.mjs': script(near('page.mjs')), '/player.mjs': script(near('player.mjs')),
    ...Object.fromEntries(readdirSync(process.env.QUIRE_WASM).filter((name) => name.endsWith('.mjs'))
      .map((name) => [`/${name}`, script(readFileSync(path.join(process.env.QUIRE_WASM, name)))])),
    '/quire.wasm': ['application/wasm', wasmBytes], '/crdt-graphs.wasm': ['application/wasm', graphsBytes],
    '/jobs': ['application/json', JSON.stringify(jobs())],
  };
  let answered;
  const results = new Promise((resolve) => { answered = resolve; });
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      let body = '';
      request.on('data', (part) => { body += part; }).on('end', () => {
        response.end();
        answered(JSON.parse(body));
      });
      return;
    }
    const [type, content] = files[request.url] ?? ['text/plain', null];
    response.writeHead(content === null ? 404 : 200, { 'content-type': type }).end(content ?? '');
  });
  return { server, results };
}

test('in Chromium, vectors, edits, histories and graphs come out as natively', { skip, timeout: 240_000 }, async () => {
  const { server, results } = serve();
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const profile = mkdtempSync(path.join(os.tmpdir(), 'quire-chromium-'));
  const child = spawn(browser, ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
    `--user-data-dir=${profile}`, '--remote-debugging-port=0', `http://127.0.0.1:${server.address().port}/`], { stdio: 'ignore' });
  const ended = new Promise((resolve) => { child.on('exit', resolve).on('error', resolve); });
  try {
    const got = await Promise.race([results, ended.then((code) => ({ error: `Chromium ended with ${code}` })),
      new Promise((resolve) => { setTimeout(resolve, 200_000, { error: 'no answer in 200 seconds' }).unref(); })]);
    assert.equal(got.error, undefined);
    assert.deepEqual(got.vectors.wrong, []);
    assert.ok(got.vectors.checked > 50);
    assert.deepEqual(got.edits, EDITS.map(() => -1), 'the first line that was answered otherwise, or -1');
    if (got.histories !== null) {
      assert.deepEqual(got.histories.wrong, []);
      assert.ok(got.histories.checked >= 500);
    }
    assert.equal(got.graphs.status, 0);
    assert.equal(got.graphs.text, nativeGraphs(GRAPHS));
    assert.equal(got.replicas, 'xx');
    assert.equal(got.grown, true);
    assert.equal(got.refused, true);
  } finally {
    child.kill();
    await ended;
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
});
