// Four devices that synced natively through the real hub, played again in the module: given the same
// events, entropy and clocks, every action comes out the same, byte for byte.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, native, quire, statusOf, unhex } from './helpers.mjs';

const { ACTIONS, Device, EVENTS, MemoryRecords, load } = quire;
const profileKey = new Uint8Array(32).fill(7);
const text = (word) => new TextDecoder().decode(unhex(word));

/** Collects what the rows of the recording hold, out of the module's objects. */
class Rows {
  parts = [];
  u8(value) { this.parts.push(Buffer.from([value])); return this; }
  u32(value) { const bytes = Buffer.alloc(4); bytes.writeUInt32BE(value); this.parts.push(bytes); return this; }
  u64(value) { const bytes = Buffer.alloc(8); bytes.writeBigInt64BE(BigInt(value)); this.parts.push(bytes); return this; }
  fixed(bytes) { this.parts.push(Buffer.from(bytes)); return this; }
  bytes(value) { const bytes = Buffer.from(value); return this.u32(bytes.length).fixed(bytes); }
  get hex() { return hex(Buffer.concat(this.parts)); }
}

const flags = (...bits) => bits.reduce((sum, bit, i) => sum | (bit ? 1 << i : 0), 0);

const views = {
  entries(device) {
    const rows = new Rows();
    for (const e of device.entries()) {
      rows.fixed(e.entry).u8(flags(e.date !== null, e.mood !== null, e.deleted, e.unsealed)).u64(e.date ?? 0)
        .u64(e.mood ?? 0).u64(e.changedWallMs).u64(e.textLength).bytes(e.title).bytes(e.snippet);
    }
    return rows.hex;
  },
  devices(device) {
    const rows = new Rows();
    for (const d of device.devices()) {
      rows.fixed(d.device).u8(flags(d.self, d.active)).u64(d.batches).u64(d.lastHeardMs).bytes(d.name);
    }
    return rows.hex;
  },
  rejections(device) {
    const rows = new Rows();
    for (const r of device.rejections()) rows.fixed(r.replica).u64(r.seq).u32(r.code).bytes(r.name);
    return rows.hex;
  },
  state(device) {
    const s = device.state(), rows = new Rows();
    rows.fixed(s.user).fixed(s.device).u8(flags(s.joined, s.revoked, s.connected, s.caughtUp)).u32(s.epoch)
      .u32(s.rosterCount).u32(s.lostOpCount).u64(s.batchCount).u64(s.chainCount).u64(s.unsealedCount).u64(s.unacknowledgedCount)
      .u64(s.notOnServerCount).u64(s.unreadCount).u64(s.caughtUpMs).u32(s.presence).bytes(s.words);
    for (const count of Object.values(s.alarms)) rows.u64(count);
    return rows.hex;
  },
};

function actionRows(actions) {
  const rows = new Rows(), none = new Uint8Array(16);
  for (const a of actions) {
    rows.u8(ACTIONS.indexOf(a.kind)).u8(a.kind === 'notice' ? quire.NOTICES.indexOf(a.notice) : 0).u32(a.code ?? 0)
      .u32(a.retryMs ?? 0).u64(a.token ?? 0n).fixed(a.entry ?? none).fixed(a.device ?? none)
      .bytes(a.bytes ?? a.text ?? '').u32(a.writes?.length ?? 0);
    for (const { key, value } of a.writes ?? []) rows.u8(value === null ? 1 : 0).bytes(key).bytes(value ?? '');
  }
  return rows.hex;
}

class Player {
  people = [0, 1, 2, 3].map(() => ({ device: null, records: new MemoryRecords() }));
  counts = {};
  constructor(core) { this.core = core; }

  options(person, entropy, wall, more) {
    const given = { now: 0n, wall: BigInt(wall), entropy: unhex(entropy) };
    Object.assign(person, { given });
    return {
      reader: person.records, profileKey, now: () => given.now, wall: () => given.wall,
      entropy: () => given.entropy, ...more,
    };
  }

  persist(person, actions) {
    for (const action of actions) if (action.kind === 'persist') person.records.write(action.writes);
  }

  /** Answers one recorded call with what was recorded behind its "=". */
  play(call, index, args) {
    const person = this.people[index], { core } = this;
    this.counts[call] = (this.counts[call] ?? 0) + 1;
    switch (call) {
      case 'init': {
        const [entropy, wall, record, name] = args;
        const made = Device.init(core, this.options(person, entropy, wall, { name: text(name), replicaRecord: unhex(record) }));
        person.device = made.device;
        this.persist(person, made.actions);
        return [0, hex(Buffer.from(made.kit)), actionRows(made.actions)];
      }
      case 'open': {
        const [entropy, wall, record] = args;
        person.device = Device.open(core, this.options(person, entropy, wall, { replicaRecord: unhex(record) }));
        return [0];
      }
      case 'join':
      case 'recover': {
        const [entropy, wall, name, secret] = args;
        person.device = Device[call](core, this.options(person, entropy, wall,
          { name: text(name), [call === 'join' ? 'code' : 'kit']: text(secret) }));
        return [0];
      }
      case 'rejoin': {
        const [entropy, wall, code] = args;
        Object.assign(person.given, { wall: BigInt(wall), entropy: unhex(entropy) });
        return [statusOf(() => person.device.rejoin(text(code)))];
      }
      case 'destroy':
        person.device.destroy();
        return [];
      case 'step': {
        const [kind, now, wall, entropy, bytes, token, id] = args;
        Object.assign(person.given, { now: BigInt(now), wall: BigInt(wall), entropy: unhex(entropy) });
        const actions = person.device.step({
          kind: EVENTS[kind], bytes: unhex(bytes), token: BigInt(token), entry: unhex(id), device: unhex(id),
        });
        this.persist(person, actions);
        return [0, actionRows(actions), person.device.wakeMs ?? 2n ** 64n - 1n];
      }
      case 'rows':
        return [0, views[args[0]](person.device)];
      case 'look': {
        let document;
        const status = statusOf(() => { document = person.device.document(unhex(args[0])); });
        return status !== 0 ? [status] : [0, hex(document.canonical()), hex(document.digest())];
      }
      default: {
        const [entry, wall, ...rest] = args;
        person.given.wall = BigInt(wall);
        const document = person.device.document(unhex(entry), { create: true });
        return [statusOf(() => ({
          insert: () => document.insert(Number(rest[0]), text(rest[1]), 'points'),
          erase: () => document.erase(Number(rest[0]), Number(rest[1]), 'points'),
          title: () => document.setRegister('title', text(rest[0])),
          tag: () => document.addElement('tags', text(rest[0])),
        }[call]()))];
      }
    }
  }
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`four devices of seed ${seed} do the same as natively`, async () => {
    const player = new Player(await load());
    for (const [number, line] of native(['session', String(seed)]).entries()) {
      const [left, right] = line.split(' =');
      const [call, person, ...args] = left.split(' ');
      const got = player.play(call, Number(person), args).join(' ');
      assert.equal(got, right.trim(), `seed ${seed}, line ${number}: ${line.slice(0, 200)}`);
    }
    assert.equal(player.counts.rejoin, 3, 'one was forgotten by the server and enrolled again');
    assert.ok(player.counts.step > 100 && player.counts.insert > 20, 'much happened');
    const states = player.people.map(({ device }) => device.state());
    assert.equal(player.people[0].device.devices().filter(({ active }) => active).length, 3, 'one of four is revoked');
    assert.ok(states.every((state) => state.batchCount > 5), 'batches went from device to device');
    assert.ok(states[2].words === states[0].words && states[3].words === states[0].words, 'those that are left hold the same');
  });
}
