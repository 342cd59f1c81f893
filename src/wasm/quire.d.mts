// Types of quire.mjs. What each function means is said in include/quire/*.h.

export type StatusCode = 'OK' | 'ENOMEM' | 'EMALFORMED' | 'ELIMIT' | 'EINVALID' | 'ENOTFOUND' | 'ECRYPTO'
  | 'ESTATE' | 'ECONFLICT' | 'EIO' | 'EFULL' | 'ECORRUPT' | 'ELOCKED' | 'EUNSUPPORTED';
export const Status: Readonly<Record<StatusCode, number>>;

/** The names below in the order of their numbers in quire/device.h. */
export const EVENTS: readonly Event['kind'][];
export const ACTIONS: readonly Action['kind'][];
export const NOTICES: readonly Notice[];
export const ALARMS: readonly (Alarm | null)[];

/** A call failed, and nothing has changed by it. `cause`: what a reader threw. */
export class QuireError extends Error {
  readonly name: 'QuireError';
  readonly status: number;
  readonly code: StatusCode;
  readonly cause?: unknown;
}

/** One instance of the module: its documents and devices share its memory, and a thread. */
export class Core {
  private constructor();
  /** Bytes of memory that the module has now; it never shrinks. */
  readonly memorySize: number;
  /** A sentence for a person: for a status, an alarm, an error of the protocol. The last two not with documents.wasm. */
  statusText(status: number): string;
  alarmText(code: number): string;
  errorText(code: number): string;
}

/**
 * Loads the module: quire.wasm from beside quire.mjs, or from a URL (relative to quire.mjs), bytes, or a compiled
 * module. With documents.wasm there is no Device and no digest(): they throw a TypeError.
 */
export function load(source?: string | URL | Uint8Array | ArrayBuffer | WebAssembly.Module): Promise<Core>;

/** Where time and randomness come from. Fractions of a millisecond are cut off. */
export interface Clocks {
  /** Milliseconds of a clock that never goes back; default performance.now. */
  now?: () => number | bigint;
  /** Milliseconds since 1970-01-01 UTC; default Date.now. */
  wall?: () => number | bigint;
  /** 32 fresh random bytes at each call; default crypto.getRandomValues. */
  entropy?: () => Uint8Array;
}

/** What an offset into a text counts: code points, bytes, or code units as strings do. */
export type Unit = 'points' | 'utf8' | 'utf16';

/** The neighbour that an anchor holds on to. */
export type Side = 'left' | 'right';

export interface Registers {
  title: string;
  /** The entry's own date: milliseconds since 1970-01-01, without a zone. */
  date: number;
  /** 0 … 100. A fraction is cut off, here and in the value of an element. */
  mood: number;
}
export type SetName = 'tags' | 'emotions';

export class Document {
  private constructor();
  /** An empty document; destroy it when done. replica: 8 bytes, default random. */
  static create(core: Core, options?: { replica?: Uint8Array; wall?: () => number | bigint }): Document;
  /** The document of a state: fast, and small, until it is edited or merged into. */
  static open(core: Core, state: Uint8Array, options?: { replica?: Uint8Array; wall?: () => number | bigint }): Document;
  /** Frees it, unless a device lent it; what is kept for undo in any case. */
  destroy(): void;

  text(): string;
  utf8(): Uint8Array;
  /** Default unit: utf16. */
  length(unit?: Unit): number;
  /** The same place in another unit. EINVALID: beyond the end, or inside of a character. */
  offset(offset: number, from: Unit, to: Unit): number;
  /** Offsets inside of a character are refused (EINVALID), and so are halves of surrogate pairs. */
  insert(position: number, text: string, unit?: Unit): void;
  erase(position: number, length: number, unit?: Unit): void;

  register<Name extends keyof Registers>(name: Name): Registers[Name] | null;
  /** What devices wrote at the same time, the shown value first. */
  registerValues<Name extends keyof Registers>(name: Name): { value: Registers[Name]; wallMs: number }[];
  setRegister<Name extends keyof Registers>(name: Name, value: Registers[Name] | null): void;
  elements(set: SetName): { name: string; value: number }[];
  addElement(set: SetName, name: string, value?: number): void;
  removeElement(set: SetName, name: string): void;
  /** 16 opaque bytes that name the place before an offset for ever, on every device. Default side: left. */
  anchor(offset: number, side?: Side, unit?: Unit): Uint8Array;
  /** Where that place is now; null: the character that it holds on to has not arrived here yet. */
  resolve(anchor: Uint8Array, unit?: Unit): number | null;

  /**
   * From now on edits made here can be taken back; sizeMax bytes (1 MiB) of steps are kept. A document has one undo:
   * ESTATE where another object of the same device and entry keeps it.
   */
  keepUndo(sizeMax?: number): void;
  /** The next edit begins a new step. */
  closeUndoStep(): void;
  /** False: there is nothing to take back, or to make again. */
  undo(): boolean;
  redo(): boolean;
  readonly undoCount: number;
  readonly redoCount: number;

  /** Deletes the entry as seen here; a later or concurrent edit brings it back. */
  delete(): void;
  readonly deleted: boolean;
  readonly empty: boolean;

  readonly pendingSize: number;
  encodePending(): Uint8Array;
  /** The oldest pending edits, as a delta of at most maxSize (65,536) bytes. ESTATE: there are none. */
  takeDelta(maxSize?: number): Uint8Array;
  restorePending(delta: Uint8Array): void;
  /** The whole state, to be kept, opened and merged. */
  encode(): Uint8Array;
  /** Joins a delta or a state. EMALFORMED: it is neither, and nothing has changed. */
  merge(bytes: Uint8Array): void;
  /** What is shown, in one form: equal where two documents show the same. */
  canonical(): Uint8Array;
  /** 32 bytes: its hash. Not with documents.wasm. */
  digest(): Uint8Array;
}

