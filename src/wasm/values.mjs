// What the module's JavaScript shares: names of the headers' enums, checks of arguments, and the rows
// that come out of the module (exports.h).

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
export const REGISTERS = { title: 0, date: 1, mood: 2 };
export const SETS = { tags: 0, emotions: 1 };
export const UNITS = { points: 0, utf8: 1, utf16: 2 };
export const SIDES = { left: 0, right: 1 };

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
export const webcrypto = globalThis.crypto ?? (await import('node:crypto')).webcrypto;
export const encoder = new TextEncoder();
export const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const LONE_SURROGATE = /\p{Surrogate}/u;
const wellFormed = String.prototype.isWellFormed
  ? (text) => text.isWellFormed()
  : (text) => !LONE_SURROGATE.test(text);

export function bad(text) {
  return new QuireError(Status.EINVALID, text);
}

export function checked(text) {
  if (typeof text !== 'string') throw new TypeError('text must be a string');
  if (!wellFormed(text)) throw bad('half of a surrogate pair is no text');
  return text;
}

export function utf8(text) {
  return encoder.encode(checked(text));
}

export function known(table, name, what) {
  if (!Object.hasOwn(table, name)) throw bad(`no such ${what}: ${String(name)}`);
  return table[name];
}

export function sized(bytes, size, what) {
  if (!(bytes instanceof Uint8Array)) throw new TypeError(`${what} must be a Uint8Array`);
  if (size !== undefined && bytes.length !== size) throw bad(`${what} must have ${size} bytes`);
  return bytes;
}

// Addresses come out of WebAssembly with a sign: beyond 2 GiB they would be negative.
export const address = (pointer) => pointer >>> 0;

// What C is to see as a size_t: WebAssembly itself would wrap -1 to four billion.
export function count(number, what) {
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
export function int64(number) {
  if (number === lastNumber) return lastBigInt;
  const big = whole(number);
  if (BigInt.asIntN(64, big) !== big) throw bad(`${number} does not fit into 64 bits`);
  lastBigInt = big;
  lastNumber = number;
  return big;
}

export function uint64(number) {
  const big = whole(number);
  if (BigInt.asUintN(64, big) !== big) throw bad(`${number} is negative, or does not fit into 64 bits`);
  return big;
}

export const empty = new Uint8Array(0);

// Encodes a well-formed text that fits (a code unit becomes three bytes at most); returns its size. Few
// letters of ASCII, as a key is, need no help.
export function encoded(text, out) {
  if (text.length > 16) return encoder.encodeInto(text, out).written;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return encoder.encodeInto(text, out).written;
    out[i] = unit;
  }
  return text.length;
}

// Reads rows: big-endian fields, one after another (exports.h says which).
export class Fields {
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
