// What docs/examples/host.mjs must do, in node or in a browser: two devices of one account, the timer, a
// connection that breaks, and a profile that is opened again. Returns what it saw.
export async function hostStory({ load, Host, records, url, cut }) {
  const core = await load();
  const profileKey = crypto.getRandomValues(new Uint8Array(32));
  const entry = new Uint8Array(16).fill(1);
  const until = async (what, holds, ms = 20_000) => {
    for (const end = performance.now() + ms; !holds();) {
      if (performance.now() > end) throw new Error(`in ${ms} ms not: ${what}`);
      await new Promise((resolve) => { setTimeout(resolve, 10); });
    }
  };
  const notices = { phone: [], laptop: [] };
  const saw = (who, name) => notices[who].some(({ notice }) => notice === name);
  const options = (who) => ({ url, profileKey, name: who, retryMs: 2000, onNotice: (notice) => notices[who].push(notice) });
  const text = (host) => { try { return host.device.document(entry).text(); } catch { return ''; } };
  const at = await records('phone');
  let { host: phone, kit } = await Host.init(core, at, options('phone'));
  phone.connect();
  await until('the phone is online', () => saw('phone', 'caughtUp'));
  await phone.pair();
  await until('a code', () => saw('phone', 'pairCode'));
  const { text: code } = notices.phone.find(({ notice }) => notice === 'pairCode');
  const laptop = Host.join(core, await records('laptop'), { ...options('laptop'), code });
  laptop.connect();
  await until('the laptop is caught up', () => saw('laptop', 'joined') && saw('laptop', 'caughtUp'));

  // Nothing is flushed: the device seals after a pause, which its timer tells it.
  await phone.write(entry, (document) => document.insert(0, 'timer '));
  await until('the laptop shows it', () => text(laptop) === 'timer ');

  await cut();
  await until('the phone knows that it is offline', () => !phone.device.state().connected, 1800);
  await phone.write(entry, (document) => document.insert(6, 'phone '));
  await laptop.write(entry, (document) => document.insert(0, 'laptop '));
  await until('both reconnect and show the same', () => text(phone) === text(laptop) && text(phone).length === 19);

  await phone.close();
  phone = await Host.open(core, at, options('phone'));
  const reopened = text(phone);
  await phone.write(entry, (document) => document.insert(0, 'again '));
  await phone.flush();
  phone.connect();
  await until('the laptop shows what came after', () => text(laptop).startsWith('again '));
  const result = { kit: kit.length, reopened, text: text(laptop), same: text(phone) === text(laptop) };
  await phone.close();
  await laptop.close();
  return result;
}
