// One instance of the module: bytes go in and out here, and statuses become exceptions.

import { QuireError, Status, address, decoder, empty, encoded, sized } from './values.mjs';

const VERSION = 4;
const SCRATCH = 4096; // bytes kept for the inputs of a call; larger ones are allocated for the call
export const EDIT_MAX = (SCRATCH - 8) / 3 | 0; // code units of an edit's text that surely fit beside its replica

// Inputs stand side by side, each at a multiple of 8, in one piece of at most so many bytes (wasm/heap.h).
const padded = (length) => Math.ceil(length / 8) * 8;
const MEMORY_MAX = 0x7fffff00;

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
