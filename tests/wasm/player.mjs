// Random edits as lines for the native program (native.c says what each means), and the same lines carried
// out in the module. No function of node is used: a browser runs it, too.

export const hex = (bytes) => (bytes.length === 0 ? '-' : Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''));
export const unhex = (text) => (text === '-' ? new Uint8Array(0) : Uint8Array.from(text.match(/../g) ?? [], (byte) => parseInt(byte, 16)));

/** A generator of numbers from 0 to below `limit` (mulberry32). */
export function generator(seed) {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

const encoder = new TextEncoder();
const DOCUMENTS = 4;
const WORDS = ['rain', ' ', 'Grüße ', '日記', '🙂', '👩‍👩‍👧', 'é', '\n', 'and so we went home ', '𝒳', '\u0000', ''];
const VIEWS = ['pending', 'encode', 'canonical', 'digest', 'text', 'register 0', 'register 1', 'register 2',
  'set 0', 'set 1'];
const REGISTERS = ['title', 'date', 'mood'];
const SETS = ['tags', 'emotions'];
const UNITS = ['points', 'utf8', 'utf16'];
const SIDES = ['left', 'right'];

/** So many lines. */
export function script(seed, count) {
  const random = generator(seed), lines = [];
  const word = () => hex(encoder.encode(WORDS[random(WORDS.length)]));
  for (let i = 0; i < DOCUMENTS; i++) lines.push(`D ${i}`, `G ${i}`);
  for (let i = 0; i < count; i++) {
    const n = random(DOCUMENTS), wall = 1000 + i;
    const what = random(51);
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
    else if (what < 42) lines.push(`P ${n}`);
    else if (what < 44) lines.push(`B ${n} ${wall}`);
    else if (what < 45) lines.push(`F ${n} ${wall}`);
    else if (what < 46) lines.push(`Y ${n} ${random(60)} ${random(2)}`);
    else if (what < 47) lines.push(`Z ${n} 010${random(2)}${hex(new Uint8Array(8).fill(1 + random(DOCUMENTS)))}00000000000${random(10)}`);
    else if (what < 48) lines.push(`O ${n} ${random(DOCUMENTS)}`);
    else lines.push(`V ${n} ${VIEWS[random(VIEWS.length)]}`);
  }
  for (let i = 0; i < DOCUMENTS; i++) for (const view of VIEWS) lines.push(`V ${i} ${view}`);
  return lines;
}

function joined(parts) {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) bytes.set(part, (at += part.length) - part.length);
  return bytes;
}
function row(size, fill) {
  const bytes = new Uint8Array(size);
  fill(new DataView(bytes.buffer));
  return bytes;
}
const u32 = (value) => row(4, (view) => view.setUint32(0, value));
const i64 = (value) => row(8, (view) => view.setBigInt64(0, BigInt(value)));
const sized = (text) => joined([u32(encoder.encode(text).length), encoder.encode(text)]);

