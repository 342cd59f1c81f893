// Random graphs of edits (tests/graphs) in WebAssembly: each ends in the state that it ends in natively.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { graphs, graphsBytes, nativeGraphs } from './helpers.mjs';

test('random graphs end in the same states as natively', async () => {
  for (const words of [['--graphs', '60', '--ops', '300', '--check', '50'], ['--graphs', '2', '--ops', '4000', '--check', '0']]) {
    const { status, text } = await graphs(graphsBytes, words);
    assert.equal(status, 0, text);
    assert.match(text, / 0 failed, digest of all [0-9a-f]{16}\n$/);
    assert.equal(text, nativeGraphs(words));
  }
});
