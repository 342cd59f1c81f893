// Runs all systems on all traces, one process for each measurement, round after round so that each round meets
// the same machine; prints the table and writes every single result as JSON. tools/bench-crdt calls it.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SYSTEMS, versionOf } from './systems.mjs';
import { erasedWithin, readTrace } from './traces.mjs';

const options = JSON.parse(process.argv[2]); // traces (files), peers, runs, timeout (s), out, native, python, typist
const here = import.meta.dirname, root = path.resolve(here, '../..');
const cache = path.join(process.env.QUIRE_PEERS, 'cache');
const ENTRY = 6300; // bytes of a journal entry
const LARGE = 1_020_000; // bytes of the largest: Quire takes 1 MiB of text from who types
const GROUPS = [100, 1000, null]; // transactions in a change; null: all of them
const systems = ['quire-native', ...Object.keys(SYSTEMS).filter((name) => !SYSTEMS[name].package || options.peers.includes(name))];
const results = { machine: { cpu: os.cpus()[0]?.model, cores: os.cpus().length, memory_bytes: os.totalmem(), node: process.version },
  versions: {}, options, prepared: {}, runs: [] };
for (const [name, { package: packed }] of Object.entries(SYSTEMS)) if (packed && systems.includes(name)) results.versions[name] = versionOf(packed);

const say = (text) => process.stderr.write(`${text}\n`);
const nameOf = (file) => path.basename(file).split('.')[0];
function last(ran, what) {
  if (ran.error?.code === 'ETIMEDOUT') return { ok: false, error: `more than ${options.timeout} s` };
  try {
    return JSON.parse(ran.stdout.trim().split('\n').at(-1));
  } catch {
    return { ok: false, error: `${what}: ${(ran.stderr || 'no answer').trim().split('\n').at(-1).slice(0, 160)}` };
  }
}

function work(job, timeout = options.timeout) {
  return last(spawnSync(process.execPath, ['--no-warnings', '--expose-gc', path.join(here, 'work.mjs'), JSON.stringify({ cache, ...job })],
    { encoding: 'utf8', timeout: timeout * 1000, maxBuffer: 1 << 28 }), job.system);
}

/** A trace as the native programs read it (tools/bench/history.h). */
function nativeLines(file) {
  const lines = path.join(cache, `${nameOf(file)}.lines`);
  if (!existsSync(lines)) {
    const ran = spawnSync(options.python, [path.join(root, 'tools/bench/lines.py'), file], { maxBuffer: 1 << 30 });
    if (ran.status !== 0) throw new Error(String(ran.stderr));
    writeFileSync(lines, ran.stdout);
  }
  return readFileSync(lines);
}

/** Where a system's files of a trace are: of the trace itself, of its beginning, or of it again and again. */
const folderOf = ({ size, large }) => path.join(cache, ...(size ? ['small'] : large ? ['large'] : []));

/** bench-memory reads the state that quire-wasm wrote, which is the same. */
function nativeMemory(job, mode) {
  return last(spawnSync(path.join(options.native, 'bench-memory'), [mode, path.join(folderOf(job), `quire-wasm.${nameOf(job.file)}.saved`)],
    { encoding: 'utf8', timeout: options.timeout * 1000 }), 'bench-memory');
}

const NATIVE = { typing: 'local', saving: 'encode', whole: 'load', ready: 'ready', updates: 'updates' };
function native(job) {
  const { file, measure } = job;
  if (measure === 'memory') {
    const merged = nativeMemory(job, 'merge'), opened = nativeMemory(job, 'open');
    if (merged.error || opened.error) return merged.error ? merged : opened;
    return { ok: true, ...merged, opened_peak_bytes: opened.peak_bytes, opened_steady_bytes: opened.steady_bytes };
  }
  const [program, args] = measure === 'many' ? ['bench-opening', ['--runs', '1', '--bytes', String(ENTRY)]]
    : ['bench-document', ['--runs', '1', '--only', NATIVE[measure]]];
  const ran = spawnSync(path.join(options.native, program), args,
    { input: nativeLines(file), encoding: 'utf8', timeout: options.timeout * 1000, maxBuffer: 1 << 28 });
  if (ran.error || ran.status !== 0) return last(ran, program);
  const rows = ran.stdout.trim().split('\n').map((line) => JSON.parse(line));
  const row = rows.find((one) => one.measure === (measure === 'many' ? 'open' : NATIVE[measure]));
  const sizes = rows.find((one) => one.state_bytes !== undefined);
  return { ok: true, ms: row.median_ms, bytes: sizes?.state_bytes, memory_bytes: row.memory_bytes, kept_bytes: row.kept_bytes };
}

