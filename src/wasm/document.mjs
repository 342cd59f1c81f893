// An entry's document.

import { EDIT_MAX } from './core.mjs';
import {
  Fields, QuireError, REGISTERS, SETS, SIDES, Status, UNITS, checked, count, decoder, encoder, int64, known, sized,
  webcrypto,
} from './values.mjs';

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
