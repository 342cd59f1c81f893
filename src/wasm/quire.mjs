// Quire's core for JavaScript: documents and devices over the module's exports (exports.h).
// Thin on purpose: it moves bytes in and out and turns statuses into exceptions; all that matters
// happens in C. Runs in browsers and in node; has no dependencies.

export { MemoryRecords } from './records.mjs';

const VERSION = 4;
const SCRATCH = 4096; // bytes kept for the inputs of a call; larger ones are allocated for the call
const EDIT_MAX = (SCRATCH - 8) / 3 | 0; // code units of an edit's text that surely fit beside its replica

export const Status = Object.freeze({
  OK: 0, ENOMEM: 1, EMALFORMED: 2, ELIMIT: 3, EINVALID: 4, ENOTFOUND: 5, ECRYPTO: 6, ESTATE: 7,
  ECONFLICT: 8, EIO: 9, EFULL: 10, ECORRUPT: 11, ELOCKED: 12, EUNSUPPORTED: 13,
});
const STATUS_NAMES = Object.keys(Status);

export const EVENTS = Object.freeze(['tick', 'connected', 'disconnected', 'frame', 'persisted', 'save',
  'flush', 'pairOpen', 'pairClose', 'revoke', 'index']);
export const ACTIONS = Object.freeze(['persist', 'send', 'close', 'replica', 'notice']);
export const NOTICES = Object.freeze(['ready', 'caughtUp', 'uploaded', 'entry', 'pairCode', 'paired',
  'joined', 'pairFailed', 'deviceAdded', 'deviceRevoked', 'revokeFailed', 'rejected', 'refused', 'alarm',
  'presence', 'indexed']);
export const ALARMS = Object.freeze([null, 'badSignature', 'fork', 'roster', 'serverBehind', 'withheld',
  'unreadable', 'clock', 'revokedWrite', 'damaged']);
const REGISTERS = { title: 0, date: 1, mood: 2 };
const SETS = { tags: 0, emotions: 1 };
const UNITS = { points: 0, utf8: 1, utf16: 2 };
const SIDES = { left: 0, right: 1 };

/** A call failed, and nothing has changed by it. */
export class QuireError extends Error {
  constructor(status, text, options) {
    super(text, options);
    this.name = 'QuireError';
    this.status = status;
    this.code = STATUS_NAMES[status] ?? `E${status}`;
  }
}

// Node 18, which Debian 12 has, keeps it in a module.
const webcrypto = globalThis.crypto ?? (await import('node:crypto')).webcrypto;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const LONE_SURROGATE = /\p{Surrogate}/u;
const wellFormed = String.prototype.isWellFormed
  ? (text) => text.isWellFormed()
  : (text) => !LONE_SURROGATE.test(text);

function bad(text) {
  return new QuireError(Status.EINVALID, text);
}

function checked(text) {
  if (typeof text !== 'string') throw new TypeError('text must be a string');
  if (!wellFormed(text)) throw bad('half of a surrogate pair is no text');
  return text;
}

function utf8(text) {
  return encoder.encode(checked(text));
}

function known(table, name, what) {
  if (!Object.hasOwn(table, name)) throw bad(`no such ${what}: ${String(name)}`);
  return table[name];
}

function sized(bytes, size, what) {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`${what} must be a Uint8Array`);
  if (size !== undefined && bytes.length !== size) throw bad(`${what} must have ${size} bytes`);
  return bytes;
}

// Inputs stand side by side, each at a multiple of 8, in one piece of at most so many bytes (wasm/heap.h).
const padded = (length) => Math.ceil(length / 8) * 8;
const MEMORY_MAX = 0x7fffff00;

// Addresses come out of WebAssembly with a sign: beyond 2 GiB they would be negative.
const address = (pointer) => pointer >>> 0;

// What C is to see as a size_t: WebAssembly itself would wrap -1 to four billion.
function count(number, what) {
  if (!Number.isInteger(number) || number < 0 || number > 0xffffffff) throw bad(`${what} is out of range`);
  return number;
}

function whole(number) {
  if (typeof number === 'bigint') return number;
  if (typeof number !== 'number') throw new TypeError('a number is needed');
  return BigInt(Math.trunc(number)); // RangeError: NaN, infinity
}

// Keystrokes come many to a millisecond when they are replayed: the last one is remembered.
let lastNumber = 0, lastBigInt = 0n;
function int64(number) {
  if (number === lastNumber) return lastBigInt;
  const big = whole(number);
  if (BigInt.asIntN(64, big) !== big) throw bad(`${number} does not fit into 64 bits`);
  lastBigInt = big;
  lastNumber = number;
  return big;
}