// ---- preparing ------------------------------------------------------------------------------

/** What is measured of which trace, and whether the updates one by one are wanted of it. */
const plan = [];
for (const file of options.traces) {
  const { concurrent } = readTrace(file);
  const measures = concurrent ? ['whole', 'ready', 'updates', 'memory'] : ['typing', 'saving', 'whole', 'ready', 'memory'];
  for (const measure of measures) plan.push({ file, measure, updates: concurrent });
  if (!concurrent && file === options.entry) plan.push({ file, measure: 'many', size: ENTRY }, { file, measure: 'memory', large: LARGE });
}
const keyOf = (system, { file, size, large }) => `${system} ${nameOf(file)}${size ? ` of ${size} bytes` : large ? ` of ${Math.round(large / 1e6)} MB` : ''}`;
mkdirSync(cache, { recursive: true });
for (const job of plan) {
  for (const system of systems.filter((one) => one !== 'quire-native')) {
    const key = keyOf(system, job);
    if (results.prepared[key]) continue;
    say(`preparing ${key}`);
    results.prepared[key] = work({ system, ...job, measure: 'prepare', trace: job.file, cache: folderOf(job) }, 3 * options.timeout);
    if (!results.prepared[key].ok) say(`  ${results.prepared[key].error}`);
  }
}

// ---- measuring ------------------------------------------------------------------------------

const given = new Set(); // what took too long once is not tried again
for (let round = 0; round < options.runs; round++) {
  for (const job of plan) {
    const { file, measure } = job;
    const turn = round % 2 === 0 ? systems : [...systems].reverse();
    for (const system of turn) {
      const trace = keyOf('', job).trim(), key = `${system} ${trace} ${measure}`;
      const prepared = results.prepared[keyOf(system, job)];
      if (given.has(key)) continue;
      let result;
      if (system === 'quire-native') result = native(job);
      else if (!prepared.ok) result = { ok: false, error: prepared.error };
      else result = work({ system, ...job, trace: file, cache: folderOf(job) });
      if (system === 'quire-wasm' && measure === 'memory' && result.ok) { // it can be opened without being merged
        const opened = work({ system, ...job, opened: true, trace: file, cache: folderOf(job) });
        result = { ...result, opened_peak_bytes: opened.peak_bytes, opened_steady_bytes: opened.steady_bytes };
      }
      if (!result.ok) given.add(key);
      results.runs.push({ system, round, ...result, trace: measure === 'memory' ? trace : nameOf(file), measure });
      const figure = measure === 'memory' ? `${(result.peak_bytes / 1e6).toFixed(2)} MB at most` : `${result.ms?.toFixed(2)} ms`;
      say(`round ${round + 1}: ${key} ${result.ok ? figure : result.error}`);
    }
  }
  writeFileSync(options.out, JSON.stringify(results, null, 1));
}
results.history = {};
for (const file of new Set(plan.filter(({ measure }) => measure === 'typing').map(({ file }) => file))) {
  const sizes = GROUPS.map((group) => group ?? Infinity), { letters, erased } = erasedWithin(readTrace(file), sizes);
  const row = results.history[nameOf(file)] = { letters, letters_left: erased.map((count) => letters - count), systems: {} };
  for (const system of systems.filter((one) => one !== 'quire-native')) {
    say(`history: ${system} ${nameOf(file)}`);
    row.systems[system] = work({ system, measure: 'history', trace: file, groups: GROUPS }, 3 * options.timeout);
    writeFileSync(options.out, JSON.stringify(results, null, 1));
  }
}
results.probes = {};
results.modules = {};
for (const system of systems.filter((one) => one !== 'quire-native')) {
  results.probes[system] = work({ system, measure: 'probes' }).probes ?? null;
  results.modules[system] = work({ system, measure: 'module' }).module_bytes ?? null;
}
writeFileSync(options.out, JSON.stringify(results, null, 1));

// ---- the report --------------------------------------------------------------------------------

