/**
 * One end of the barest tunnel over this package: no paths, no order, no repair. Shows the calls in their order and the speed that
 * they leave to the dataplane. Started by tunnel.ts.
 *
 *   node endpoint.ts TUN LOCAL_IP LOCAL_PORT REMOTE_IP REMOTE_PORT CIPHER
 *
 * Datagram: 12 bytes of nonce, then sealed: 1 byte checksum-partial flag, inner packet.
 */

import {
  arenaOf,
  type CipherName,
  Coalescer,
  createAead,
  createPoller,
  encodeAddress,
  memoryOf,
  openTun,
  openUdp,
  Segmenter,
  WOULD_BLOCK,
} from "../src/index.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SLOT_BYTES = 2048;
const RUN_BYTES = 65_000;
const READS_PER_ROUND = 4;
const RECEIVED_SLOTS = 2048;

const [name, localIp, localPort, remoteIp, remotePort, cipher] = process.argv.slice(2);
const memory = memoryOf(new ArrayBuffer(16 << 20));
const arena = arenaOf(memory);
const read = arena.reserve(70_000);
const plain = arena.reserve(SLOT_BYTES);
const sealed = arena.reserve(RUN_BYTES + SLOT_BYTES);
const received = arena.reserve(RECEIVED_SLOTS * SLOT_BYTES);
const address = arena.reserve(64);
memory.bytes.set(encodeAddress(remoteIp!, Number(remotePort)), address);

const tun = openTun(memory, { name: name!, mode: "tun", offload: true, onNotice: console.error });
const udp = openUdp(memory, arena, { address: localIp!, port: Number(localPort), onNotice: console.error });
const aead = createAead(memory, cipher as CipherName);
const sealKey = aead.importKey(new Uint8Array(32), "seal");
const openKey = aead.importKey(new Uint8Array(32), "open");
const segmenter = new Segmenter(memory);
const coalescer = new Coalescer(memory, arena, tun);

let packetNumber = 0;
let runBytes = 0;
let runSegment = 0;
let usedSlots = 0;

const poller = createPoller();
const tunIndex = poller.add(tun.fd);
const udpIndex = poller.add(udp.fd);
process.send?.("ready");
for (;;) {
  poller.wait(-1);
  if (poller.readable(tunIndex)) fromTun();
  if (poller.readable(udpIndex)) fromUdp();
}

function fromTun(): void {
  for (let round = 0; round < READS_PER_ROUND; round++) {
    const length = tun.read(read, 70_000);
    if (length === WOULD_BLOCK) break;
    segmenter.begin(read, length);
    for (let size = segmenter.next(plain + 1); size > 0; size = segmenter.next(plain + 1)) sealPacket(size);
  }
  sendRun();
}

/** Appends a datagram to the run; a run is of equal datagrams, but for the last. */
function sealPacket(size: number): void {
  const datagram = NONCE_BYTES + 1 + size + TAG_BYTES;
  if (runBytes > 0 && (datagram > runSegment || runBytes + datagram > RUN_BYTES)) sendRun();
  if (runBytes === 0) runSegment = datagram;
  memory.bytes[plain] = segmenter.checksumPartial ? 1 : 0;
  const at = sealed + runBytes;
  memory.view.setUint32(at + 8, ++packetNumber);
  aead.seal(sealKey, at, plain, size + 1, at + NONCE_BYTES);
  runBytes += datagram;
  if (datagram < runSegment) sendRun();
}

function sendRun(): void {
  if (runBytes > 0) udp.send(sealed, runBytes, runSegment, address);
  runBytes = 0;
}

function fromUdp(): void {
  const messages = udp.receive();
  for (let i = 0; i < messages; i++) {
    const segment = udp.messageSegment(i);
    const end = udp.messageOffset(i) + udp.messageLength(i);
    for (let at = udp.messageOffset(i); at < end; at += segment) openDatagram(at, Math.min(segment, end - at));
  }
  flush();
}

function openDatagram(offset: number, length: number): void {
  const slot = received + usedSlots * SLOT_BYTES;
  const size = aead.open(openKey, offset, offset + NONCE_BYTES, length - NONCE_BYTES, slot);
  if (size < 1) return;
  const partial = memory.bytes[slot] === 1;
  if (!coalescer.add(slot + 1, size - 1, partial)) {
    coalescer.flush();
    coalescer.add(slot + 1, size - 1, partial);
  }
  if (++usedSlots === RECEIVED_SLOTS) flush();
}

function flush(): void {
  coalescer.flush();
  usedSlots = 0;
}
