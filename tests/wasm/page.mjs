// What chromium.test.mjs does in a browser: the same as in node, and the module's way in by fetch.
import * as quire from './quire.mjs';
import { checkHistories, checkVectors, player, runGraphs, script, wanted } from './player.mjs';

async function run(jobs) {
  const core = await quire.load(); // from beside quire.mjs, streamed
  const results = { memory: core.memorySize };
  results.vectors = checkVectors(quire, core, jobs.vectors);
  results.edits = jobs.edits.map(({ seed, count, answers }) => {
    const play = player(quire, core);
    return script(seed, count).findIndex((line, i) => {
      const want = wanted(line, answers[i]);
      return want !== null && play(line) !== want;
    });
  });
  results.histories = jobs.histories === null ? null : checkHistories(quire, core, jobs.histories);
  const bytes = await (await fetch('./crdt-graphs.wasm')).arrayBuffer();
  results.graphs = await runGraphs(bytes, jobs.graphs);

  // Randomness is the browser's: two documents without a given replica are of two replicas.
  const pair = [quire.Document.create(core), quire.Document.create(core)];
  for (const document of pair) document.insert(0, 'x');
  pair[0].merge(pair[1].encode());
  results.replicas = pair[0].text();

  // A text of 1 MiB makes the memory grow; one byte more is refused and changes nothing.
  const before = core.memorySize;
  pair[1].insert(1, 'y'.repeat((1 << 20) - 1));
  results.grown = core.memorySize > before;
  try {
    pair[1].insert(0, 'z');
  } catch (error) {
    results.refused = error instanceof quire.QuireError && error.code === 'ELIMIT' && pair[1].length() === 1 << 20;
  }
  return results;
}

const answer = (what) => fetch('./results', { method: 'POST', body: JSON.stringify(what) });
try {
  await answer(await run(await (await fetch('./jobs')).json()));
} catch (error) {
  await answer({ error: String(error?.stack ?? error) });
}
