// What the tests share: where things are, hex, a seeded generator, and the native half.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

function needed(name) {
  if (!process.env[name]) throw new Error(`${name} is not set; run tools/wasm --test`);
  return process.env[name];
}

const folder = needed('QUIRE_WASM');
export const quire = await import(pathToFileURL(path.join(folder, 'quire.mjs')));
export const wasmBytes = readFileSync(path.join(folder, 'quire.wasm'));
export const tracesFolder = process.env.QUIRE_TRACES || null;

export const hex = (bytes) => (bytes.length === 0 ? '-' : Buffer.from(bytes).toString('hex'));
export const unhex = (text) => (text === '-' ? new Uint8Array(0) : Uint8Array.from(Buffer.from(text, 'hex')));

/** What the native program answers, as lines. */
export function native(args, input = '') {
  const ran = spawnSync(needed('QUIRE_NATIVE'), args, { input, encoding: 'latin1', maxBuffer: 1 << 30 });
  if (ran.error || ran.status !== 0) throw new Error(`native ${args.join(' ')}: ${ran.error ?? ran.stderr}`);
  return ran.stdout.split('\n').slice(0, -1);
}

/** A generator of numbers from 0 to below `limit` (mulberry32). */
export function generator(seed) {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** The status of a call: 0, or that of the error that it throws. */
export function statusOf(run) {
  try {
    run();
    return 0;
  } catch (error) {
    if (!(error instanceof quire.QuireError)) throw error;
    return error.status;
  }
}