const of = (system, trace, measure) => results.runs.filter((run) => run.system === system && run.trace === trace && run.measure === measure);
function spread(runs) {
  const times = runs.filter(({ ok }) => ok).map(({ ms }) => ms).sort((a, b) => a - b);
  return times.length === 0 ? null : { median: times[times.length >> 1], min: times[0], max: times.at(-1) };
}
const short = (number) => (number >= 100 ? number.toFixed(0) : number >= 10 ? number.toFixed(1) : number.toFixed(2));
const out = [];
out.push(`# One entry's CRDT, beside others`, '', `Medians of ${options.runs} rounds, least and greatest in brackets; in each `
  + `round every system ran once, in a process of its own. Times are CPU time of the process, so that other programs `
  + `disturb them less; node's compiler and garbage collector are in them. × is the median over that of Quire, native. `
  + `Believe a row only if its spread is small.`, '');
out.push(`| measure | ${systems.join(' | ')} |`, `|---|${systems.map(() => '--:|').join('')}`);
const TITLES = { typing: 'typed, ns a patch', saving: 'saved, ms', whole: 'whole merged, and its text, ms', ready: 'whole merged, and a letter typed, ms', updates: 'updates one by one, ms', many: '1,000 entries to text, ms' };
for (const { file, measure } of plan.filter((one) => one.measure !== 'memory')) {
  const trace = nameOf(file), { patches } = readTrace(file), scale = measure === 'typing' ? 1e6 / patches : 1;
  const ours = spread(of('quire-native', trace, measure));
  const cells = systems.map((system) => {
    const runs = of(system, trace, measure), found = spread(runs);
    if (found === null) return runs[0]?.error?.startsWith('more than') ? `> ${options.timeout} s` : 'fails';
    const ratio = system === 'quire-native' || ours === null ? '' : ` ×${short(found.median / ours.median)}`;
    return `${short(found.median * scale)} (${short(found.min * scale)}–${short(found.max * scale)})${ratio}`;
  });
  out.push(`| ${trace}: ${TITLES[measure]} | ${cells.join(' | ')} |`);
}
const PUBLISHED = [['automerge-paper: typed, ns a patch', 14.8], ['sveltecomponent: typed, ns a patch', 40.2],
  ['automerge-paper: whole history to text, ms', 1.43], ['automerge-paper: saved, ms', 0.76], ['friendsforever: whole merged, ms', 2.07],
  ['git-makefile-A2: whole merged, ms', 29.3], ['1,000 entries of 6.3 kB to text, ms', 57]];
out.push('', 'Quire native reads 1,000 *encrypted* entries through a device; all others read bytes in the clear.',
  '', '**Not measured here** (published elsewhere; another machine, for orientation alone): diamond-types, native Rust: '
  + `${PUBLISHED.map(([what, figure]) => `${what} ${figure}`).join('; ')}. dt-wasm above is the same library in WebAssembly, measured.`);
out.push('', '## Bytes', '', '| trace | system | saved | deflated | updates of each transaction, in all |', '|---|---|--:|--:|--:|');
for (const [key, { ok, saved_bytes: saved, saved_deflated_bytes: deflated, update_bytes: updates, as_recorded: same }] of Object.entries(results.prepared)) {
  const [system, ...trace] = key.split(' ');
  if (ok) out.push(`| ${trace.join(' ')} | ${system}${same ? '' : ' (another text than was recorded)'} | ${saved} | ${deflated} | ${updates || '–'} |`);
}
out.push('', 'Saved is what a replica writes to be read again: quire, yjs, ywasm and json-joy without the letters of deleted text; '
  + 'loro, automerge and dt with all of the history. Compare like with like.');
out.push('', '## Bytes of a history', '', `| | ${Object.keys(SYSTEMS).filter((name) => systems.includes(name)).join(' | ')} |`,
  `|---|${Object.keys(SYSTEMS).filter((name) => systems.includes(name)).map(() => '--:|').join('')}`);
