// Recorded traces (josephg/editing-traces; tools/typist makes the like): read, and put into a system's unit.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

export function readTrace(file) {
  const bytes = readFileSync(file);
  const trace = JSON.parse(file.endsWith('.gz') ? gunzipSync(bytes) : bytes);
  const concurrent = trace.kind === 'concurrent';
  const txns = trace.txns.map(({ agent = 0, parents, patches }, i) =>
    ({ agent, patches, parents: concurrent ? parents : i > 0 ? [i - 1] : [] }));
  if (trace.startContent) txns.unshift({ agent: 0, parents: [], patches: [[0, 0, trace.startContent]] });
  return { concurrent, txns, end: trace.endContent, patches: txns.reduce((sum, { patches }) => sum + patches.length, 0) };
}

const points = (text) => [...text].length;

/** The transactions that lead to about so many bytes of text, of a trace of one replica. */
export function beginning({ txns }, size) {
  const text = [], taken = [];
  for (const txn of txns) {
    for (const [at, erased, typed] of txn.patches) text.splice(at, erased, ...typed);
    taken.push(txn);
    if (text.length >= size) break;
  }
  return { concurrent: false, txns: taken, end: text.join(''), patches: taken.length };
}

/** The trace of one replica typed again and again, each time behind what is there, while it is at most so many bytes. */
export function repeated({ txns, end }, size) {
  const length = points(end), times = Math.max(1, Math.floor(size / Buffer.byteLength(end))), all = [];
  for (let time = 0; time < times; time++) {
    for (const { agent, patches } of txns) {
      const parents = all.length > 0 ? [all.length - 1] : [];
      all.push({ agent, parents, patches: patches.map(([at, erased, typed]) => [at + time * length, erased, typed]) });
    }
  }
  return { concurrent: false, txns: all, end: end.repeat(times), patches: all.reduce((sum, { patches }) => sum + patches.length, 0) };
}

/** Of a trace of one replica: how many letters were typed, and how many of them are erased within the same group of
 * so many transactions, for each size of groups. */
export function erasedWithin({ txns }, sizes) {
  const typedAt = [], erased = sizes.map(() => 0);
  let letters = 0;
  for (const [index, { patches }] of txns.entries()) {
    for (const [at, count, typed] of patches) {
      const fresh = new Array(points(typed)).fill(index);
      letters += fresh.length;
      for (const born of typedAt.splice(at, count, ...fresh)) {
        sizes.forEach((size, i) => { if (Math.floor(born / size) === Math.floor(index / size)) erased[i]++; });
      }
    }
  }
  return { letters, erased };
}

/**
 * Positions in code points, which traces count, become UTF-16 units in place. Only for a trace of one replica, or
 * without characters above U+FFFF: else it would take a document to know.
 */
export function toUtf16(trace) {
  const wide = (text) => points(text) !== text.length;
  if (!trace.txns.some(({ patches }) => patches.some(([, , typed]) => wide(typed)))) return trace;
  if (trace.concurrent) throw new Error('characters above U+FFFF in a concurrent trace, for a system that counts UTF-16');
  let astral = []; // the places, in code points, of characters that take two units
  const txns = trace.txns.map((txn) => ({ ...txn, patches: txn.patches.map(([at, erased, typed]) => {
    const before = astral.filter((place) => place < at), gone = astral.filter((place) => place >= at && place < at + erased);
    const shift = points(typed) - erased;
    const fresh = [...typed].flatMap((letter, i) => (letter.length === 2 ? [at + i] : []));
    astral = [...before, ...fresh, ...astral.filter((place) => place >= at + erased).map((place) => place + shift)];
    return [at + before.length, erased + gone.length, typed];
  }) }));
  return { ...trace, txns };
}
