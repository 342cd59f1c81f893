// Records that a device reads, kept in memory; quire.mjs hands it on.

function compare(a, b) {
  const size = Math.min(a.length, b.length);
  for (let i = 0; i < size; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

/** A reader whose records are in memory: for tests, and as a cache before a slower store. */
export class MemoryRecords {
  #records = new Map(); // by the key's bytes as a string of as many characters

  static #name(key) { return String.fromCharCode(...key); } // keys have at most 64 bytes

  get(key) { return this.#records.get(MemoryRecords.#name(key))?.value; }

  /** [key, value] of each record whose key starts with prefix, in byte order. */
  scan(prefix) {
    const start = MemoryRecords.#name(prefix), found = [];
    for (const [name, record] of this.#records) if (name.startsWith(start)) found.push([record.key, record.value]);
    return found.sort((a, b) => compare(a[0], b[0]));
  }

  /** Carries out the writes of a persist action. */
  write(writes) {
    for (const { key, value } of writes) {
      if (value === null) this.#records.delete(MemoryRecords.#name(key));
      else this.#records.set(MemoryRecords.#name(key), { key, value });
    }
  }

  get size() { return this.#records.size; }
}