/** Carries lines out in the module; each is answered as the native program answers. */
export function player(quire, core) {
  const { Document, QuireError, Status } = quire;
  const documents = [];
  let wall = 0;
  const view = (document, what, number) => ({
    pending: () => document.encodePending(),
    encode: () => document.encode(),
    canonical: () => document.canonical(),
    digest: () => document.digest(),
    text: () => document.utf8(),
    register: () => joined(document.registerValues(REGISTERS[number]).map(({ value, wallMs }) =>
      joined([i64(number === 0 ? 0 : value), i64(wallMs), sized(number === 0 ? value : '')]))),
    set: () => joined(document.elements(SETS[number]).map(({ name, value }) =>
      joined([i64(value), sized(name)]))),
  }[what]());
  const found = (it) => { // what the C functions call ENOTFOUND
    if (!it) throw new QuireError(Status.ENOTFOUND, 'there is none');
  };
  const calls = {
    D: (_, n) => {
      documents[n]?.destroy();
      documents[n] = Document.create(core, { replica: new Uint8Array(8).fill(n + 1), wall: () => wall });
    },
    O: (document, other, n) => {
      const opened = Document.open(core, documents[other].encode(), { replica: new Uint8Array(8).fill(n + 1), wall: () => wall });
      document.destroy();
      opened.keepUndo();
      documents[n] = opened;
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
    U: (document, from, to, offset) => u32(document.offset(offset, UNITS[from], UNITS[to])),
    G: (document) => document.keepUndo(),
    P: (document) => document.closeUndoStep(),
    B: (document) => found(document.undo()),
    F: (document) => found(document.redo()),
    Y: (document, position, side) => document.anchor(position, SIDES[side], 'points'),
    Z: (document, anchor) => {
      const place = document.resolve(anchor, 'points');
      found(place !== null);
      return u32(place);
    },
    V: view,
  };
  const HEX_AT = { I: 4, R: 4, A: 4, X: 4, M: 2, Z: 2 };
  return (line) => {
    const words = line.split(' '), [command] = words, n = Number(words[1]);
    const args = words.slice(2).map((text, i) => {
      if (HEX_AT[command] === i + 2) {
        const bytes = unhex(text);
        return command === 'M' || command === 'Z' ? bytes : new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
      }
      return /^-?\d+$/.test(text) ? Number(text) : text;
    });
    if ('IERCAXKBF'.includes(command)) wall = args.shift();
    try {
      const bytes = calls[command](command === 'D' ? null : documents[n], ...(command === 'D' ? [n] : args), n);
      return `0 ${bytes instanceof Uint8Array ? hex(bytes) : '-'}`;
    } catch (error) {
      if (!(error instanceof QuireError)) throw error;
      return `${error.status} -`;
    }
  };
}

/** What the native program answers to a line, as the module is to answer it; null: it need not. */
export function wanted(line, answer) {
  if (line.startsWith('J ')) return answer.replace(/ .*/, ' -'); // the bytes merged, which V compares
  // The offset of a place beyond the end is left to the edit that uses it.
  return /^U \d+ 0 0 /.test(line) ? null : answer;
}

/** protocol/vectors/document.json: how many were looked at, and the names of those that came out otherwise. */
export function checkVectors({ Document, QuireError, Status }, core, vectors) {
  const bytesOf = new Map(vectors.valid.map(({ name, bytes }) => [name, unhex(bytes)]));
  const wrong = [];
  const before = ({ after }) => {
    const document = Document.create(core);
    for (const name of after) document.merge(bytesOf.get(name));
    return document;
  };
  // What a later version wrote is kept, and not to be read: `unread`, and `journal` in it, are left to the states.
  const shown = (document) => ({
    deleted: document.deleted,
    ...Object.fromEntries(REGISTERS.map((name) => [name, document.registerValues(name).map(({ value, wallMs }) => [value, wallMs])])),
    ...Object.fromEntries(SETS.map((set) => [set, document.elements(set).map(({ name, value }) => [name, value])])),
    text: document.text(),
  });
  const sorted = (shows) => JSON.stringify(Object.keys(shows).filter((key) => key !== 'unread' && key !== 'journal').sort().map((key) => [key, shows[key]]));
  for (const vector of vectors.valid) {
    const document = before(vector);
    document.merge(unhex(vector.bytes));
    if (sorted(shown(document)) !== sorted(vector.shows) || hex(document.canonical()) !== vector.canonical
      || hex(document.encode()) !== vector.state) wrong.push(vector.name);
    document.destroy();
  }
  for (const vector of vectors.invalid) {
    const document = before(vector), state = hex(document.encode());
    let status = Status.OK;
    try {
      document.merge(unhex(vector.bytes === '' ? '-' : vector.bytes));
    } catch (error) {
      if (!(error instanceof QuireError)) throw error;
      status = error.status;
    }
    const expected = vector.status === 'unsupported' ? Status.EUNSUPPORTED : Status.EMALFORMED;
    if (status !== expected || hex(document.encode()) !== state) wrong.push(vector.name);
    document.destroy();
  }
  return { checked: vectors.valid.length + vectors.invalid.length, wrong };
}

export function type(document, patches) {
  for (const [position, erased, text] of patches) {
    if (erased > 0) document.erase(position, erased, 'points');
    if (text.length > 0) document.insert(position, text, 'points');
  }
}

// Recorders place a letter right after the visible one. A replica of Quire goes on behind what it typed last,
// if that was erased there; not after another edit (as history_type of tools/bench/history.c).
function typeAsRecorded(document, patches) {
  for (const [position, erased, text] of patches) {
    if (erased > 0) {
      document.setRegister('mood', 7);
      document.erase(position, erased, 'points');
    }
    if (text.length > 0) {
      document.setRegister('mood', 7);
      document.insert(position, text, 'points');
    }
  }
}

// The histories rank concurrent letters by agent, then by the agent's own count: so do replica ids.
function replicaId(agent, seq) {
  return row(8, (view) => {
    view.setUint32(0, agent);
    view.setUint32(4, seq);
  });
}

/** Types each transaction into a replica that has merged exactly its parents; returns all merged. */
export function replay({ Document }, core, transactions) {
  const deltas = [], past = [], replicas = new Map(), all = Document.create(core, { wall: () => 0 });
  for (const [index, { agent, seq, parents, patches }] of transactions.entries()) {
    const needed = new Set(parents.flatMap((parent) => [...past[parent], parent]));
    past.push(needed);
    let replica = replicas.get(agent);
    if (replica === undefined || [...replica.has].some((other) => !needed.has(other))) {
      replica?.document.destroy();
      replica = { document: Document.create(core, { replica: replicaId(agent, seq), wall: () => 0 }), has: new Set() };
      replicas.set(agent, replica);
    }
    for (const other of [...needed].sort((a, b) => a - b)) {
      if (!replica.has.has(other)) for (const delta of deltas[other]) replica.document.merge(delta);
      replica.has.add(other);
    }
    typeAsRecorded(replica.document, patches);
    replica.has.add(index);
    deltas.push([]);
    while (replica.document.pendingSize > 0) deltas[index].push(replica.document.takeDelta());
  }
  for (const delta of deltas.flat()) all.merge(delta);
  for (const { document } of replicas.values()) document.destroy();
  return all;
}

/** The conformance histories (docs/contributing.md): how many there were, and which ended in another text. */
export function checkHistories(quire, core, histories) {
  const wrong = [];
  for (const [number, { txns, endContent }] of histories.entries()) {
    const agents = [...new Set(txns.map(({ agent }) => agent))].sort();
    const ends = new Map(txns.map(({ span }, i) => [span[1] - 1, i]));
    const document = replay(quire, core, txns.map(({ agent, seqStart, parents, ops }) => ({
      agent: agents.indexOf(agent), seq: seqStart, parents: parents.map((parent) => ends.get(parent)), patches: ops,
    })));
    if (document.text() !== endContent) wrong.push(number);
    document.destroy();
  }
  return { checked: histories.length, wrong };
}

/**
 * Runs crdt-graphs.wasm, which wants no more of WASI than words and somewhere to print: its exit status and
 * what it printed.
 */
export async function runGraphs(bytes, words) {
  const args = ['crdt-graphs', ...words].map((word) => encoder.encode(`${word}\0`)), printed = [];
  let memory;
  const view = () => new DataView(memory.buffer);
  const EXIT = new Error('exit');
  let status = 0;
  const wasi = {
    args_sizes_get(countAt, sizeAt) {
      view().setUint32(countAt, args.length, true);
      view().setUint32(sizeAt, args.reduce((size, word) => size + word.length, 0), true);
      return 0;
    },
    args_get(pointersAt, bytesAt) {
      for (const [i, word] of args.entries()) {
        view().setUint32(pointersAt + 4 * i, bytesAt, true);
        new Uint8Array(memory.buffer).set(word, bytesAt);
        bytesAt += word.length;
      }
      return 0;
    },
    fd_write(_, vectors, vectorCount, writtenAt) {
      let written = 0;
      for (let i = 0; i < vectorCount; i++) {
        const at = view().getUint32(vectors + 8 * i, true), size = view().getUint32(vectors + 8 * i + 4, true);
        printed.push(new Uint8Array(memory.buffer).slice(at, at + size));
        written += size;
      }
      view().setUint32(writtenAt, written, true);
      return 0;
    },
    fd_fdstat_get(_, at) {
      new Uint8Array(memory.buffer).fill(0, at, at + 24);
      view().setUint8(at, 2); // a character device: what is printed is not sought in
      return 0;
    },
    proc_exit(code) {
      status = code;
      throw EXIT;
    },
  };
  const module = await WebAssembly.compile(bytes);
  const imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    (imports[from] ??= {})[name] = wasi[name] ?? (() => 8); // EBADF: nothing else is there
  }
  const instance = await WebAssembly.instantiate(module, imports);
  memory = instance.exports.memory;
  try {
    instance.exports._start();
  } catch (error) {
    if (error !== EXIT) throw error;
  }
  return { status, text: new TextDecoder().decode(joined(printed)) };
}