for (const [trace, { letters, letters_left: left, systems: found }] of Object.entries(results.history)) {
  const plain = (one) => (one ? `${one.bytes} / ${one.deflated}` : '–');
  const cells = (of) => Object.values(found).map((one) => (one.ok ? of(one) : 'fails')).join(' | ');
  out.push(`| ${trace}: one file with erased letters, plain / deflated | ${cells(({ whole }) => plain(whole))} |`);
  GROUPS.forEach((group, i) => out.push(`| ${trace}: changes of ${group ?? 'all'} transactions${group ? ' each' : ' at once'}, plain / deflated `
    + `(Quire: ${left[i]} of ${letters} letters) | ${cells(({ groups }) => plain(groups[i]))} |`));
}
out.push('', 'Quire writes no file that holds the letters of deleted text: a state has their ids alone, so that a history may end. What there is of a '
  + 'history are the changes as devices sent them, every few seconds of typing, each sealed by itself; letters erased again within one are not in it. '
  + 'Deflated is all of them as one stream (zlib, level 6, for everybody). Yjs and ywasm: garbage collection off for the one file, on for the changes.');
out.push('', '## Memory', '', 'Bytes of memory of the process over what it had before, by the system\'s count (`/proc/self/status`), medians; the peak is '
  + 'per byte of text, while what was saved is merged into an empty document and its text read, and then when a letter is typed; steady is after each. In '
  + 'JavaScript garbage counts, as it would in a browser, and some MB may be node\'s compiler at work: believe the row of 1 MB. Quire and Loro keep '
  + 'what they merged into an empty document as it came until the first edit; only Quire opens its own without looking at all of it.', '',
  '| | ' + systems.join(' | ') + ' |', `|---|${systems.map(() => '--:|').join('')}`);
const middle = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];
for (const job of plan.filter(({ measure }) => measure === 'memory')) {
  const trace = keyOf('', job).trim();
  const row = (title, figure) => out.push(`| ${trace}: ${title} | ${systems.map((system) => {
    const runs = of(system, trace, 'memory').filter(({ ok }) => ok), figures = runs.map(figure).filter((one) => Number.isFinite(one));
    return figures.length > 0 ? short(middle(figures)) : '–';
  }).join(' | ')} |`);
  row('merged, peak, bytes a byte of text', (run) => run.peak_bytes / run.text_bytes);
  row('merged, steady, kB', (run) => run.steady_bytes / 1e3);
  row('and a letter typed, peak, bytes a byte of text', (run) => run.edited_peak_bytes / run.text_bytes);
  row('and a letter typed, steady, kB', (run) => run.edited_bytes / 1e3);
  row('opened to be read, peak, bytes a byte of text', (run) => run.opened_peak_bytes / run.text_bytes);
  row('opened to be read, steady, kB', (run) => run.opened_steady_bytes / 1e3);
}
out.push('', '## One of many entries, and the module', '', '| | ' + systems.join(' | ') + ' |', `|---|${systems.map(() => '--:|').join('')}`);
const small = plan.find(({ measure }) => measure === 'many');
if (small) {
  out.push(`| bytes of memory for an entry of about ${ENTRY} bytes, open | ${systems.map((system) =>
    of(system, nameOf(small.file), 'many').find(({ ok }) => ok)?.memory_bytes ?? '–').join(' | ')} |`);
  const closed = of('quire-native', nameOf(small.file), 'many').find(({ ok }) => ok)?.kept_bytes;
  out.push(`| bytes kept for that entry, closed | ${systems.map((system) => (system === 'quire-native' ? `${closed ?? '–'} (sealed)`
    : results.prepared[`${system} ${nameOf(small.file)} of ${ENTRY} bytes`]?.saved_bytes ?? '–')).join(' | ')} |`);
}
out.push(`| bytes of the WebAssembly module | ${systems.map((system) => results.modules[system] ?? '–').join(' | ')} |`);
out.push('', 'Memory: of Quire native by the allocator, of the others by the process (resident), which is coarse. The module of Quire: '
  + 'documents alone, which is what the others have.');
out.push('', '## Probes', '', '| | ' + Object.keys(results.probes).join(' | ') + ' |', `|---|${Object.keys(results.probes).map(() => '---|').join('')}`);
for (const probe of Object.keys(Object.values(results.probes).find((one) => one !== null) ?? {})) {
  out.push(`| ${probe} | ${Object.values(results.probes).map((one) => (one?.[probe] ?? 'fails').replaceAll('|', '\\|')).join(' | ')} |`);
}
out.push('', `Versions: ${Object.entries(results.versions).map(([name, version]) => `${name} ${version}`).join(', ')}; node ${process.version}; `
  + `${results.machine.cpu}, ${results.machine.cores} cores. Every run: ${options.out}`);
console.log(out.join('\n'));
rmSync(path.join(cache, 'tmp'), { recursive: true, force: true });
