// The same edits, made by the same generator, in the module and natively: every status, every text,
// every encoding and every digest is the same, byte for byte.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { native, quire } from './helpers.mjs';
import { player, script, wanted } from './player.mjs';

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`random edits of seed ${seed} end in the same bytes as natively`, async () => {
    const lines = script(seed, 2500), play = player(quire, await quire.load());
    const expected = native(['documents'], `${lines.join('\n')}\n`);
    assert.equal(expected.length, lines.length);
    const statuses = new Set();
    for (let i = 0; i < lines.length; i++) {
      const want = wanted(lines[i], expected[i]);
      if (want === null) continue;
      const got = play(lines[i]);
      assert.equal(got, want, `seed ${seed}, line ${i}: ${lines[i]}`);
      statuses.add(got.split(' ')[0]);
    }
    for (const status of ['0', '4', '5']) assert.ok(statuses.has(status), `status ${status} was among them`);
  });
}

test('documents.wasm, which is documents alone, does the same', async () => {
  const core = await quire.load(readFileSync(path.join(process.env.QUIRE_WASM, 'documents.wasm')));
  const lines = script(9, 1500).filter((line) => !line.endsWith(' digest')), play = player(quire, core);
  const expected = native(['documents'], `${lines.join('\n')}\n`);
  for (let i = 0; i < lines.length; i++) {
    const want = wanted(lines[i], expected[i]);
    if (want !== null) assert.equal(play(lines[i]), want, lines[i]);
  }
});
