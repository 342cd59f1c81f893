// protocol/vectors/document.json in the module: what each payload means, and which are refused.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { quire, statusOf, unhex } from './helpers.mjs';

const { Document, Status, load } = quire;
const vectors = JSON.parse(readFileSync(new URL('../../protocol/vectors/document.json', import.meta.url)));
const bytesOf = new Map(vectors.valid.map(({ name, bytes }) => [name, unhex(bytes)]));

function documentBefore(core, { after }) {
  const document = Document.create(core);
  for (const name of after) document.merge(bytesOf.get(name));
  return document;
}

function shown(document) {
  const values = (name) => document.registerValues(name).map(({ value, wallMs }) => [value, wallMs]);
  const elements = (set) => document.elements(set).map(({ name, value }) => [name, value]);
  return {
    deleted: document.deleted, title: values('title'), date: values('date'), mood: values('mood'),
    tags: elements('tags'), emotions: elements('emotions'), text: document.text(),
  };
}

test('valid payloads mean what the vectors say', async () => {
  const core = await load();
  for (const vector of vectors.valid) {
    const document = documentBefore(core, vector);
    document.merge(unhex(vector.bytes));
    assert.deepEqual(shown(document), vector.shows, vector.name);
    assert.deepEqual(document.canonical(), unhex(vector.canonical), vector.name);
    assert.deepEqual(document.encode(), unhex(vector.state), vector.name);
    document.destroy();
  }
  assert.ok(vectors.valid.length > 10);
});

test('invalid payloads are refused and change nothing', async () => {
  const core = await load();
  for (const vector of vectors.invalid) {
    const document = documentBefore(core, vector), before = document.encode();
    const expected = vector.status === 'unsupported' ? Status.EUNSUPPORTED : Status.EMALFORMED;
    assert.equal(statusOf(() => document.merge(unhex(vector.bytes === '' ? '-' : vector.bytes))), expected, vector.name);
    assert.deepEqual(document.encode(), before, vector.name);
    document.destroy();
  }
  assert.ok(vectors.invalid.length > 40);
});
