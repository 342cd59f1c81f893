// One measurement of one system in a process of its own: the job as JSON in, the result as JSON out.
//   prepare   writes what the others read: each transaction's update, and all of it saved
//   typing    every transaction of a trace typed                          ms
//   saving    all of it saved, a letter later                             ms, bytes
//   whole     what was saved merged into a new document, and its text     ms
//   ready     the same, and a letter typed into it instead of its text    ms
//   updates   the updates one by one, and the text                        ms
//   many      1,000 small documents from what was saved, each one's text  ms, bytes of memory
//   memory    what was saved merged into a new document, a letter typed   bytes of memory
//   history   the changes of a trace, so many transactions in each        bytes
//   probes    where concurrent typing ends up, and ill-formed offsets
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { probes } from './probes.mjs';
import { SYSTEMS } from './systems.mjs';
import { beginning, readTrace, repeated, toUtf16 } from './traces.mjs';

const job = JSON.parse(process.argv[2]);
const made = await SYSTEMS[job.system].load();
const stem = job.trace && path.join(job.cache, `${job.system}.${path.basename(job.trace).split('.')[0]}`);
const LETTER = [[0, 0, 'x']];
const hash = (text) => createHash('sha256').update(text).digest('hex');

function trace() {
  let read = readTrace(job.trace);
  if (job.size) read = beginning(read, job.size);
  if (job.large) read = repeated(read, job.large);
  return made.unit === 'utf16' ? toUtf16(read) : read;
}

function pack(list) {
  const sizes = Uint32Array.from([list.length, ...list.map((bytes) => bytes.length)]);
  return Buffer.concat([Buffer.from(sizes.buffer), ...list]);
}
function unpack(file) {
  const bytes = readFileSync(file), count = bytes.readUInt32LE(0), list = [];
  for (let i = 0, at = 4 * (count + 1); i < count; i++) {
    const size = bytes.readUInt32LE(4 * (i + 1));
    list.push(Uint8Array.prototype.slice.call(bytes, at, at + size));
    at += size;
  }
  return list;
}

/** Each replica's document merges just what a transaction's parents had seen; then it is typed, and taken. */
function updatesOf({ txns }) {
  const replicas = new Map(), updates = new Array(txns.length);
  for (const [index, { agent, parents, patches }] of txns.entries()) {
    if (!replicas.has(agent)) replicas.set(agent, { replica: made.replica(agent, true), has: new Uint8Array(txns.length) });
    const { replica, has } = replicas.get(agent);
    const missing = [], look = [...parents];
    while (look.length > 0) {
      const parent = look.pop();
      if (has[parent]) continue;
      has[parent] = 1;
      missing.push(parent);
      look.push(...txns[parent].parents);
    }
    for (const other of missing.sort((a, b) => a - b)) if (updates[other]) replica.merge(updates[other]);
    replica.edit(patches);
    const update = patches.length > 0 ? replica.take() : null;
    updates[index] = update && Uint8Array.from(update);
    has[index] = 1;
  }
  return updates.filter((update) => update !== null && update.length > 0);
}

/** The patches of so many transactions at a time. */
function* inGroups({ txns }, size) {
  for (let at = 0; at < txns.length; at += size) yield txns.slice(at, at + size).flatMap(({ patches }) => patches);
}

/** A line of /proc/self/status, in bytes; null: this system has none. */
function status(name) {
  if (!existsSync('/proc/self/status')) return null;
  return Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
}

const open = (bytes) => {
  if (made.open) return made.open(bytes);
  const replica = made.replica(900);
  replica.merge(bytes);
  return replica;
};

function prepare() {
  mkdirSync(job.cache, { recursive: true });
  const read = trace();
  let all;
  let updates = [];
  if (read.concurrent || job.updates) updates = updatesOf(read);
  if (read.concurrent) {
    all = made.replica(901);
    for (const update of updates) all.merge(update);
  } else {
    all = made.replica(0);
    for (const patches of inGroups(read, job.large ? 1000 : 1)) all.edit(patches);
  }
  const saved = Uint8Array.from(all.save()), text = all.text();
  writeFileSync(`${stem}.updates`, pack(updates));
  writeFileSync(`${stem}.saved`, saved);
  writeFileSync(`${stem}.sum`, hash(text));
  return {
    patches: read.patches, updates: updates.length, update_bytes: updates.reduce((sum, { length }) => sum + length, 0),
    saved_bytes: saved.length, saved_deflated_bytes: deflateRawSync(saved).length, text_bytes: Buffer.byteLength(text),
    as_recorded: text === read.end,
  };
}

