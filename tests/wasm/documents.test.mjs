// The same edits, made by the same generator, in the module and natively: every status, every text,
// every encoding and every digest is the same, byte for byte.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generator, hex, native, quire, unhex } from './helpers.mjs';

const { Document, load } = quire;
const DOCUMENTS = 4;
const WORDS = ['rain', ' ', 'Grüße ', '日記', '🙂', '👩‍👩‍👧', 'é', '\n', 'and so we went home ', '𝒳', '\u0000', ''];
const VIEWS = ['pending', 'encode', 'canonical', 'digest', 'text', 'register 0', 'register 1', 'register 2',
  'set 0', 'set 1'];
const REGISTERS = ['title', 'date', 'mood'];
const SETS = ['tags', 'emotions'];
const UNITS = ['points', 'utf8', 'utf16'];

/** Lines for the native program (native.c says what each means). */
function script(seed, count) {
  const random = generator(seed), lines = [];
  const word = () => hex(Buffer.from(WORDS[random(WORDS.length)]));
  for (let i = 0; i < DOCUMENTS; i++) lines.push(`D ${i}`);
  for (let i = 0; i < count; i++) {
    const n = random(DOCUMENTS), wall = 1000 + i;
    const what = random(40);
    if (what < 16) lines.push(`I ${n} ${wall} ${random(1 + random(60))} ${word()}`);
    else if (what < 21) lines.push(`E ${n} ${wall} ${random(1 + random(40))} ${random(6)}`);
    else if (what < 23) lines.push(`R ${n} ${wall} 0 ${word()} 0`);
    else if (what < 25) lines.push(`R ${n} ${wall} ${1 + random(2)} - ${random(130) - 10}`);
    else if (what < 26) lines.push(`C ${n} ${wall} ${random(3)}`);
    else if (what < 28) lines.push(`A ${n} ${wall} ${random(2)} ${word()} ${random(3) === 0 ? random(120) : 0}`);
    else if (what < 29) lines.push(`X ${n} ${wall} ${random(2)} ${word()}`);
    else if (what < 30) lines.push(random(4) === 0 ? `K ${n} ${wall}` : `T ${n} 4096`);
    else if (what < 33) lines.push(`J ${n} ${random(DOCUMENTS)}`);
    else if (what < 35) lines.push(`U ${n} ${random(3)} ${random(3)} ${random(80)}`);
    else if (what < 36) lines.push(`M ${n} ${hex(Uint8Array.from({ length: random(40) }, () => random(256)))}`);
    else lines.push(`V ${n} ${VIEWS[random(VIEWS.length)]}`);
  }
  for (let i = 0; i < DOCUMENTS; i++) for (const view of VIEWS) lines.push(`V ${i} ${view}`);
  return lines;
}

const row = (size, fill) => {
  const view = new DataView(new ArrayBuffer(size));
  fill(view);
  return Buffer.from(view.buffer);
};
const i64 = (value) => row(8, (view) => view.setBigInt64(0, BigInt(value)));
const sized = (text) => Buffer.concat([row(4, (view) => view.setUint32(0, Buffer.byteLength(text))), Buffer.from(text)]);

/** The same line in the module, answered as the native program answers. */
function player(core) {
  const documents = [];
  let wall = 0;
  const view = (document, what, number) => ({
    pending: () => document.encodePending(),
    encode: () => document.encode(),
    canonical: () => document.canonical(),
    digest: () => document.digest(),
    text: () => document.utf8(),
    register: () => Buffer.concat(document.registerValues(REGISTERS[number]).map(({ value, wallMs }) =>
      Buffer.concat([i64(number === 0 ? 0 : value), i64(wallMs), sized(number === 0 ? value : '')]))),
    set: () => Buffer.concat(document.elements(SETS[number]).map(({ name, value }) =>
      Buffer.concat([i64(value), sized(name)]))),
  }[what]());
  const calls = {
    D: (_, n) => {
      documents[n]?.destroy();
      documents[n] = Document.create(core, { session: new Uint8Array(8).fill(n + 1), wall: () => wall });
    },
    I: (document, position, text) => document.insert(position, text, 'points'),
    E: (document, position, count) => document.erase(position, count, 'points'),
    R: (document, field, text, number) => document.setRegister(REGISTERS[field], field === 0 ? text : number),
    C: (document, field) => document.setRegister(REGISTERS[field], null),
    A: (document, set, name, value) => document.addElement(SETS[set], name, value),
    X: (document, set, name) => document.removeElement(SETS[set], name),
    K: (document) => document.delete(),
    T: (document, max) => document.takeDelta(max),
    J: (document, other) => { document.merge(documents[other].encode()); },
    M: (document, bytes) => document.merge(bytes),
    U: (document, from, to, offset) => row(4, (at) => at.setUint32(0, document.offset(offset, UNITS[from], UNITS[to]))),
    V: view,
  };
  const HEX_AT = { I: 4, R: 4, A: 4, X: 4, M: 2 };
  return (line) => {
    const words = line.split(' '), [command] = words, n = Number(words[1]);
    const args = words.slice(2).map((text, i) => {
      if (HEX_AT[command] === i + 2) {
        const bytes = unhex(text);
        return command === 'M' ? bytes : new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
      }
      return /^-?\d+$/.test(text) ? Number(text) : text;
    });
    if ('IERCAXK'.includes(command)) wall = args.shift();
    try {
      const bytes = calls[command](command === 'D' ? null : documents[n], ...(command === 'D' ? [n] : args));
      return `0 ${bytes instanceof Uint8Array ? hex(bytes) : '-'}`;
    } catch (error) {
      if (!(error instanceof quire.QuireError)) throw error;
      return `${error.status} -`;
    }
  };
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`random edits of seed ${seed} end in the same bytes as natively`, async () => {
    const lines = script(seed, 2500), play = player(await load());
    const expected = native(['documents'], `${lines.join('\n')}\n`);
    assert.equal(expected.length, lines.length);
    const statuses = new Set();
    for (let i = 0; i < lines.length; i++) {
      let want = expected[i];
      if (lines[i].startsWith('J ')) want = want.replace(/ .*/, ' -'); // the bytes merged, which V compares
      // The offset of a place beyond the end is left to the edit that uses it.
      if (/^U \d+ 0 0 /.test(lines[i])) continue;
      const got = play(lines[i]);
      assert.equal(got, want, `seed ${seed}, line ${i}: ${lines[i]}`);
      statuses.add(got.split(' ')[0]);
    }
    for (const status of ['0', '4']) assert.ok(statuses.has(status), `status ${status} was among them`);
  });
}
