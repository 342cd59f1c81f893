// What the tests share: where things are, and the native half.
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

export const graphsBytes = readFileSync(needed('QUIRE_WASM_GRAPHS'));
export { generator, hex, runGraphs as graphs, unhex } from './player.mjs';

/** What the native program answers, as lines. */
export function native(args, input = '') {
  const ran = spawnSync(needed('QUIRE_NATIVE'), args, { input, encoding: 'latin1', maxBuffer: 1 << 30 });
  if (ran.error || ran.status !== 0) throw new Error(`native ${args.join(' ')}: ${ran.error ?? ran.stderr}`);
  return ran.stdout.split('\n').slice(0, -1);
}

/** What the native crdt-graphs prints. */
export function nativeGraphs(words) {
  const ran = spawnSync(needed('QUIRE_NATIVE_GRAPHS'), words, { encoding: 'utf8' });
  if (ran.error || ran.status !== 0) throw new Error(`crdt-graphs: ${ran.error ?? ran.stdout}`);
  return ran.stdout;
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
