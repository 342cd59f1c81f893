// Where concurrent typing ends up, and what ill-formed offsets do. A probe passes or says what came out.

const letters = (text, at) => [...text].map((letter, i) => [at + i, 0, letter]);
const backwards = (text, at) => [...text].reverse().map((letter) => [at, 0, letter]);

/** Replicas who all start from `base` and do not hear of each other; the texts in two orders of arrival. */
function together(made, base, ...scripts) {
  const copy = (bytes) => Uint8Array.from(bytes);
  const common = [];
  if (base !== '') {
    const first = made.replica(0, true);
    first.edit([[0, 0, base]]);
    common.push(copy(first.take()));
  }
  const sent = scripts.map((script, i) => {
    const replica = made.replica(i + 1, true);
    for (const update of common) replica.merge(update);
    return script.map((patch) => {
      replica.edit([patch]);
      return copy(replica.take());
    });
  });
  const [one, two] = [sent, [...sent].reverse()].map((order, i) => {
    const reader = made.replica(50 + i);
    for (const update of [...common, ...order.flat()]) reader.merge(update);
    return reader.text();
  });
  if (one !== two) throw new Error(`two orders, two texts: ${one} and ${two}`);
  return one;
}

function whole(text, ...words) {
  const apart = words.filter((word) => !text.includes(word));
  if (apart.length > 0) throw new Error(`interleaved: ${text}`);
}

/** One writes b; another who has seen it writes a before it; a third writes x, which must not part a from b. */
function third(made) {
  for (const [replica, reader, stranger] of [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]]) {
    const type = (agent, letter, known) => {
      const replica = made.replica(agent, true);
      for (const update of known) replica.merge(update);
      replica.edit([[0, 0, letter]]);
      return Uint8Array.from(replica.take());
    };
    const b = type(replica, 'b', []), a = type(reader, 'a', [b]), x = type(stranger, 'x', []);
    for (const order of [[b, a, x], [x, b, a], [b, x, a]]) {
      const replica = made.replica(60);
      for (const update of order) replica.merge(update);
      whole(replica.text(), 'ab');
    }
  }
}

/** An edit inside of a character: it must be refused, or leave well-formed text; and change nothing if refused. */
function inside(made, base, patch) {
  if (made.unit !== 'utf16') return;
  const replica = made.replica(1, true);
  replica.edit([[0, 0, base]]);
  try {
    replica.edit([patch]);
  } catch {
    if (replica.text() !== base) throw new Error(`refused, but now it reads ${JSON.stringify(replica.text())}`);
    return;
  }
  const text = replica.text();
  if (/\p{Surrogate}/u.test(text) || text.includes('\ufffd')) throw new Error(`destroyed: ${JSON.stringify(text)}`);
}

const PROBES = {
  'two words at one place': (made) => whole(together(made, '[]', letters('aaaa', 1), letters('bbbb', 1)), 'aaaa', 'bbbb'),
  'two words typed backwards': (made) => whole(together(made, '[]', backwards('AAAA', 1), backwards('BBBB', 1)), 'AAAA', 'BBBB'),
  'backwards into nothing': (made) => whole(together(made, '', backwards('AAAA', 0), backwards('BBBB', 0)), 'AAAA', 'BBBB'),
  'a word put before another': (made) => whole(together(made, '[]', [...letters('two', 1), ...letters('one ', 1)],
    [...letters('Y', 1), ...letters('X ', 1)]), 'one two', 'X Y'),
  'a third between a and b': third,
  'erased by two': (made) => {
    const text = together(made, 'abcdef', [[1, 3, '']], [[2, 3, '']]);
    if (text !== 'af') throw new Error(text);
  },
  'typed into what another erased': (made) => {
    const text = together(made, 'abcdef', [[1, 4, '']], [[3, 0, 'XY']]);
    if (text !== 'aXYf') throw new Error(text);
  },
  'inserted inside of a character': (made) => inside(made, '😀', [1, 0, 'x']),
  'half of a character erased': (made) => inside(made, '😀z', [0, 1, '']),
  'half of a surrogate pair inserted': (made) => inside(made, 'ab', [1, 0, '\ud83d']),
};

export function probes(made) {
  return Object.fromEntries(Object.entries(PROBES).map(([name, probe]) => {
    try {
      probe(made);
      return [name, 'passes'];
    } catch (error) {
      return [name, String(error?.message ?? error).slice(0, 80)];
    }
  }));
}
