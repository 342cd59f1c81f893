// What tools/bench-crdt makes of a trace before it is measured.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { erasedWithin, repeated, toUtf16 } from '../../tools/bench-crdt.d/traces.mjs';

const letters = (text) => [...text];

function typed({ txns }) {
  const text = [];
  for (const { patches } of txns) for (const [at, erased, put] of patches) text.splice(at, erased, ...letters(put));
  return text.join('');
}

function traceOf(seed, count) {
  let state = seed;
  const dice = (below) => { state = (Math.imul(state, 1103515245) + 12345) >>> 0; return (state >>> 8) % below; };
  const text = [], txns = [];
  for (let i = 0; i < count; i++) {
    const at = dice(text.length + 1), erased = dice(3) === 0 ? Math.min(dice(5), text.length - at) : 0;
    const put = ['a', 'xyz', '\u{1f600}', 'é→'][dice(4)];
    text.splice(at, erased, ...letters(put));
    txns.push({ agent: 0, parents: i > 0 ? [i - 1] : [], patches: [[at, erased, put]] });
  }
  return { concurrent: false, txns, end: text.join(''), patches: count };
}

test('a trace typed again and again is its text again and again', () => {
  const trace = traceOf(3, 60), size = Buffer.byteLength(trace.end), large = repeated(trace, 6 * size - 1);
  assert.equal(large.end, trace.end.repeat(5));
  assert.equal(typed(large), large.end);
  assert.equal(repeated(trace, size - 1).end, trace.end, 'once at least');
  const wide = toUtf16(large), text = [];
  for (const { patches } of wide.txns) for (const [at, erased, put] of patches) text.splice(at, erased, ...put.split(''));
  assert.equal(text.join(''), large.end);
});

test('letters erased within a group of transactions are counted', () => {
  const trace = traceOf(8, 300), sizes = [1, 7, 100, Infinity];
  const { letters: all, erased } = erasedWithin(trace, sizes);
  for (const [i, size] of sizes.entries()) { // slowly: what a group typed, less what of it is there at its end
    let count = 0, next = 0;
    const text = [];
    trace.txns.forEach(({ patches: [[at, gone, put]] }, index) => {
      const fresh = letters(put).map(() => ({ group: Math.floor(index / size), id: next++ }));
      for (const letter of text.splice(at, gone, ...fresh)) if (letter.group === Math.floor(index / size)) count++;
    });
    assert.equal(erased[i], count, `groups of ${size}`);
    assert.equal(all, next);
  }
  assert.equal(erased.at(-1), all - letters(trace.end).length);
  assert.equal(erased[0], 0);
});
