// A device of one user.

import { Document } from './document.mjs';
import {
  ACTIONS, ALARMS, EVENTS, Fields, NOTICES, QuireError, Status, bad, decoder, empty, int64, sized, uint64, utf8,
  webcrypto,
} from './values.mjs';

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
        title: fields.text(), snippet: fields.text(),
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
      caughtUp: (flags & 8) !== 0, epoch: fields.u32(), rosterCount: fields.u32(), lostOpCount: fields.u32(),
      batchCount: Number(fields.u64()), chainCount: Number(fields.u64()), unsealedCount: Number(fields.u64()),
      unacknowledgedCount: Number(fields.u64()), notOnServerCount: Number(fields.u64()),
      unreadCount: Number(fields.u64()), caughtUpMs: Number(fields.i64()), presence: fields.u32(), words: fields.text(), alarms: {},
    };
    for (const name of ALARMS.slice(1)) state.alarms[name] = Number(fields.u64());
    return state;
  }
}
