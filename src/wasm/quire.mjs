// Quire's core for JavaScript: documents and devices over the module's exports (exports.h).
// Thin on purpose: it moves bytes in and out and turns statuses into exceptions; all that matters
// happens in C. Runs in browsers and in node; has no dependencies.

export { Core, load } from './core.mjs';
export { Device } from './device.mjs';
export { Document } from './document.mjs';
export { MemoryRecords } from './records.mjs';
export { ACTIONS, ALARMS, EVENTS, NOTICES, QuireError, Status } from './values.mjs';