/** ms: of CPU time, all threads of the process (node compiles and collects garbage in some of them). */
function timed(run) {
  globalThis.gc?.();
  const start = process.hrtime.bigint(), before = process.cpuUsage();
  const result = run();
  const { user, system } = process.cpuUsage(before);
  return { ms: (user + system) / 1e3, wall_ms: Number(process.hrtime.bigint() - start) / 1e6, result };
}
function checked({ result, ...times }) {
  if (hash(result.text()) !== readFileSync(`${stem}.sum`, 'utf8')) throw new Error('another text than when it was prepared');
  return times;
}

const MEASURES = {
  prepare,
  probes: () => ({ probes: probes(made) }),
  module: () => ({ module_bytes: made.module ?? null }),
  typing() {
    const { txns } = trace(), replica = made.replica(0);
    return checked(timed(() => { for (const { patches } of txns) replica.edit(patches); return replica; }));
  },
  saving() {
    const replica = open(Uint8Array.from(readFileSync(`${stem}.saved`)));
    replica.edit(LETTER); // who saves has written something
    const { result, ...times } = timed(() => replica.save());
    return { ...times, bytes: result.length };
  },
  whole() {
    const bytes = Uint8Array.from(readFileSync(`${stem}.saved`));
    return checked(timed(() => { const replica = open(bytes); replica.text(); return replica; }));
  },
  ready() {
    const bytes = Uint8Array.from(readFileSync(`${stem}.saved`));
    const run = timed(() => { const replica = open(bytes); replica.edit(LETTER); return replica; });
    run.result.edit([[0, 1, '']]);
    return checked(run);
  },
  updates() {
    const updates = unpack(`${stem}.updates`), replica = made.replica(900);
    return checked(timed(() => { for (const update of updates) replica.merge(update); replica.text(); return replica; }));
  },
  many() {
    const bytes = Uint8Array.from(readFileSync(`${stem}.saved`)), kept = [];
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    const run = timed(() => {
      for (let i = 0; i < 1000; i++) {
        kept.push(made.show ? made.show(bytes) : open(bytes));
        kept[i].text();
      }
      return kept[999];
    });
    globalThis.gc?.();
    return { ...checked(run), memory_bytes: Math.round((process.memoryUsage().rss - before) / 1000) };
  },
  memory() {
    const bytes = Uint8Array.from(readFileSync(`${stem}.saved`));
    if (status('VmRSS') === null) throw new Error('no /proc/self/status here');
    const first = made.replica(1); // what code takes, once it has run, is not the entry's
    first.edit([[0, 0, 'first']]);
    open(Uint8Array.from(first.save())).text();
    if (made.show) made.show(Uint8Array.from(first.save())).text();
    globalThis.gc?.();
    writeFileSync('/proc/self/clear_refs', '5'); // the peak is counted from here
    const before = status('VmRSS');
    const replica = job.opened ? made.show(bytes) : open(bytes);
    const text_bytes = Buffer.byteLength(replica.text());
    globalThis.gc?.();
    const steady_bytes = status('VmRSS') - before, peak_bytes = status('VmHWM') - before;
    if (hash(replica.text()) !== readFileSync(`${stem}.sum`, 'utf8')) throw new Error('another text than when it was prepared');
    replica.edit(LETTER);
    globalThis.gc?.();
    const edited_bytes = status('VmRSS') - before, edited_peak_bytes = status('VmHWM') - before;
    return { text_bytes, peak_bytes, steady_bytes, edited_bytes, edited_peak_bytes };
  },
  history() {
    const read = trace();
    const sizeOf = (bytes) => ({ bytes: bytes.length, deflated: deflateRawSync(bytes).length });
    const groups = job.groups.map((group) => {
      const replica = made.replica(0, true), changes = [];
      for (const patches of inGroups(read, group ?? read.txns.length)) {
        replica.edit(patches);
        const change = replica.take();
        if (change !== null) changes.push(Uint8Array.from(change));
      }
      replica.free?.();
      return { count: changes.length, ...sizeOf(Buffer.concat(changes)) };
    });
    let whole = null;
    if (made.history) {
      const replica = made.replica(0, false, made.history === 'kept');
      for (const { patches } of read.txns) replica.edit(patches);
      whole = sizeOf(replica.save());
    }
    return { groups, whole };
  },
};

try {
  if (job.measure !== 'prepare' && job.trace && !existsSync(`${stem}.saved`)) throw new Error('not prepared');
  console.log(JSON.stringify({ ok: true, ...MEASURES[job.measure]() }));
} catch (error) {
  console.log(JSON.stringify({ ok: false, error: String(error?.message ?? error).slice(0, 200) }));
}
process.exit(0);
