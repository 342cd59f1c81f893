// What the JavaScript side adds: units, growing memory, errors, readers that fail, dead cores.
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { generator, quire, wasmBytes } from './helpers.mjs';

const { Device, Document, MemoryRecords, QuireError, load } = quire;
const fails = (code) => (error) => error instanceof QuireError && error.code === code && error.message.length > 5;
const options = (records) => ({ reader: records, profileKey: new Uint8Array(32).fill(3) });

function keep(records, actions) {
  for (const action of actions) if (action.kind === 'persist') records.write(action.writes);
  return actions.filter(({ kind }) => kind === 'persist').map(({ token }) => token);
}

test('the module asks for nothing but records and a place to fail', async () => {
  const module = await WebAssembly.compile(wasmBytes);
  assert.deepEqual(WebAssembly.Module.imports(module).map((i) => `${i.module}.${i.name}`).sort(),
    ['quire.failed', 'quire.get', 'quire.scan']);
});

test('statuses, events, actions, notices and alarms are those of the headers', () => {
  const header = (name) => readFileSync(new URL(`../../include/quire/${name}.h`, import.meta.url), 'utf8');
  const names = (text, kind) => {
    const body = text.match(new RegExp(`enum quire_${kind} \\{(.*?)\\};`, 's'))[1].replace(/\/\*.*?\*\//gs, '');
    return [...body.matchAll(/QUIRE_(\w+)/g)].map(([, name]) => name).filter((name) => !name.endsWith('_COUNT'));
  };
  const camel = (all, prefix) => all.map((name) => name.slice(prefix.length).toLowerCase()
    .replace(/_(.)/g, (_, letter) => letter.toUpperCase()));
  const device = header('device');
  assert.deepEqual(Object.keys(quire.Status), names(header('status'), 'status'));
  assert.deepEqual(Object.values(quire.Status), Object.keys(quire.Status).map((_, i) => i));
  assert.deepEqual(quire.EVENTS, camel(names(device, 'event_kind'), 'EVENT_'));
  assert.deepEqual(quire.ACTIONS, camel(names(device, 'action_kind'), 'ACTION_'));
  assert.deepEqual(quire.NOTICES, camel(names(device, 'notice_kind'), 'NOTICE_'));
  assert.deepEqual(quire.ALARMS, [null, ...camel(names(device, 'alarm_kind'), 'ALARM_')]);
});

test('it loads from beside the script, from bytes and from a compiled module', async () => {
  for (const source of [undefined, wasmBytes, await WebAssembly.compile(wasmBytes)]) {
    const document = Document.create(await load(source));
    document.insert(0, 'there');
    assert.equal(document.text(), 'there');
  }
});

test('offsets count as strings do, or code points, or bytes', async () => {
  const document = Document.create(await load());
  document.insert(0, 'aé日🙂z');
  assert.deepEqual([document.length(), document.length('points'), document.length('utf8')], [6, 5, 11]);
  assert.equal(document.offset(5, 'utf16', 'points'), 4);
  assert.equal(document.offset(10, 'utf8', 'utf16'), 5);
  document.insert(5, '!');
  assert.equal(document.text(), 'aé日🙂!z');
  document.erase(3, 2);
  assert.equal(document.text(), 'aé日!z');
  document.erase(1, 2, 'utf8');
  assert.equal(document.text(), 'a日!z');
});

test('random edits by code unit end as the same edits of a string', async () => {
  const random = generator(99), words = ['a', 'ß', '日本', '🙂', '👩‍👧', 'plain words '];
  const document = Document.create(await load());
  let expected = '';
  const whole = (offset) => !/^[\uDC00-\uDFFF]/.test(expected.slice(offset));
  for (let i = 0; i < 1500; i++) {
    const at = random(expected.length + 1), word = words[random(words.length)];
    if (random(4) === 0 && at < expected.length) {
      const size = 1 + random(Math.min(8, expected.length - at));
      if (whole(at) && whole(at + size)) {
        document.erase(at, size);
        expected = expected.slice(0, at) + expected.slice(at + size);
      } else {
        assert.throws(() => document.erase(at, size), fails('EINVALID'));
      }
    } else if (whole(at)) {
      document.insert(at, word);
      expected = expected.slice(0, at) + word + expected.slice(at);
    } else {
      assert.throws(() => document.insert(at, word), fails('EINVALID'));
    }
  }
  assert.equal(document.text(), expected);
  assert.equal(document.length(), expected.length);
});

test('what is no text, no offset and no name is refused, and nothing has changed', async () => {
  const document = Document.create(await load());
  document.insert(0, 'abc🙂');
  const before = document.encode();
  for (const call of [
    () => document.insert(0, '\ud83d'), () => document.insert(4, 'x'), () => document.insert(99, 'x'),
    () => document.insert(-1, 'x'), () => document.insert(1.5, 'x'), () => document.insert(NaN, 'x'),
    () => document.insert(2 ** 32, 'x', 'points'), () => document.insert(0, ''), () => document.erase(0, 0),
    () => document.erase(2, 9), () => document.erase(0, 1, 'lines'), () => document.setRegister('mood', 101),
    () => document.setRegister('weather', 1), () => document.addElement('tags', ''),
    () => document.addElement('constructor', 'x'), () => document.addElement('emotions', 'joy', 101),
    () => document.addElement('emotions', 'joy', 2n ** 64n + 5n), () => document.setRegister('date', 1e30),
    () => document.offset(6, 'points', 'points'), () => document.anchor(6, 'left', 'points'),
  ]) {
    assert.throws(call, fails('EINVALID'), String(call));
  }
  assert.throws(() => document.insert(0, 7), TypeError);
  assert.throws(() => document.merge('abc'), TypeError);
  assert.throws(() => document.addElement('emotions', 'joy', NaN), RangeError);
  assert.throws(() => document.addElement('emotions', 'joy', '5'), TypeError);
  assert.throws(() => document.setRegister('title', 'x'.repeat(1025)), fails('ELIMIT'));
  assert.throws(() => document.merge(Uint8Array.from([1, 2, 3])), fails('EMALFORMED'));
  assert.throws(() => document.takeDelta(-1), fails('EINVALID'));
  assert.deepEqual(document.encode(), before);
});

test('every cut of a state is refused whole or leaves a sound document', async () => {
  const core = await load(), document = Document.create(core);
  document.insert(0, 'grün und 🙂');
  document.addElement('tags', 'walk');
  document.setRegister('title', 'A day');
  const state = document.encode();
  for (let size = 0; size < state.length; size++) {
    const other = Document.create(core), empty = other.encode();
    assert.throws(() => other.merge(state.slice(0, size)), fails('EMALFORMED'), `${size} bytes`);
    assert.deepEqual(other.encode(), empty);
    other.destroy();
  }
});

test('what stands beyond 2 GiB is found', async () => {
  const core = await load(), held = [];
  while (core.memorySize < 2 ** 31) {
    held.push(core.call([], (exports) => exports.alloc(2 ** 29))); // nothing touches it
    assert.notEqual(held.at(-1), 0);
  }
  const document = Document.create(core), letters = 'Grüße '.repeat(20000);
  document.insert(0, letters);
  const state = document.encode();
  const other = Document.create(core);
  other.merge(state);
  assert.equal(other.text(), letters);
  assert.deepEqual(other.encode(), state);
  document.destroy();
  other.destroy();
  for (const pointer of held) core.call([], (exports) => exports.free(pointer));
});

test('memory grows for an entry of a megabyte, and is used again', async () => {
  const core = await load(), before = core.memorySize;
  const text = 'She walked on, and the rain — as ever — did not. '.repeat(21000).slice(0, 1 << 20);
  const clipped = Buffer.from(text).subarray(0, 1 << 20).toString().replace(/�+$/, '');
  let document = Document.create(core);
  document.insert(0, clipped);
  assert.ok(core.memorySize > before, 'it has grown');
  assert.equal(document.text(), clipped);
  assert.throws(() => document.insert(0, 'x'.repeat(1000)), fails('ELIMIT'));
  document.erase(100, 50000);
  document.insert(100, '🙂');
  const expected = `${clipped.slice(0, 100)}🙂${clipped.slice(50100)}`;
  assert.equal(document.text(), expected);
  const state = document.encode(), digest = document.digest();
  document.destroy();
  let high = 0;
  for (let i = 0; i < 8; i++) {
    document = Document.create(core);
    document.merge(state);
    assert.deepEqual(document.digest(), digest);
    document.destroy();
    if (i === 1) high = core.memorySize;
  }
  assert.equal(core.memorySize, high, 'destroyed documents give their memory back');
});

test('registers and sets come back as they were put in', async () => {
  const core = await load(), document = Document.create(core), other = Document.create(core);
  assert.ok(document.empty);
  document.setRegister('title', 'Größe 🙂');
  document.setRegister('date', -5);
  document.setRegister('mood', 70);
  document.addElement('emotions', 'joy', 80);
  document.addElement('tags', 'walk');
  document.addElement('tags', 'été');
  document.removeElement('tags', 'walk');
  assert.deepEqual(['title', 'date', 'mood'].map((name) => document.register(name)), ['Größe 🙂', -5, 70]);
  assert.deepEqual(document.elements('emotions'), [{ name: 'joy', value: 80 }]);
  assert.deepEqual(document.elements('tags'), [{ name: 'été', value: 0 }]);
  other.setRegister('mood', 20);
  other.merge(document.encode());
  document.merge(other.encode());
  assert.equal(document.registerValues('mood').length, 2);
  document.setRegister('mood', null);
  assert.equal(document.register('mood'), null);
  document.delete();
  assert.ok(document.deleted && !document.empty);
});

test('pending edits go out as deltas and can be restored', async () => {
  const core = await load(), document = Document.create(core), other = Document.create(core), third = Document.create(core);
  document.insert(0, 'word by word '.repeat(2000));
  const kept = document.encodePending();
  while (document.pendingSize > 0) other.merge(document.takeDelta(4096));
  assert.deepEqual(other.digest(), document.digest());
  third.restorePending(kept);
  assert.ok(third.pendingSize > 0);
  assert.deepEqual(third.digest(), document.digest());
  assert.throws(() => document.takeDelta(), fails('ESTATE'));
});

test('a device keeps its account and entries in records, with the host\'s randomness', async () => {
  const core = await load(), records = new MemoryRecords(), entry = new Uint8Array(16).fill(5);
  const made = Device.init(core, { ...options(records), name: 'browser' });
  assert.match(made.kit, /^[0-9A-Za-z-]{69}$/);
  for (const token of keep(records, made.actions)) made.device.step({ kind: 'persisted', token });
  const document = made.device.document(entry, { create: true });
  document.insert(0, 'Dear diary 🙂');
  document.setRegister('title', 'First');
  for (const token of keep(records, made.device.step({ kind: 'save', entry }))) made.device.step({ kind: 'persisted', token });
  assert.equal(made.device.state().unsealedCount, 1);
  for (const token of keep(records, made.device.step({ kind: 'flush' }))) made.device.step({ kind: 'persisted', token });
  assert.equal(document.text(), 'Dear diary 🙂', 'a lent document lives on over steps');
  made.device.destroy();
  assert.throws(() => document.text(), fails('ESTATE'));
  assert.throws(() => made.device.state(), fails('ESTATE'));

  const again = Device.open(core, options(records));
  assert.deepEqual(again.entries().map(({ title, snippet, textLength }) => [title, snippet, textLength]),
    [['First', 'Dear diary 🙂', 12]]);
  assert.equal(again.document(entry).text(), 'Dear diary 🙂');
  assert.throws(() => again.document(new Uint8Array(16)), fails('ENOTFOUND'));
  assert.deepEqual(again.devices().map(({ name, self }) => [name, self]), [['browser', true]]);
  assert.equal(again.state().batchCount, 1);
  assert.throws(() => again.step({ kind: 'revoke', device: new Uint8Array(16) }), fails('ESTATE'));
  assert.throws(() => again.step({ kind: 'sing' }), fails('EINVALID'));
  assert.throws(() => again.step({ kind: 'save', entry: new Uint8Array(15) }), fails('EINVALID'));
  assert.throws(() => Device.open(core, { ...options(records), profileKey: new Uint8Array(32) }), fails('ECRYPTO'));
  assert.throws(() => Device.open(core, options(new MemoryRecords())), fails('ENOTFOUND'));
  assert.throws(() => Device.init(core, { ...options(records), name: 'x' }), fails('ECONFLICT'));
  assert.throws(() => Device.join(core, { ...options(new MemoryRecords()), name: 'x', code: 'no' }), fails('EMALFORMED'));
  assert.throws(() => Device.init(core, { ...options(new MemoryRecords()), name: '' }), fails('EINVALID'));
});

test('a reader that throws is EIO with its cause, and the core lives on', async () => {
  const core = await load(), records = new MemoryRecords(), broken = new Error('the disk is gone');
  const made = Device.init(core, { ...options(records), name: 'browser' });
  keep(records, made.actions);
  for (const name of ['get', 'scan']) {
    const reader = { get: (key) => records.get(key), scan: (prefix) => records.scan(prefix), [name]: () => { throw broken; } };
    assert.throws(() => Device.open(core, options(reader)), (error) => fails('EIO')(error) && error.cause === broken);
  }
  const curious = { get: (key) => { core.memorySize; return Document.create(core) && records.get(key); }, scan: () => [] };
  assert.throws(() => Device.open(core, options(curious)), (error) => fails('EIO')(error) && error.cause.code === 'ESTATE');
  let opened = null;
  const hasty = { get: (key) => { opened?.destroy(); return records.get(key); }, scan: (prefix) => records.scan(prefix) };
  opened = Device.open(core, options(hasty));
  const entry = new Uint8Array(16).fill(9);
  assert.throws(() => opened.document(entry), (error) => fails('EIO')(error) && error.cause.code === 'ESTATE');
  assert.equal(opened.devices().length, 1, 'what may not be destroyed now is still there');
  const size = core.memorySize;
  for (let i = 0; i < 400; i++) Device.open(core, options(records)).destroy();
  assert.equal(core.memorySize, size, 'destroyed devices give their memory back');
});

test('options and records of another type are said to be, and the core lives on', async () => {
  const core = await load(), records = new MemoryRecords();
  keep(records, Device.init(core, { ...options(records), name: 'browser' }).actions);
  for (const wrong of [{ reader: undefined }, { reader: { get: () => null } }, { profileKey: 'x'.repeat(32) },
    { replicaRecord: 'record' }, { wall: () => '5' }]) {
    assert.throws(() => Device.open(core, { ...options(records), ...wrong }), TypeError, Object.keys(wrong)[0]);
  }
  assert.throws(() => Device.open(core, { ...options(records), profileKey: new Uint8Array(31) }), fails('EINVALID'));
  const untyped = { get: (key) => records.get(key), scan: (prefix) => records.scan(prefix).map(([key]) => [key, 'text']) };
  assert.throws(() => Device.open(core, options(untyped)), (error) => fails('EIO')(error) && error.cause instanceof TypeError);
  const late = { get: async (key) => records.get(key), scan: (prefix) => records.scan(prefix) };
  assert.throws(() => Device.open(core, options(late)), (error) => fails('EIO')(error) && error.cause instanceof TypeError);
  const device = Device.open(core, options(records));
  for (const token of [-1, 2n ** 64n]) assert.throws(() => device.step({ kind: 'persisted', token }), fails('EINVALID'));
  assert.equal(device.devices().length, 1);
});

test('one document keeps one undo, and who may not have it edits all the same', async () => {
  const core = await load(), records = new MemoryRecords(), entry = new Uint8Array(16).fill(5);
  const { device } = Device.init(core, { ...options(records), name: 'browser' });
  const first = device.document(entry, { create: true }), second = device.document(entry, { create: true });
  first.keepUndo();
  for (let i = 0; i < 2; i++) assert.throws(() => second.keepUndo(), fails('ESTATE'));
  second.insert(0, 'written by the second');
  assert.deepEqual([second.undo(), second.undoCount], [false, 0]);
  first.destroy();
  second.keepUndo();
  second.erase(0, 8);
  assert.ok(second.undo());
  assert.equal(second.text(), 'written by the second');
});

test('a module of documents alone says what it lacks, and goes on', async () => {
  const core = await load(readFileSync(new URL('documents.wasm', `file://${process.env.QUIRE_WASM}/`)));
  const document = Document.create(core), records = new MemoryRecords();
  for (const call of [() => document.digest(), () => core.alarmText(1), () => core.errorText(1),
    () => Device.init(core, { ...options(records), name: 'browser' }), () => Device.open(core, options(records))]) {
    assert.throws(call, (error) => error instanceof TypeError && /quire\.wasm/.test(error.message), String(call));
  }
  document.insert(0, 'still here');
  assert.equal(document.text(), 'still here');
});

test('it loads over HTTP, whatever type the server gives', async () => {
  let type;
  const server = createServer((_, response) => response.writeHead(200, type).end(wasmBytes));
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  try {
    for (type of [{ 'content-type': 'application/wasm' }, { 'content-type': 'application/octet-stream' },
      { 'content-type': 'application/wasm; charset=utf-8' }, {}]) {
      const core = await load(`http://127.0.0.1:${server.address().port}/quire.wasm`);
      assert.equal(Document.create(core).text(), '');
    }
  } finally {
    server.close();
    server.closeAllConnections?.();
  }
});

test('the types name what there is', async () => {
  const types = readFileSync(new URL('../../src/wasm/quire.d.mts', import.meta.url), 'utf8')
    .replace(/^\/\/.*/gm, '').replace(/\/\*.*?\*\//gs, '');
  const exported = [...types.matchAll(/^export (?:class|const|function) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(exported.sort(), Object.keys(quire).sort());
  const members = (kind, name, from) => [...types.match(new RegExp(`export ${kind} ${name}\\b.*?\\{\\n(.*?)\\n\\}`, 's'))[1]
    .matchAll(/^ {2}(static |readonly )*(\w+)\??(?=[<(:])/gm)].filter(([all]) => all.includes('static') === (from === 'static'))
    .map(([, , member]) => member).filter((member) => member !== 'constructor').sort();
  const own = (object, none) => Object.getOwnPropertyNames(object).filter((name) => !none.includes(name)).sort();
  const internal = ['constructor', 'call', 'edit', 'feed', 'done', 'bytes', 'taken', 'number', 'offset', 'withBuffer', 'addReader',
    'removeReader', 'release', 'get', 'scan', 'failed', 'text', 'check', 'needWhole'];
  assert.deepEqual(members('class', 'Core'), own(quire.Core.prototype, internal));
  for (const name of ['Document', 'Device', 'MemoryRecords']) {
    assert.deepEqual(members('class', name), own(quire[name].prototype, ['constructor']), name);
    assert.deepEqual(members('class', name, 'static'), own(quire[name], ['length', 'name', 'prototype']), name);
  }
  const core = await load(), records = new MemoryRecords(), entry = new Uint8Array(16);
  const { device, actions } = Device.init(core, { ...options(records), name: 'browser' });
  keep(records, actions);
  device.document(entry, { create: true }).insert(0, 'x');
  keep(records, device.step({ kind: 'save', entry }));
  assert.deepEqual(members('interface', 'DeviceState'), Object.keys(device.state()).sort());
  assert.deepEqual(members('interface', 'DeviceInfo'), Object.keys(device.devices()[0]).sort());
  assert.deepEqual(members('interface', 'Summary'), Object.keys(device.entries()[0]).sort());
});

test('a lie of the reader is an error and no more', async () => {
  const core = await load(), records = new MemoryRecords();
  keep(records, Device.init(core, { ...options(records), name: 'browser' }).actions);
  const random = generator(5);
  let refused = 0;
  for (let i = 0; i < 300; i++) {
    const spoil = (bytes) => {
      if (!bytes || bytes.length === 0 || random(3) > 0) return bytes;
      const copy = bytes.slice(0, random(4) === 0 ? random(bytes.length) : bytes.length);
      if (copy.length > 0) copy[random(copy.length)] ^= 1 << random(8);
      return copy;
    };
    const reader = { get: (key) => spoil(records.get(key)), scan: (prefix) => records.scan(prefix).map(([k, v]) => [k, spoil(v)]) };
    try {
      Device.open(core, options(reader)).destroy();
    } catch (error) {
      assert.ok(error instanceof QuireError, String(error));
      refused++;
    }
  }
  assert.ok(refused > 100, `${refused} of 300 were refused`);
});

test('nothing of the profile key or the kit is left in memory by the calls themselves', async () => {
  const core = await load(), records = new MemoryRecords();
  let memory;
  const instantiate = (exports) => { memory = new Uint8Array(exports.memory.buffer); };
  core.call([], instantiate);
  const profileKey = webcrypto.getRandomValues(new Uint8Array(32));
  const made = Device.init(core, { reader: records, profileKey, name: 'browser' });
  made.device.destroy();
  core.call([], instantiate);
  const all = Buffer.from(memory.buffer);
  assert.equal(all.indexOf(Buffer.from(profileKey)), -1, 'the profile key');
  assert.equal(all.indexOf(Buffer.from(made.kit)), -1, 'the kit');
});

test('after a trap or a failed assertion the core says so, and is not used again', async () => {
  const trapped = await load(), document = Document.create(trapped);
  document.insert(0, 'safe');
  assert.throws(() => trapped.call([], (exports) => exports.document_destroy(0xffffff00)), WebAssembly.RuntimeError);
  assert.throws(() => document.text(), /must not be used/);
  assert.throws(() => document.insert(0, 'x'), /must not be used/);
  document.destroy(); // in a caller's `finally`: must not hide why it came to that

  const failed = await load();
  assert.throws(() => failed.call([], (exports) => failed.failed(exports.status_text(7), 12)),
    /:12: an assertion does not hold/);
  assert.throws(() => Document.create(failed), /must not be used/);
  assert.equal(Document.create(await load()).text(), '', 'another instance is not concerned');
});
