// Each system under one interface. A replica has: edit(patches) as one transaction, text(), take() (what
// others need of that; null: nothing), merge(bytes), save() (all of it). replica(agent, tracked): whether take() will
// be called, for those who keep no list of what was done here. `unit` says what positions count. `history`: save()
// holds the letters of deleted text too; 'kept': that of replica(agent, tracked, true) does. Peers are looked up in the
// folder that npm filled (QUIRE_PEERS).
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const peers = process.env.QUIRE_PEERS ?? '.';
const require = createRequire(path.join(path.resolve(peers), 'package.json'));
const size = (...files) => files.reduce((sum, file) => sum + statSync(path.join(peers, 'node_modules', file)).size, 0);
export const versionOf = (name) => JSON.parse(readFileSync(path.join(peers, 'node_modules', name, 'package.json'))).version;

function replicaOf(agent) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setUint32(0, agent + 1);
  return bytes;
}

async function quire() {
  const folder = process.env.QUIRE_WASM;
  const { load, Document } = await import(pathToFileURL(path.join(folder, 'quire.mjs')));
  const module = path.join(folder, 'documents.wasm'); // what the others have: no device, no keys
  const core = await load(readFileSync(module));
  const wrap = (document) => ({
    edit(patches) {
      for (const [at, erased, text] of patches) {
        if (erased > 0) document.erase(at, erased, 'points');
        if (text !== '') document.insert(at, text, 'points');
      }
    },
    text: () => document.text(),
    take: () => (document.pendingSize > 0 ? document.takeDelta(4 << 20) : null),
    merge: (bytes) => document.merge(bytes),
    save: () => document.encode(),
    free: () => document.destroy(),
  });
  return {
    unit: 'points', module: statSync(module).size,
    replica: (agent) => wrap(Document.create(core, { replica: replicaOf(agent) })),
    show: (bytes) => wrap(Document.open(core, bytes)), // what opening an entry to read it takes
  };
}

async function yjs() {
  const Y = await import(pathToFileURL(require.resolve('yjs')).href.replace(/\.cjs$/, '.mjs'));
  return {
    unit: 'utf16', history: 'kept',
    replica(agent, tracked = false, keep = false) {
      const doc = new Y.Doc({ gc: !keep }), text = doc.getText('entry');
      doc.clientID = agent + 1;
      let latest = null;
      if (tracked) doc.on('update', (update, origin) => { if (origin === 'here') latest = update; });
      return {
        edit: (patches) => doc.transact(() => patches.forEach(([at, erased, typed]) => {
          if (erased > 0) text.delete(at, erased);
          if (typed !== '') text.insert(at, typed);
        }), 'here'),
        text: () => text.toString(),
        take() { const update = latest; latest = null; return update; },
        merge: (bytes) => Y.applyUpdate(doc, bytes),
        save: () => Y.encodeStateAsUpdate(doc),
      };
    },
  };
}

async function ywasm() {
  const Y = require('ywasm');
  return {
    unit: 'utf16', module: size('ywasm/ywasm_bg.wasm'), history: 'kept',
    replica(agent, tracked = false, keep = false) {
      const doc = new Y.YDoc({ clientID: agent + 1, offsetKind: 'utf16', gc: !keep }), text = doc.getText('entry');
      let latest = null, here = false;
      if (tracked) doc.onUpdate((update) => { if (here) latest = update; });
      return {
        edit(patches) {
          const transaction = doc.beginTransaction('here');
          here = true;
          try {
            for (const [at, erased, typed] of patches) {
              if (erased > 0) text.delete(at, erased, transaction);
              if (typed !== '') text.insert(at, typed, undefined, transaction);
            }
          } finally {
            transaction.commit();
            transaction.free();
            here = false;
          }
        },
        text: () => text.toString(undefined),
        take() { const update = latest; latest = null; return update; },
        merge: (bytes) => Y.applyUpdate(doc, bytes, 'there'),
        save: () => Y.encodeStateAsUpdate(doc),
        free: () => doc.free(),
      };
    },
  };
}

