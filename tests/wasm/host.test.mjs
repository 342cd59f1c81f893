// docs/examples/host.mjs, in node and in Chromium, against the real hub behind a WebSocket server.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { serveHost } from './host_server.mjs';

const near = (name) => fileURLToPath(new URL(name, import.meta.url));
const { QUIRE_WASM, QUIRE_NATIVE } = process.env;
const example = near('../../docs/examples/host.mjs');

function check(result) {
  assert.equal(result.kit, 69);
  assert.equal(result.reopened.length, 19, 'a profile that is opened again shows what it showed');
  assert.match(result.text, /^again /);
  assert.ok(result.same);
}

/** The module and the example in one folder, as an app has them. */
function folder() {
  const name = mkdtempSync(path.join(tmpdir(), 'quire-host-'));
  for (const file of readdirSync(QUIRE_WASM).filter((file) => /\.(mjs|wasm)$/.test(file))) cpSync(path.join(QUIRE_WASM, file), path.join(name, file));
  cpSync(example, path.join(name, 'host.mjs'));
  cpSync(near('host_story.mjs'), path.join(name, 'host_story.mjs'));
  return name;
}

const flag = '--experimental-websocket';
const nodeHasSockets = typeof WebSocket === 'function' || process.allowedNodeEnvironmentFlags.has(flag);

test('the example host works in node', { skip: nodeHasSockets ? false : 'this node has no WebSocket', timeout: 120_000 }, async () => {
  const here = folder(), server = await serveHost(QUIRE_NATIVE);
  const program = `
    import { load } from ${JSON.stringify(pathToFileURL(path.join(here, 'quire.mjs')))};
    import { Host, VolatileRecords } from ${JSON.stringify(pathToFileURL(path.join(here, 'host.mjs')))};
    import { hostStory } from ${JSON.stringify(pathToFileURL(path.join(here, 'host_story.mjs')))};
    const result = await hostStory({ load, Host, records: async () => new VolatileRecords(),
      url: 'ws://127.0.0.1:${server.port}/quire', cut: () => fetch('http://127.0.0.1:${server.port}/cut', { method: 'POST', body: '"cut"' }) });
    console.log(JSON.stringify(result));`;
  const cutting = setInterval(() => { if (server.posted.splice(0).length > 0) server.drop(); }, 20);
  try {
    const words = [...(typeof WebSocket === 'function' ? [] : [flag]), '--no-warnings', '--input-type=module', '-e', program];
    const ran = await new Promise((resolve) => {
      const child = spawn(process.execPath, words);
      let out = '', error = '';
      child.stdout.on('data', (part) => { out += part; });
      child.stderr.on('data', (part) => { error += part; });
      child.on('close', (status) => resolve({ status, out, error }));
    });
    assert.equal(ran.status, 0, ran.error);
    check(JSON.parse(ran.out));
    assert.deepEqual(server.refused, []);
  } finally {
    clearInterval(cutting);
    await server.close();
    rmSync(here, { recursive: true, force: true });
  }
});

const chromium = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => spawnSync('which', [name]).status === 0);

test('the example host works in Chromium, with IndexedDB', { skip: chromium ? false : 'there is no Chromium', timeout: 180_000 }, async () => {
  const here = folder(), home = mkdtempSync(path.join(tmpdir(), 'quire-chromium-'));
  const type = (name) => (name.endsWith('.wasm') ? 'application/wasm' : 'text/javascript');
  const files = Object.fromEntries(readdirSync(here).map((name) => [`/${name}`, [type(name), readFileSync(path.join(here, name))]]));
  files['/'] = ['text/html', `<!doctype html><script type="module">
    import { load } from './quire.mjs';
    import { Host, IndexedRecords } from './host.mjs';
    import { hostStory } from './host_story.mjs';
    const post = (value) => fetch('/result', { method: 'POST', body: JSON.stringify(value) });
    hostStory({ load, Host, records: (name) => IndexedRecords.open(name), url: \`ws://\${location.host}/quire\`, cut: () => post('cut') })
      .then(post, (error) => post({ error: String(error.stack) }));
  </script>`];
  const server = await serveHost(QUIRE_NATIVE, files);
  const browser = spawn(chromium, ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', `--user-data-dir=${home}`,
    `http://127.0.0.1:${server.port}/`], { stdio: 'ignore' });
  try {
    let result;
    for (const end = Date.now() + 150_000; result === undefined && Date.now() < end;) {
      for (const value of server.posted.splice(0)) {
        if (value === 'cut') server.drop();
        else result = value;
      }
      await new Promise((resolve) => { setTimeout(resolve, 20); });
    }
    assert.equal(result?.error, undefined);
    check(result);
    assert.deepEqual(server.refused, []);
  } finally {
    browser.kill();
    await new Promise((resolve) => { browser.on('close', resolve); });
    await server.close();
    rmSync(here, { recursive: true, force: true });
    rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
});
