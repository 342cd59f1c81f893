// A WebSocket server round the native hub, for docs/examples/host.mjs. It insists on what quired insists on
// (path, subprotocol), and serves files, so that a page can load the module from it.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; // RFC 6455, 1.3

function frame(opcode, payload) {
  const size = payload.length;
  const head = size < 126 ? Buffer.from([0x80 | opcode, size])
    : size < 65536 ? Buffer.from([0x80 | opcode, 126, size >> 8, size & 255])
      : Buffer.from([0x80 | opcode, 127, 0, 0, 0, 0, size >>> 24, size >> 16 & 255, size >> 8 & 255, size & 255]);
  return Buffer.concat([head, payload]);
}

/** The frames in `buffer`, unmasked, and what is left of it. Clients mask all of them. */
function unframe(buffer) {
  const frames = [];
  for (;;) {
    if (buffer.length < 2) break;
    let size = buffer[1] & 127, at = 2;
    if (size === 126 && buffer.length >= 4) { size = buffer.readUInt16BE(2); at = 4; }
    else if (size === 127 && buffer.length >= 10) { size = Number(buffer.readBigUInt64BE(2)); at = 10; }
    else if (size >= 126) break;
    if (buffer.length < at + 4 + size) break;
    const mask = buffer.subarray(at, at + 4), payload = Buffer.from(buffer.subarray(at + 4, at + 4 + size));
    for (let i = 0; i < size; i++) payload[i] ^= mask[i & 3];
    frames.push({ final: (buffer[0] & 0x80) !== 0, opcode: buffer[0] & 15, payload });
    buffer = buffer.subarray(at + 4 + size);
  }
  return [frames, buffer];
}

/** Listens on loopback: {port, refused, drop(), close()}. `files`: path → [type, bytes]. */
export async function serveHost(native, files = {}) {
  const hub = spawn(native, ['hub'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const sockets = new Map(), refused = [], posted = [];
  let next = 1;
  const tell = (words) => hub.stdin.write(`${Math.floor(performance.now())} ${words}\n`);
  createInterface({ input: hub.stdout }).on('line', (line) => {
    const [what, id, hex] = line.split(' ');
    const socket = sockets.get(id);
    if (socket === undefined) return;
    if (what === 'send') socket.write(frame(2, Buffer.from(hex, 'hex')));
    else { sockets.delete(id); socket.end(frame(8, Buffer.alloc(0))); }
  });
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      let body = '';
      request.on('data', (part) => { body += part; }).on('end', () => { response.end(); posted.push(JSON.parse(body)); });
      return;
    }
    const [type, content] = files[request.url] ?? ['text/plain', null];
    response.writeHead(content === null ? 404 : 200, { 'content-type': type }).end(content ?? '');
  });
  server.on('upgrade', (request, socket) => {
    const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(/, */);
    if (request.url !== '/quire' || !protocols.includes('quire.1')) {
      refused.push(`${request.url} ${protocols}`);
      socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + GUID).digest('base64');
    socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n'
      + `sec-websocket-accept: ${accept}\r\nsec-websocket-protocol: quire.1\r\n\r\n`);
    const id = String(next++);
    let left = Buffer.alloc(0), parts = [];
    sockets.set(id, socket);
    tell(`open ${id} ${request.headers.host}`);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      let frames;
      [frames, left] = unframe(Buffer.concat([left, data]));
      for (const { final, opcode, payload } of frames) {
        if (opcode === 8) socket.end(frame(8, payload));
        if (opcode > 2) continue;
        parts.push(payload);
        if (final) { tell(`frame ${id} ${Buffer.concat(parts).toString('hex')}`); parts = []; }
      }
    });
    socket.on('close', () => { if (sockets.delete(id)) tell(`closed ${id}`); });
  });
  const clock = setInterval(() => tell('tick'), 1000);
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  return {
    port: server.address().port,
    refused,
    posted,
    /** Cuts all connections, without a word. */
    drop() { for (const [id, socket] of sockets) { socket.destroy(); tell(`closed ${id}`); } sockets.clear(); },
    async close() {
      clearInterval(clock);
      for (const socket of sockets.values()) socket.destroy();
      hub.stdin.end();
      server.closeAllConnections?.();
      await new Promise((resolve) => { server.close(resolve); });
    },
  };
}
