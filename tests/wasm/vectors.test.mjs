// protocol/vectors/document.json in the module: what each payload means, and which are refused.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { quire } from './helpers.mjs';
import { checkVectors } from './player.mjs';

test('payloads mean what the vectors say, and invalid ones are refused and change nothing', async () => {
  const vectors = JSON.parse(readFileSync(new URL('../../protocol/vectors/document.json', import.meta.url)));
  const { checked, wrong } = checkVectors(quire, await quire.load(), vectors);
  assert.deepEqual(wrong, []);
  assert.ok(checked > 50, `${checked} vectors`);
});
