// A complete host in JavaScript, for a browser or node: a device, its records, a WebSocket to the server,
// a timer. An app copies this class and replaces what it shows.
//
//   const core = await load();
//   const records = await IndexedRecords.open('quire');     // below; MemoryRecords for tests
//   const host = await Host.open(core, records, { url: 'wss://journal.example/quire', profileKey });
//   host.connect();
//   await host.write(entry, (document) => document.insert(0, 'It rained all day. '));

import { Device, Document, MemoryRecords, QuireError } from './quire.mjs';

const RETRY_FIRST_MS = 500, RETRY_LAST_MS = 60_000;

/** The device, and all that it needs round it. `onNotice(notice)` tells the app what happened. */
export class Host {
  #device;
  #records;
  #options;
  #socket = null;
  #timer = null;
  #redial = null;
  #retryMs;
  #online = false; // the app wants a connection
  #queue = Promise.resolve(); // one event at a time: its actions are carried out before the next one

  constructor(records, options) {
    this.#records = records;
    this.#options = options;
    this.#retryMs = this.#firstRetryMs;
  }

  get #firstRetryMs() { return this.#options.retryMs ?? RETRY_FIRST_MS; }

  /** A new account; show `kit` to the user, once. */
  static async init(core, records, options) {
    const host = new Host(records, options);
    const { device, kit, actions } = Device.init(core, { ...options, reader: records.cache });
    host.#device = device;
    await host.#enqueue(() => host.#carryOut(actions));
    return { host, kit };
  }

  /** A new device of an account; connect() it then. `code` comes from another device's 'pairCode' notice. */
  static join(core, records, options) {
    const host = new Host(records, options);
    host.#device = Device.join(core, { ...options, reader: records.cache });
    return host;
  }

  /** The profile that the records hold. */
  static async open(core, records, options) {
    const host = new Host(records, options);
    host.#device = Device.open(core, { ...options, reader: records.cache, replicaRecord: records.replica });
    await host.#feed({ kind: 'tick' });
    return host;
  }

  get device() { return this.#device; }

  /** Edits an entry's document and saves it: on the disk once the promise is fulfilled. */
  write(entry, edit) {
    return this.#enqueue(async () => {
      edit(this.#device.document(entry, { create: true }));
      await this.#step({ kind: 'save', entry });
    });
  }