/** A profile's records. Called inside of calls of the device, which they must not call. */
export interface Reader {
  get(key: Uint8Array): Uint8Array | null | undefined;
  /** Each record whose key starts with prefix, in byte order of the keys. */
  scan(prefix: Uint8Array): Iterable<[key: Uint8Array, value: Uint8Array]>;
}

export interface DeviceOptions extends Clocks {
  reader: Reader;
  /** 32 bytes, from a place that a backup of the records does not hold. */
  profileKey: Uint8Array;
}

export type Event =
  | { kind: 'tick' | 'disconnected' | 'flush' | 'pairOpen' | 'pairClose' | 'index' }
  /** bytes: the host[:port] that was dialled */
  | { kind: 'connected'; bytes: Uint8Array }
  /** bytes: one binary message */
  | { kind: 'frame'; bytes: Uint8Array }
  /** token: that of the persist action that is durable now, and all before */
  | { kind: 'persisted'; token: bigint }
  | { kind: 'save'; entry: Uint8Array }
  | { kind: 'revoke'; device: Uint8Array };

export type Notice = 'ready' | 'caughtUp' | 'uploaded' | 'entry' | 'pairCode' | 'paired' | 'joined' | 'pairFailed'
  | 'deviceAdded' | 'deviceRevoked' | 'revokeFailed' | 'rejected' | 'refused' | 'alarm' | 'presence' | 'indexed';
export type Alarm = 'badSignature' | 'fork' | 'roster' | 'serverBehind' | 'withheld' | 'unreadable' | 'clock'
  | 'revokedWrite' | 'damaged';

export interface Write {
  key: Uint8Array;
  /** null: erase it, if it is there */
  value: Uint8Array | null;
}

/** To be carried out in order. What must be durable first is only sent after its `persisted` event. */
export type Action =
  | { kind: 'persist'; token: bigint; writes: Write[] }
  | { kind: 'send'; bytes: Uint8Array }
  | { kind: 'close'; retryMs: number }
  | { kind: 'replica'; bytes: Uint8Array }
  | { kind: 'notice'; notice: Notice; code: number; entry: Uint8Array; device: Uint8Array; text: string };

export interface Summary {
  entry: Uint8Array;
  title: string;
  snippet: string;
  date: number | null;
  mood: number | null;
  /** When it last changed on this device, by its wall clock. */
  changedWallMs: number;
  /** Code points. */
  textLength: number;
  deleted: boolean;
  /** It has edits that are on this device alone and not sealed yet. */
  unsealed: boolean;
}

export interface DeviceInfo {
  device: Uint8Array;
  name: string;
  self: boolean;
  active: boolean;
  batches: number;
  /** When it was last up to date, by its own clock, as its batches say; 0: never heard of. */
  lastHeardMs: number;
}

export interface DeviceState {
  user: Uint8Array;
  device: Uint8Array;
  joined: boolean;
  revoked: boolean;
  connected: boolean;
  caughtUp: boolean;
  epoch: number;
  rosterCount: number;
  /** Roster operations that the server lost and this device has yet to re-apply. */
  lostOpCount: number;
  batchCount: number;
  chainCount: number;
  /** Entries with edits that are not sealed yet. */
  unsealedCount: number;
  /** Own batches that are not durable on the server yet. */
  unacknowledgedCount: number;
  /** Anybody's batches that the server lacks, while connected. */
  notOnServerCount: number;
  /** Batches that a later version of Quire wrote: kept, and read by that. */
  unreadCount: number;
  /** When all that the server had was last here, by the wall clock; 0: never. */
  caughtUpMs: number;
  /** Other devices connected now. */
  presence: number;
  /** The state digest, shown as six words, to compare by eye: the same on devices that hold the same. */
  words: string;
  /** How often each was raised, ever. */
  alarms: Record<Alarm, number>;
}

export class Device {
  private constructor();
  /** A new account. Show the kit, then forget it: it is kept nowhere. */
  static init(core: Core, options: DeviceOptions & { name: string; replicaRecord?: Uint8Array }):
    { device: Device; kit: string; actions: Action[] };
  static join(core: Core, options: DeviceOptions & { name: string; code: string }): Device;
  static recover(core: Core, options: DeviceOptions & { name: string; kit: string }): Device;
  static open(core: Core, options: DeviceOptions & { replicaRecord?: Uint8Array }): Device;
  /** Enrols a device again that the server does not know any more; not connected, connect it then. */
  rejoin(code: string): void;
  destroy(): void;

  step(event: Event): Action[];
  /** The actions as they come from the module (src/wasm/exports.h). */
  stepBytes(event: Event): Uint8Array;
  /** When a tick is wanted, on the clock `now`; null: not at all. */
  readonly wakeMs: number | null;
  document(entry: Uint8Array, options?: { create?: boolean }): Document;
  /** Every entry, deleted ones too, in order of ids. */
  entries(): Summary[];
  devices(): DeviceInfo[];
  /** What the server refuses; it is kept here and sent again. */
  rejections(): { replica: Uint8Array; seq: number; code: number; name: string }[];
  state(): DeviceState;
}

/** A reader whose records are in memory: for tests, and as a cache before a slower store. */
export class MemoryRecords implements Reader {
  get(key: Uint8Array): Uint8Array | undefined;
  scan(prefix: Uint8Array): [key: Uint8Array, value: Uint8Array][];
  /** Carries out the writes of a persist action. */
  write(writes: Write[]): void;
  readonly size: number;
}