function uint64(number) {
  const big = whole(number);
  if (BigInt.asUintN(64, big) !== big) throw bad(`${number} is negative, or does not fit into 64 bits`);
  return big;
}

const empty = new Uint8Array(0);

// Encodes a well-formed text that fits (a code unit becomes three bytes at most); returns its size. Few
// letters of ASCII, as a key is, need no help.
function encoded(text, out) {
  if (text.length > 16) return encoder.encodeInto(text, out).written;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return encoder.encodeInto(text, out).written;
    out[i] = unit;
  }
  return text.length;
}

// Reads rows: big-endian fields, one after another (exports.h says which).
class Fields {
  #bytes;
  #view;
  #at = 0;
  constructor(bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  get more() { return this.#at < this.#bytes.length; }
  u8() { return this.#view.getUint8(this.#at++); }
  u32() { this.#at += 4; return this.#view.getUint32(this.#at - 4); }
  u64() { this.#at += 8; return this.#view.getBigUint64(this.#at - 8); }
  i64() { this.#at += 8; return this.#view.getBigInt64(this.#at - 8); }
  fixed(size) { this.#at += size; return this.#bytes.slice(this.#at - size, this.#at); }
  bytes() { return this.fixed(this.u32()); }
  text() { return decoder.decode(this.bytes()); }
}

/** One instance of the module. Documents and devices of it share its memory, and a thread. */
export class Core {
  #exports;
  #view = empty; // of all memory; it has no length any more once the memory grew
  #typed = empty; // of the scratch behind a replica: where an edit's text goes
  #out; // a buffer for outputs
  #scratch;
  #busy = false; // a call is under way: a reader of ours runs inside of it
  #dead = null; // why it must not be used again
  #cause; // what a reader threw inside of the call under way
  #readers = new Map();
  #nextReader = 1;

  /** Use load(). */
  constructor(instance) {
    this.#exports = instance.exports;
    this.#exports._initialize();
    if (this.#exports.version() !== VERSION) throw new Error('quire.wasm and quire.mjs are of different versions');
    this.#out = this.#exports.buffer_create();
    this.#scratch = address(this.#exports.alloc(SCRATCH + 8)); // and a place for a number that comes out
    if (this.#out === 0 || this.#scratch === 0) throw new QuireError(Status.ENOMEM, 'no memory');
  }

  /** Bytes of memory that the module has now; it never shrinks. */
  get memorySize() { return this.#exports.memory.buffer.byteLength; }

  #memory() {
    if (this.#view.length === 0) {
      const { buffer } = this.#exports.memory;
      this.#view = new Uint8Array(buffer);
      this.#typed = new Uint8Array(buffer, this.#scratch + 8, SCRATCH - 8);
    }
    return this.#view;
  }

  text(pointer) {
    const memory = this.#memory();
    return decoder.decode(memory.slice(pointer, memory.indexOf(0, pointer)));
  }

  /** A TypeError where the module has documents alone. Said before a call, which would make the core unusable. */
  needWhole() {
    if (this.#exports.device_init !== undefined) return;
    throw new TypeError('documents.wasm has no devices, digests and sentences for them: load quire.wasm');
  }

  statusText(status) { return this.text(this.#exports.status_text(status)); }
  /** A sentence for an alarm's code, for a person. */
  alarmText(code) { this.needWhole(); return this.text(this.#exports.alarm_text(code)); }
  /** A sentence for a protocol error's code, for a person. */
  errorText(code) { this.needWhole(); return this.text(this.#exports.error_text(code)); }

  check(status) {
    if (status === Status.OK) return;
    const cause = this.#cause;
    this.#cause = undefined;
    throw new QuireError(status, this.statusText(status), cause === undefined ? undefined : { cause });
  }

  /**
   * Calls an export with byte ranges put into memory for the time of the call and wiped after it.
   * run(exports, pointers, out) returns what the export did; pointers follow the order of `inputs`.
   */
  call(inputs, run) {
    this.#ready();
    let size = 0;
    for (const input of inputs) size += padded(input.length);
    if (size > MEMORY_MAX) throw new QuireError(Status.ENOMEM, this.statusText(Status.ENOMEM));
    const start = size <= SCRATCH ? this.#scratch : address(this.#exports.alloc(size));
    if (start === 0) throw new QuireError(Status.ENOMEM, this.statusText(Status.ENOMEM));
    this.#busy = true;
    this.#cause = undefined;
    try {
      const memory = this.#memory(), pointers = [];
      let at = start;
      for (const input of inputs) {
        memory.set(input, at);
        pointers.push(at);
        at += padded(input.length);
      }
      return run(this.#exports, pointers, this.#out);
    } catch (error) {
      this.#dead ??= error; // a trap: what C held in its hands is not put back
      throw error;
    } finally {
      this.#busy = false;
      this.#memory().fill(0, start, start + size);
      if (start !== this.#scratch && this.#dead === null) this.#exports.free(start);
    }
  }

  #ready() {
    if (this.#dead !== null) throw new Error('this core failed before and must not be used', { cause: this.#dead });
    if (this.#busy) throw new QuireError(Status.ESTATE, 'a reader must not call the core that reads');
  }

  /**
   * As done, for a keystroke: a replica and a short text, without the allocations of call. They are
   * not wiped, since the document holds them too.
   */
  edit(replica, text, run) {
    this.#ready();
    const memory = this.#memory(), at = this.#scratch;
    memory.set(replica, at);
    const size = encoded(text, this.#typed);
    let status;
    try {
      status = run(this.#exports, at, at + 8, size);
    } catch (error) {
      this.#dead ??= error;
      throw error;
    }
    if (status !== Status.OK) this.check(status);
  }

  /** As done, for a document's call that is given one range of what the document is to hold: as light as edit. */
  feed(document, bytes, run) {
    const size = bytes.length;
    if (size > SCRATCH) {
      this.done([bytes], (exports, [at]) => run(exports, document, at, size));
      return;
    }
    this.#ready();
    this.#memory().set(bytes, this.#scratch);
    let status;
    try {
      status = run(this.#exports, document, this.#scratch, size);
    } catch (error) {
      this.#dead ??= error;
      throw error;
    }
    if (status !== Status.OK) this.check(status);
  }

  /** As call, for exports that return a status. */
  done(inputs, run) {
    this.check(this.call(inputs, run));
  }

  /** For what only frees: nothing to do where the core failed before, so that clean-up hides no error. */
  release(run) {
    if (this.#dead === null) this.call([], run);
  }

  /** As done, for exports that fill a buffer: its bytes, copied. `wipe`: it held a secret. */
  bytes(inputs, run, wipe = false) {
    this.done(inputs, run);
    return this.taken(this.#out, wipe);
  }

  taken(buffer, wipe) {
    const data = address(this.#exports.buffer_data(buffer)), size = this.#exports.buffer_size(buffer);
    const bytes = this.#memory().slice(data, data + size);
    if (wipe) this.#memory().fill(0, data, data + size);
    if (wipe || size > 65536) this.#exports.buffer_finish(buffer);
    return bytes;
  }

  /** As done, for exports that write a pointer or a size: run is given where to. */
  number(inputs, run) {
    const place = this.#scratch + SCRATCH;
    this.done(inputs, (exports, pointers, out) => run(exports, pointers, out, place));
    return this.#number(place);
  }

  #number(place) {
    const memory = this.#memory();
    return (memory[place] | memory[place + 1] << 8 | memory[place + 2] << 16 | memory[place + 3] << 24) >>> 0;
  }

  /** As number, for where a key goes: without the allocations of call. */
  offset(document, from, to, offset) {
    this.#ready();
    const place = this.#scratch + SCRATCH;
    let status;
    try {
      status = this.#exports.document_offset(document, from, to, offset, place);
    } catch (error) {
      this.#dead ??= error;
      throw error;
    }
    if (status !== Status.OK) this.check(status);
    return this.#number(place);
  }

  /** A second buffer, for the one export that has two outputs. */
  withBuffer(use) {
    const buffer = this.#exports.buffer_create();
    if (buffer === 0) throw new QuireError(Status.ENOMEM, this.statusText(Status.ENOMEM));
    try {
      return use(buffer);
    } finally {
      if (this.#dead === null) this.#exports.buffer_destroy(buffer);
    }
  }

  addReader(reader) {
    this.#readers.set(this.#nextReader, reader);
    return this.#nextReader++;
  }

  removeReader(number) { this.#readers.delete(number); }

  // ---- what the module imports ----

  #into(buffer, bytes) {
    const place = address(this.#exports.buffer_extend(buffer, bytes.length));
    if (place === 0) return false;
    this.#memory().set(bytes, place);
    return true;
  }

  #reading(read) {
    try {
      return read();
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError || this.#dead !== null) throw error;
      this.#cause = error;
      return Status.EIO;
    }
  }

  get(reader, key, size, out) {
    return this.#reading(() => {
      const value = this.#readers.get(reader).get(this.#memory().slice(key, key + size));
      if (value === undefined || value === null) return Status.ENOTFOUND;
      return this.#into(out, sized(value, undefined, 'a record')) ? Status.OK : Status.ENOMEM;
    });
  }

  scan(reader, prefix, prefixSize, scan) {
    return this.#reading(() => {
      for (const [key, value] of this.#readers.get(reader).scan(this.#memory().slice(prefix, prefix + prefixSize))) {
        const size = sized(key, undefined, 'a key').length + sized(value, undefined, 'a record').length;
        const at = address(this.#exports.alloc(size));
        if (at === 0) return Status.ENOMEM;
        this.#memory().set(key, at);
        this.#memory().set(value, at + key.length);
        const more = this.#exports.scan_visit(scan, at, key.length, at + key.length, value.length);
        this.#exports.free(at);
        if (more === 0) break;
      }
      return Status.OK;
    });
  }

  failed(file, line) {
    this.#dead = new Error(`${this.text(file)}:${line}: an assertion does not hold`);
    throw this.#dead;
  }
}

async function moduleOf(source) {
  if (source instanceof WebAssembly.Module) return source;
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) return WebAssembly.compile(source);
  const url = new URL(source ?? './quire.wasm', import.meta.url);
  if (url.protocol === 'file:') {
    const { readFile } = await import('node:fs/promises');
    return WebAssembly.compile(await readFile(url));
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  // Of a server that does not know the type, or says more than that, compileStreaming refuses it.
  return WebAssembly.compileStreaming && /^application\/wasm$/i.test(response.headers.get('content-type')?.trim() ?? '')
    ? WebAssembly.compileStreaming(response)
    : WebAssembly.compile(await response.arrayBuffer());
}

/** Loads the module: from beside this file, or from a URL, bytes, or a WebAssembly.Module. */
export async function load(source) {
  let core;
  const instance = await WebAssembly.instantiate(await moduleOf(source), {
    quire: {
      get: (reader, key, size, out) => core.get(reader, address(key), size, out),
      scan: (reader, prefix, size, scan) => core.scan(reader, address(prefix), size, scan),
      failed: (...all) => core.failed(...all),
    },
  });
  core = new Core(instance);
  return core;
}

const merge = (exports, document, at, size) => exports.document_merge(document, at, size);
const restorePending = (exports, document, at, size) => exports.document_restore_pending(document, at, size);

/** An entry's text, registers and sets (quire/document.h). */
export class Document {
  #core;
  #find; // the document's pointer; asked for at each call, since a device's may move
  #replica;
  #wall;
  #destroy;
  #undo = 0; // a pointer, once keepUndo was called

  /** Use Document.create() or device.document(). */
  constructor(core, find, replica, wall, destroy) {
    this.#core = core;
    this.#find = find;
    this.#replica = replica;
    this.#wall = wall;
    this.#destroy = destroy;
  }

  /** An empty document. Destroy it when done: its memory is the module's. */
  static create(core, options) {
    const pointer = core.call([], (exports) => exports.document_create());
    if (pointer === 0) core.check(Status.ENOMEM);
    return Document.#own(core, pointer, options);
  }

  /** The document of an encoded state: fast and small until the first edit or merge. */
  static open(core, state, options) {
    const pointer = core.number([sized(state, undefined, 'a state')], (exports, [data], _, place) =>
      exports.document_open(data, state.length, place));
    return Document.#own(core, pointer, options);
  }

  static #own(core, pointer, { replica = webcrypto.getRandomValues(new Uint8Array(8)), wall = Date.now } = {}) {
    if (!(replica instanceof Uint8Array) || replica.length !== 8) {
      core.call([], (exports) => exports.document_destroy(pointer));
      sized(replica, 8, 'a replica');
    }
    return new Document(core, () => {
      if (pointer === 0) throw new QuireError(Status.ESTATE, 'the document is destroyed');
      return pointer;
    }, () => replica, wall, () => {
      if (pointer !== 0) core.release((exports) => exports.document_destroy(pointer));
      pointer = 0;
    });
  }

  /** Frees it. What a device lent is not freed by this. */
  destroy() {
    if (this.#undo !== 0) this.#core.release((exports) => exports.undo_destroy(this.#undo));
    this.#undo = 0;
    this.#destroy();
  }

  #read(run) {
    const pointer = this.#find();
    return this.#core.call([], (exports) => run(exports, pointer));
  }
  #bytes(run) {
    const pointer = this.#find();
    return this.#core.bytes([], (exports, _, out) => run(exports, pointer, out));
  }
  // run(exports, document, replica, wall, text, size)
  #edit(text, run) {
    const pointer = this.#find(), replica = this.#replica(), wall = int64(this.#wall());
    if (this.#undo !== 0) this.#attach(pointer);
    if (text.length <= EDIT_MAX) {
      this.#core.edit(replica, text, (exports, stamp, data, size) => run(exports, pointer, stamp, wall, data, size));
    } else {
      const bytes = encoder.encode(text);
      this.#core.done([replica, bytes], (exports, [stamp, data]) =>
        run(exports, pointer, stamp, wall, data, bytes.length));
    }
  }

  text() { return decoder.decode(this.utf8()); }
  utf8() { return this.#bytes((exports, document, out) => exports.document_text(document, out)); }

  /** The text's length; the default unit counts as strings do. */
  length(unit = 'utf16') {
    if (unit === 'utf8') return this.#read((exports, document) => exports.document_text_size(document)) >>> 0;
    const points = this.#read((exports, document) => exports.document_text_length(document)) >>> 0;
    return unit === 'points' ? points : this.offset(points, 'points', unit);
  }

  /** An offset in one unit as the same place in another. EINVALID: beyond the end, inside of a character. */
  offset(offset, from, to) {
    const fromUnit = known(UNITS, from, 'unit'), toUnit = known(UNITS, to, 'unit');
    count(offset, 'the offset');
    return this.#core.offset(this.#find(), fromUnit, toUnit, offset);
  }
  // As points, for a call that itself refuses what is beyond the end.
  #points(offset, unit) {
    return unit === 'points' ? count(offset, 'the offset') : this.offset(offset, unit, 'points');
  }

  insert(position, text, unit = 'utf16') {
    checked(text);
    const at = this.#points(position, unit);
    this.#edit(text, (exports, document, stamp, wall, data, size) =>
      exports.document_insert(document, stamp, wall, at, data, size));
  }

  erase(position, length, unit = 'utf16') {
    const from = this.#points(position, unit);
    const to = this.#points(position + count(length, 'the length'), unit);
    this.#edit('', (exports, document, stamp, wall) =>
      exports.document_erase(document, stamp, wall, from, to - from));
  }

  #register(name) {
    const field = known(REGISTERS, name, 'register');
    const fields = new Fields(this.#bytes((exports, document, out) => exports.document_register(document, field, out)));
    const values = [];
    while (fields.more) {
      const number = Number(fields.i64()), wallMs = Number(fields.i64()), text = fields.text();
      values.push({ value: name === 'title' ? text : number, wallMs });
    }
    return values;
  }
  /** The register's value, or null. */
  register(name) { return this.#register(name)[0]?.value ?? null; }
  /** All values that devices wrote at the same time, the shown one first: {value, wallMs}. */
  registerValues(name) { return this.#register(name); }

  /** Sets a register; null unsets it. */
  setRegister(name, value) {
    const field = known(REGISTERS, name, 'register');
    if (value === null) {
      this.#edit('', (exports, document, stamp, wall) =>
        exports.document_clear_register(document, stamp, wall, field));
      return;
    }
    const text = name === 'title' ? checked(value) : '';
    const number = name === 'title' ? 0n : int64(value);
    this.#edit(text, (exports, document, stamp, wall, data, size) =>
      exports.document_set_register(document, stamp, wall, field, data, size, number));
  }

  /** The set's elements in byte order of their names: {name, value}. */
  elements(set) {
    const number = known(SETS, set, 'set');
    const fields = new Fields(this.#bytes((exports, document, out) => exports.document_set(document, number, out)));
    const elements = [];
    while (fields.more) {
      const value = Number(fields.i64());
      elements.push({ name: fields.text(), value });
    }
    return elements;
  }
  addElement(set, name, value = 0) {
    const number = known(SETS, set, 'set'), amount = int64(value);
    this.#edit(checked(name), (exports, document, stamp, wall, data, size) =>
      exports.document_add_element(document, stamp, wall, number, data, size, amount));
  }
  removeElement(set, name) {
    const number = known(SETS, set, 'set');
    this.#edit(checked(name), (exports, document, stamp, wall, data, size) =>
      exports.document_remove_element(document, stamp, wall, number, data, size));
  }

  /**
   * Names the place before an offset for ever, in 16 bytes that mean the same on every device. It holds on
   * to the character on that side: what is typed right there comes to stand on the other one.
   */
  anchor(offset, side = 'left', unit = 'utf16') {
    const at = this.#points(offset, unit), number = known(SIDES, side, 'side');
    return this.#bytes((exports, document, out) => exports.document_anchor(document, at, number, out));
  }

  /** Where that place is now; null: the character that it holds on to has not arrived here yet. */
  resolve(anchor, unit = 'utf16') {
    const pointer = this.#find();
    sized(anchor, 16, 'an anchor');
    try {
      const at = this.#core.number([anchor], (exports, [data], _, place) =>
        exports.document_resolve(pointer, data, place));
      return unit === 'points' ? at : this.offset(at, 'points', unit);
    } catch (error) {
      if (error instanceof QuireError && error.status === Status.ENOTFOUND) return null;
      throw error;
    }
  }

  // A device's document may have another address by now.
  #attach(pointer) {
    this.#core.done([], (exports) => exports.undo_attach(this.#undo, pointer));
  }

  /** From now on edits made here can be taken back; at most so many bytes are kept, the latest. */
  keepUndo(sizeMax = 1 << 20) {
    if (this.#undo !== 0) return;
    const pointer = this.#find();
    count(sizeMax, 'the size');
    const undo = this.#core.call([], (exports) => exports.undo_create(sizeMax));
    if (undo === 0) this.#core.check(Status.ENOMEM);
    this.#undo = undo;
    try {
      this.#attach(pointer);
    } catch (error) { // ESTATE: another object of this document keeps it; edits go on without one here
      this.#undo = 0;
      this.#core.release((exports) => exports.undo_destroy(undo));
      throw error;
    }
  }
  /** The next edit begins a new step: after a pause, a jump, a paste. */
  closeUndoStep() {
    if (this.#undo !== 0) this.#core.done([], (exports) => exports.undo_close_step(this.#undo));
  }
  #replay(name) {
    if (this.#undo === 0) return false;
    this.#attach(this.#find());
    const replica = this.#replica(), wall = int64(this.#wall());
    try {
      this.#core.done([replica], (exports, [stamp]) => exports[name](this.#undo, stamp, wall));
    } catch (error) {
      if (error instanceof QuireError && error.status === Status.ENOTFOUND) return false;
      throw error;
    }
    return true;
  }
  /** Takes the last step back; false: there is none. What others did stays. */
  undo() { return this.#replay('undo_undo'); }
  /** Makes again what was taken back last; false: there is nothing, or an edit came in between. */
  redo() { return this.#replay('undo_redo'); }
  get undoCount() { return this.#undo === 0 ? 0 : this.#core.call([], (exports) => exports.undo_count(this.#undo)) >>> 0; }
  get redoCount() {
    return this.#undo === 0 ? 0 : this.#core.call([], (exports) => exports.undo_redo_count(this.#undo)) >>> 0;
  }

  delete() {
    this.#edit('', (exports, document, stamp, wall) => exports.document_delete(document, stamp, wall));
  }
  get deleted() { return this.#read((exports, document) => exports.document_deleted(document)) !== 0; }
  get empty() { return this.#read((exports, document) => exports.document_empty(document)) !== 0; }

  get pendingSize() { return this.#read((exports, document) => exports.document_pending_size(document)) >>> 0; }
  encodePending() { return this.#bytes((exports, document, out) => exports.document_encode_pending(document, out)); }
  /** The oldest pending edits as a delta of at most maxSize bytes. ESTATE: there are none. */
  takeDelta(maxSize = 65536) {
    count(maxSize, 'the size');
    return this.#bytes((exports, document, out) => exports.document_take_delta(document, maxSize, out));
  }
  restorePending(delta) {
    this.#core.feed(this.#find(), sized(delta, undefined, 'a delta'), restorePending);
  }

  /** The whole mergeable state. */
  encode() { return this.#bytes((exports, document, out) => exports.document_encode(document, out)); }
  /** Joins a delta or a state. EMALFORMED: it is neither, and nothing has changed. */
  merge(bytes) { this.#core.feed(this.#find(), sized(bytes, undefined, 'a delta'), merge); }
  canonical() { return this.#bytes((exports, document, out) => exports.document_canonical(document, out)); }
  /** 32 bytes. Not with documents.wasm. */
  digest() {
    this.#core.needWhole();
    return this.#bytes((exports, document, out) => exports.document_digest(document, out));
  }
}

function actionsOf(bytes) {
  const fields = new Fields(bytes), actions = [];
  while (fields.more) {
    const kind = ACTIONS[fields.u8()], notice = NOTICES[fields.u8()], code = fields.u32(), retryMs = fields.u32();
    const token = fields.u64(), entry = fields.fixed(16), device = fields.fixed(16), content = fields.bytes();
    const writes = [];
    for (let left = fields.u32(); left > 0; left--) {
      const erase = fields.u8() !== 0, key = fields.bytes(), value = fields.bytes();
      writes.push(erase ? { key, value: null } : { key, value });
    }
    actions.push({
      persist: { kind, token, writes },
      send: { kind, bytes: content },
      close: { kind, retryMs },
      replica: { kind, bytes: content },
      notice: { kind, notice, code, entry, device, text: notice === 'pairCode' ? decoder.decode(content) : '' },
    }[kind]);
  }
  return actions;
}

/** A device of one user, as a state machine (quire/device.h). */
export class Device {
  #core;
  #pointer;
  #reader;
  #clocks;

  /** Use Device.init(), join(), recover() or open(). */
  constructor(core, pointer, reader, clocks) {
    this.#core = core;
    this.#pointer = pointer;
    this.#reader = reader;
    this.#clocks = clocks;
  }

  static #make(core, options, parts, run) {
    core.needWhole();
    const { get, scan } = options.reader;
    if (typeof get !== 'function' || typeof scan !== 'function') throw new TypeError('a reader must have get and scan');
    const clocks = {
      now: options.now ?? (() => performance.now()),
      wall: options.wall ?? Date.now,
      entropy: options.entropy ?? (() => webcrypto.getRandomValues(new Uint8Array(32))),
    };
    const key = sized(options.profileKey, 32, 'a profile key');
    const entropy = sized(clocks.entropy(), 32, 'entropy');
    const wall = int64(clocks.wall());
    const reader = core.addReader(options.reader);
    try {
      const pointer = core.number([key, entropy, ...parts], (exports, [keyAt, entropyAt, ...at], out, place) =>
        run(exports, [reader, keyAt, entropyAt, wall], at, out, place));
      return new Device(core, pointer, reader, clocks);
    } catch (error) {
      core.removeReader(reader);
      throw error;
    }
  }

  /** A new account with this as its first device: {device, kit, actions}. Show the kit; it is kept nowhere. */
  static init(core, options) {
    const name = utf8(options.name), record = sized(options.replicaRecord ?? empty, undefined, 'a replica record');
    return core.withBuffer((kitBuffer) => {
      let out;
      const device = Device.#make(core, options, [record, name],
        (exports, first, [recordAt, nameAt], buffer, place) => {
          out = buffer;
          return exports.device_init(...first, recordAt, record.length, nameAt, name.length, kitBuffer, buffer, place);
        });
      const kit = decoder.decode(core.taken(kitBuffer, true));
      return { device, kit, actions: actionsOf(core.taken(out, false)) };
    });
  }

  /** A new device that joins by the code that another one shows. */
  static join(core, options) {
    const name = utf8(options.name), code = utf8(options.code);
    return Device.#make(core, options, [name, code], (exports, first, [nameAt, codeAt], _, place) =>
      exports.device_join(...first, nameAt, name.length, codeAt, code.length, place));
  }

  /** A new device that joins by the recovery kit. */
  static recover(core, options) {
    const name = utf8(options.name), kit = utf8(options.kit);
    return Device.#make(core, options, [name, kit], (exports, first, [nameAt, kitAt], _, place) =>
      exports.device_recover(...first, nameAt, name.length, kitAt, kit.length, place));
  }

  /** The profile that the reader holds. */
  static open(core, options) {
    const record = sized(options.replicaRecord ?? empty, undefined, 'a replica record');
    return Device.#make(core, options, [record], (exports, first, [recordAt], _, place) =>
      exports.device_open(...first, recordAt, record.length, place));
  }

  /**
   * The server does not know this device any more: enrols it again, with all that was written on it, by the
   * code that another one shows. Not connected; connect it then. ESTATE: connected, or not a member.
   */
  rejoin(code) {
    const pointer = this.#alive(), bytes = utf8(code), entropy = sized(this.#clocks.entropy(), 32, 'entropy');
    this.#core.done([bytes, entropy], (exports, [codeAt, entropyAt]) =>
      exports.device_rejoin(pointer, codeAt, bytes.length, entropyAt));
  }

  /** Wipes and frees it. */
  destroy() {
    if (this.#pointer === 0) return;
    this.#core.release((exports) => exports.device_destroy(this.#pointer));
    this.#pointer = 0;
    this.#core.removeReader(this.#reader);
  }

  #alive() {
    if (this.#pointer === 0) throw new QuireError(Status.ESTATE, 'the device is destroyed');
    return this.#pointer;
  }

  /** Actions as bytes (exports.h): what step() reads. For tests, and for hosts that pass them on. */
  stepBytes({ kind, bytes = empty, token = 0n, entry, device }) {
    const pointer = this.#alive(), number = EVENTS.indexOf(kind);
    if (number < 0) throw bad(`no such event: ${String(kind)}`);
    const id = kind === 'save' ? sized(entry, 16, 'an entry') : kind === 'revoke' ? sized(device, 16, 'a device') : empty;
    const now = uint64(this.#clocks.now()), wall = int64(this.#clocks.wall());
    const entropy = sized(this.#clocks.entropy(), 32, 'entropy'), durable = uint64(token);
    return this.#core.bytes([entropy, sized(bytes, undefined, 'bytes'), id], (exports, [entropyAt, bytesAt, idAt], out) =>
      exports.device_step(pointer, number, now, wall, entropyAt, bytesAt, bytes.length, durable, idAt, out));
  }

  /** Feeds one event; carry out what it returns, in that order. */
  step(event) { return actionsOf(this.stepBytes(event)); }

  /** When a tick is wanted, on the clock `now`; null: not at all. */
  get wakeMs() {
    const pointer = this.#alive();
    const wake = BigInt.asUintN(64, this.#core.call([], (exports) => exports.device_wake_ms(pointer)));
    return wake === 0xffffffffffffffffn ? null : Number(wake);
  }

  /** The document of an entry, to read or edit; then step({kind: 'save', entry}). ENOTFOUND without create. */
  document(entry, { create = false } = {}) {
    const id = sized(entry, 16, 'an entry').slice();
    const find = () => {
      const pointer = this.#alive();
      return this.#core.number([id], (exports, [idAt], _, place) =>
        exports.device_document(pointer, idAt, create ? 1 : 0, place));
    };
    find();
    return new Document(this.#core, find, () => this.#replica(), this.#clocks.wall, () => {});
  }

  #replica() {
    const pointer = this.#alive(), replica = new Uint8Array(8);
    this.#core.call([replica], (exports, [at]) => {
      exports.device_replica(pointer, at);
      replica.set(new Uint8Array(exports.memory.buffer, at, 8));
    });
    return replica;
  }

  #rows(run) {
    const pointer = this.#alive();
    return new Fields(this.#core.bytes([], (exports, _, out) => run(exports, pointer, out)));
  }

  /** What a list shows of every entry, deleted ones too, in order of ids. */
  entries() {
    const fields = this.#rows((exports, device, out) => exports.device_entries(device, out)), entries = [];
    while (fields.more) {
      const entry = fields.fixed(16), flags = fields.u8(), date = Number(fields.i64()), mood = Number(fields.i64());
      entries.push({
        entry, date: flags & 1 ? date : null, mood: flags & 2 ? mood : null, deleted: (flags & 4) !== 0,
        unsealed: (flags & 8) !== 0, changedWallMs: Number(fields.i64()), textLength: Number(fields.u64()),
        title: fields.text(), excerpt: fields.text(),
      });
    }
    return entries;
  }

  devices() {
    const fields = this.#rows((exports, device, out) => exports.device_devices(device, out)), devices = [];
    while (fields.more) {
      const device = fields.fixed(16), flags = fields.u8();
      devices.push({
        device, self: (flags & 1) !== 0, active: (flags & 2) !== 0, batches: Number(fields.u64()),
        lastHeardMs: Number(fields.i64()), name: fields.text(),
      });
    }
    return devices;
  }

  /** What the server refuses; it is kept here and sent again. */
  rejections() {
    const fields = this.#rows((exports, device, out) => exports.device_rejections(device, out)), rejections = [];
    while (fields.more) {
      rejections.push({ replica: fields.fixed(8), seq: Number(fields.u64()), code: fields.u32(), name: fields.text() });
    }
    return rejections;
  }

  state() {
    const fields = this.#rows((exports, device, out) => exports.device_state(device, out));
    const user = fields.fixed(32), device = fields.fixed(16), flags = fields.u8();
    const state = {
      user, device, joined: (flags & 1) !== 0, revoked: (flags & 2) !== 0, connected: (flags & 4) !== 0,
      caughtUp: (flags & 8) !== 0, epoch: fields.u32(), rosterCount: fields.u32(), redoCount: fields.u32(),
      batchCount: Number(fields.u64()), chainCount: Number(fields.u64()), unsealedCount: Number(fields.u64()),
      unacknowledgedCount: Number(fields.u64()), notOnServerCount: Number(fields.u64()),
      unreadCount: Number(fields.u64()), caughtUpMs: Number(fields.i64()), presence: fields.u32(), words: fields.text(), alarms: {},
    };
    for (const name of ALARMS.slice(1)) state.alarms[name] = Number(fields.u64());
    return state;
  }
}