  /** Seals what is pending now: before the page goes away, or when the user asks for a sync. */
  flush() { return this.#feed({ kind: 'flush' }); }
  /** Shows a code to a new device, by a 'pairCode' notice. Connected only. */
  pair() { return this.#feed({ kind: 'pairOpen' }); }

  connect() {
    this.#online = true;
    if (this.#socket === null) this.#dial();
  }

  /** Ends everything; what was saved is whole. */
  close() {
    this.#online = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#redial);
    this.#socket?.close();
    return this.#enqueue(() => this.#device.destroy());
  }

  // ---- events ----

  #enqueue(run) {
    const done = this.#queue.then(run);
    this.#queue = done.catch(() => {}); // the caller gets the error; the next event is fed all the same
    return done;
  }

  #feed(event) {
    return this.#enqueue(() => this.#step(event)).catch((error) => {
      if (!(error instanceof QuireError && error.code === 'ESTATE')) this.#options.onError?.(error);
      throw error;
    });
  }

  async #step(event) {
    await this.#carryOut(this.#device.step(event));
    this.#wake();
  }

  // The device says when it wants a tick: for sealing when the user pauses, for pings, for giving up.
  #wake() {
    clearTimeout(this.#timer);
    const wake = this.#device.wakeMs;
    if (wake === null) return;
    this.#timer = setTimeout(() => this.#feed({ kind: 'tick' }).catch(() => {}), Math.max(0, wake - performance.now()));
  }

  // ---- actions, in their order ----

  async #carryOut(actions) {
    for (const action of actions) {
      switch (action.kind) {
        case 'persist':
          await this.#records.persist(action.writes); // durable before what follows is sent
          await this.#carryOut(this.#device.step({ kind: 'persisted', token: action.token }));
          break;
        case 'send':
          if (this.#socket?.readyState === 1) this.#socket.send(action.bytes);
          break;
        case 'close':
          this.#retryMs = Math.max(this.#retryMs, action.retryMs);
          this.#socket?.close();
          break;
        case 'replica':
          await this.#records.keepReplica(action.bytes);
          break;
        case 'notice':
          if (action.notice === 'ready') this.#retryMs = this.#firstRetryMs;
          this.#options.onNotice?.(action);
          break;
      }
    }
  }

  // ---- the connection ----

  #dial() {
    const url = new URL(this.#options.url);
    const socket = new WebSocket(url, 'quire.1'); // the subprotocol; the path is /quire
    socket.binaryType = 'arraybuffer'; // else messages come as Blobs, whose bytes are not there yet
    this.#socket = socket;
    let up = false;
    socket.onopen = () => {
      up = true;
      // What the device signs: the Host header as the browser sends it.
      this.#feed({ kind: 'connected', bytes: new TextEncoder().encode(url.host) }).catch(() => {});
    };
    socket.onmessage = ({ data }) => {
      this.#feed({ kind: 'frame', bytes: new Uint8Array(data) }).catch(() => {});
    };
    socket.onclose = () => {
      this.#socket = null;
      if (!this.#online) return;
      if (up) this.#feed({ kind: 'disconnected' }).catch(() => {});
      this.#redial = setTimeout(() => this.#dial(), this.#retryMs * (1 + Math.random()));
      this.#retryMs = Math.min(2 * this.#retryMs, RETRY_LAST_MS);
    };
  }
}

/** Records in IndexedDB, with all of them in memory as well: a device's reader must answer at once. */
export class IndexedRecords {
  cache = new MemoryRecords();
  replica; // the replica record; session storage ends with the tab, as quire/device.h asks
  #database;
  #name;

  static async open(name) {
    // One tab at a time has the profile: two would write two batches at one position of a chain.
    await new Promise((resolve, reject) => {
      navigator.locks.request(`quire ${name}`, { ifAvailable: true }, (lock) => {
        if (lock === null) return reject(new Error('the journal is open in another tab'));
        resolve();
        return new Promise(() => {}); // until the page goes away
      });
    });
    const records = new IndexedRecords();
    records.#name = name;
    records.#database = await new Promise((resolve, reject) => {
      const request = indexedDB.open(name, 1);
      request.onupgradeneeded = () => request.result.createObjectStore('records');
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    await new Promise((resolve, reject) => {
      const walk = records.#database.transaction('records').objectStore('records').openCursor();
      walk.onsuccess = () => {
        const cursor = walk.result;
        if (cursor === null) return resolve();
        records.cache.write([{ key: new Uint8Array(cursor.key), value: cursor.value }]);
        return cursor.continue();
      };
      walk.onerror = () => reject(walk.error);
    });
    const replica = sessionStorage.getItem(`${name}.replica`);
    if (replica !== null) records.replica = Uint8Array.from(JSON.parse(replica));
    return records;
  }

  /** Fulfilled once all of the writes are on the disk; rejected: none is. */
  async persist(writes) {
    await new Promise((resolve, reject) => {
      const transaction = this.#database.transaction('records', 'readwrite', { durability: 'strict' });
      const store = transaction.objectStore('records');
      for (const { key, value } of writes) {
        if (value === null) store.delete(key);
        else store.put(value, key);
      }
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    this.cache.write(writes);
  }

  async keepReplica(bytes) { sessionStorage.setItem(`${this.#name}.replica`, JSON.stringify([...bytes])); }
}

/** Records that live as long as the page: for tests, and for a guest who leaves nothing behind. */
export class VolatileRecords {
  cache = new MemoryRecords();
  replica;
  async persist(writes) { this.cache.write(writes); }
  async keepReplica(bytes) { this.replica = bytes; }
}

export { Document };