async function loro() {
  const { LoroDoc } = require('loro-crdt');
  return {
    unit: 'utf16', module: size('loro-crdt/nodejs/loro_wasm_bg.wasm'), history: 'saved',
    replica(agent, tracked = false) {
      const doc = new LoroDoc();
      doc.setPeerId(String(agent + 1));
      const text = doc.getText('entry');
      let latest = null;
      if (tracked) doc.subscribeLocalUpdates((update) => { latest = update; });
      return {
        edit(patches) {
          for (const [at, erased, typed] of patches) {
            if (erased > 0) text.delete(at, erased);
            if (typed !== '') text.insert(at, typed);
          }
          doc.commit();
        },
        text: () => text.toString(),
        take() { const update = latest; latest = null; return update; },
        merge: (bytes) => doc.import(bytes),
        save: () => doc.export({ mode: 'snapshot' }),
        free: () => doc.free(),
      };
    },
  };
}

async function automerge() {
  const A = require('@automerge/automerge');
  const actor = (agent) => (agent + 16).toString(16).padStart(16, '0');
  const blank = A.save(A.change(A.init({ actor: actor(0) }), { time: 0 }, (doc) => { doc.entry = ''; }));
  return {
    unit: 'utf16', history: 'saved',
    replica(agent) {
      let doc = A.load(blank, { actor: actor(agent + 1) });
      let changed = false;
      return {
        edit(patches) {
          doc = A.change(doc, { time: 0 }, (draft) => {
            for (const [at, erased, typed] of patches) A.splice(draft, ['entry'], at, erased, typed);
          });
          changed = true;
        },
        text: () => doc.entry,
        take() { const change = changed ? A.getLastLocalChange(doc) : null; changed = false; return change ?? null; },
        merge(bytes) { doc = A.loadIncremental(doc, bytes); },
        save: () => A.save(doc),
        free: () => A.free(doc),
      };
    },
  };
}

async function jsonJoy() {
  const { Model } = require('json-joy/lib/json-crdt');
  const { Patch } = require('json-joy/lib/json-crdt-patch');
  const first = Model.create(undefined, 70000);
  first.api.root('');
  first.api.flush();
  const blank = first.toBinary();
  return {
    unit: 'utf16',
    replica(agent, tracked = false, from = blank) {
      const model = Model.load(from, 70001 + agent);
      let entry = model.api.str([]), latest = null;
      return {
        edit(patches) {
          for (const [at, erased, typed] of patches) {
            if (erased > 0) entry.del(at, erased);
            if (typed !== '') entry.ins(at, typed);
          }
          latest = model.api.flush();
        },
        text: () => entry.view(),
        take() { const patch = latest; latest = null; return patch?.toBinary() ?? null; },
        merge: (bytes) => model.applyPatch(Patch.fromBinary(bytes)),
        save: () => model.toBinary(),
      };
    },
    // It merges patches alone; all of a document is loaded.
    open(bytes) { return this.replica(900, false, bytes); },
  };
}

async function diamondTypes() {
  const { Doc } = require('diamond-types-node');
  return {
    unit: 'points', module: size('diamond-types-node/dt_bg.wasm'), history: 'saved',
    replica(agent, tracked = false) {
      const doc = new Doc(`agent${agent}`);
      let since = null;
      return {
        edit(patches) {
          if (tracked) since = doc.getLocalVersion();
          for (const [at, erased, typed] of patches) {
            if (erased > 0) doc.del(at, erased);
            if (typed !== '') doc.ins(at, typed);
          }
        },
        text: () => doc.get(),
        take: () => doc.getPatchSince(since),
        merge: (bytes) => doc.mergeBytes(bytes),
        save: () => doc.toBytes(),
        free: () => doc.free(),
      };
    },
  };
}

/** name → {package, load()}; the first is ours. */
export const SYSTEMS = {
  'quire-wasm': { load: quire },
  yjs: { package: 'yjs', load: yjs },
  ywasm: { package: 'ywasm', load: ywasm },
  loro: { package: 'loro-crdt', load: loro },
  automerge: { package: '@automerge/automerge', load: automerge },
  'json-joy': { package: 'json-joy', load: jsonJoy },
  'dt-wasm': { package: 'diamond-types-node', load: diamondTypes },
};
