// Recorded editing histories (not ours, so not in the repository) played in the module: each ends in
// the text that it says. QUIRE_TRACES names their folder; without it these are skipped, by name.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { quire, tracesFolder } from './helpers.mjs';

const { Document, load } = quire;
const skip = tracesFolder === null ? 'QUIRE_TRACES names no folder' : false;
const read = (name) => JSON.parse(gunzipSync(readFileSync(path.join(tracesFolder, `${name}.json.gz`))));

function type(document, patches) {
  for (const [position, erased, text] of patches) {
    if (erased > 0) document.erase(position, erased, 'points');
    if (text.length > 0) document.insert(position, text, 'points');
  }
}

// The histories rank concurrent letters by agent, then by the agent's own count: so do sessions.
function session(agent, seq) {
  const bytes = new Uint8Array(8), view = new DataView(bytes.buffer);
  view.setUint32(0, agent);
  view.setUint32(4, seq);
  return bytes;
}

/** Types each transaction into a replica that has merged exactly its parents; returns all merged. */
function replay(core, transactions) {
  const deltas = [], past = [], replicas = new Map(), all = Document.create(core, { wall: () => 0 });
  for (const [index, { agent, seq, parents, patches }] of transactions.entries()) {
    const needed = new Set(parents.flatMap((parent) => [...past[parent], parent]));
    past.push(needed);
    let replica = replicas.get(agent);
    if (replica === undefined || [...replica.has].some((other) => !needed.has(other))) {
      replica?.document.destroy();
      replica = { document: Document.create(core, { session: session(agent, seq), wall: () => 0 }), has: new Set() };
      replicas.set(agent, replica);
    }
    for (const other of [...needed].sort((a, b) => a - b)) {
      if (!replica.has.has(other)) for (const delta of deltas[other]) replica.document.merge(delta);
      replica.has.add(other);
    }
    type(replica.document, patches);
    replica.has.add(index);
    deltas.push([]);
    while (replica.document.pendingSize > 0) deltas[index].push(replica.document.takeDelta());
  }
  for (const delta of deltas.flat()) all.merge(delta);
  for (const { document } of replicas.values()) document.destroy();
  return all;
}

test('the conformance histories end in their texts', { skip }, async () => {
  const core = await load();
  let count = 0;
  for (const { txns, endContent } of read('conformance')) {
    const agents = [...new Set(txns.map(({ agent }) => agent))].sort();
    const ends = new Map(txns.map(({ span }, i) => [span[1] - 1, i]));
    const document = replay(core, txns.map(({ agent, seqStart, parents, ops }) => ({
      agent: agents.indexOf(agent), seq: seqStart, parents: parents.map((parent) => ends.get(parent)), patches: ops,
    })));
    assert.equal(document.text(), endContent, `history ${count}`);
    document.destroy();
    count++;
  }
  assert.ok(count >= 500, `${count} histories`);
});

for (const name of ['automerge-paper', 'friendsforever_flat', 'json-crdt-blog-post', 'seph-blog1', 'sveltecomponent']) {
  test(`${name} ends in its text`, { skip }, async () => {
    const { startContent, txns, endContent } = read(name), document = Document.create(await load());
    if (startContent) document.insert(0, startContent);
    for (const { patches } of txns) type(document, patches);
    assert.equal(document.text(), endContent);
  });
}
