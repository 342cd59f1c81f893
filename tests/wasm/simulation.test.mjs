// A seed is the same run in WebAssembly as it is natively: same steps, same bytes, same hash.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

const native = process.env.QUIRE_NATIVE_SIMULATION, wasm = process.env.QUIRE_WASM_SIMULATION;

// WASI writes to file descriptors, so each run gets a process of its own whose output is read.
function inWasm(program, seeds) {
  const script = `import { WASI } from 'node:wasi'; import { readFileSync } from 'node:fs';
    const wasi = new WASI({ version: 'preview1', args: ${JSON.stringify(['quire-sim', ...seeds])}, returnOnExit: true });
    const module = await WebAssembly.compile(readFileSync(${JSON.stringify(path.join(wasm, program + '.wasm'))}));
    process.exitCode = wasi.start(await WebAssembly.instantiate(module, { wasi_snapshot_preview1: wasi.wasiImport }));`;
  const ran = spawnSync(process.execPath, ['--no-warnings', '--input-type=module', '-e', script], { encoding: 'utf8' });
  assert.equal(ran.status, 0, ran.stdout + ran.stderr);
  return ran.stdout.trim().split('\n');
}

function natively(program, seed) {
  const ran = spawnSync(path.join(native, program), ['--seed', seed], { encoding: 'utf8' });
  assert.equal(ran.status, 0, ran.stdout + ran.stderr);
  return ran.stdout.match(/^trace ([0-9a-f]{16})$/m)[1];
}

for (const [program, count] of [['quire-sim-stub', 24], ['quire-sim', 3]]) {
  test(`${count} seeds of ${program} are the same runs as natively`, () => {
    const seeds = Array.from({ length: count }, (_, i) => String(500 + i));
    const hashes = new Set();
    for (const [i, line] of inWasm(program, seeds).entries()) {
      const [seed, verdict, hash] = line.split(' ');
      assert.deepEqual([seed, verdict], [seeds[i], 'ok']);
      assert.equal(hash, natively(program, seed), `seed ${seed}`);
      hashes.add(hash);
    }
    assert.equal(hashes.size, count, 'each seed is a run of its own');
  });
}
