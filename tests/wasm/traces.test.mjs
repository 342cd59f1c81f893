// Recorded editing histories (not ours, so not in the repository) played in the module: each ends in
// the text that it says. QUIRE_TRACES names their folder; without it these are skipped, by name.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { quire, tracesFolder } from './helpers.mjs';
import { checkHistories, type } from './player.mjs';

const { Document, load } = quire;
const skip = tracesFolder === null ? 'QUIRE_TRACES names no folder' : false;
const read = (name) => JSON.parse(gunzipSync(readFileSync(path.join(tracesFolder, `${name}.json.gz`))));

test('the conformance histories end in their texts', { skip }, async () => {
  const { checked, wrong } = checkHistories(quire, await load(), read('conformance'));
  assert.deepEqual(wrong, []);
  assert.ok(checked >= 500, `${checked} histories`);
});

for (const name of ['automerge-paper', 'friendsforever_flat', 'json-crdt-blog-post', 'seph-blog1', 'sveltecomponent']) {
  test(`${name} ends in its text`, { skip }, async () => {
    const { startContent, txns, endContent } = read(name), document = Document.create(await load());
    if (startContent) document.insert(0, startContent);
    for (const { patches } of txns) type(document, patches);
    assert.equal(document.text(), endContent);
  });
}
