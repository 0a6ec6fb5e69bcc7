import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeFrame, FrameReader, MAX_MESSAGE_BYTES, type Message } from "./framing.ts";

test("a message comes back whatever the pieces it arrives in", () => {
  const sent: Message[] = [
    { $case: "ping", value: { token: 7 } },
    { $case: "goodbye", value: { reason: "stop" } },
    { $case: "pong", value: { token: 2 ** 40 } },
  ];
  const stream = Buffer.concat(sent.map(encodeFrame));
  for (let pieceBytes = 1; pieceBytes <= stream.length; pieceBytes++) {
    const { messages, fault } = readAll(stream, pieceBytes);
    assert.equal(fault, undefined);
    assert.deepEqual(messages, sent);
  }
});

test("the prefix is a big-endian length of the message alone", () => {
  const frame = encodeFrame({ $case: "ping", value: { token: 1 } });
  assert.equal(frame.readUInt32BE(0), frame.length - 4);
});

test("a peer that announces more than the limit is refused before its bytes are kept", () => {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(MAX_MESSAGE_BYTES + 1);
  assert.equal(readAll(prefix, 4).fault, "oversized");
});

test("bytes that are no message are a fault, not an exception", () => {
  const frame = Buffer.from([0, 0, 0, 3, 0x0a, 0x7f, 0x01]);
  assert.equal(readAll(frame, 7).fault, "undecodable");
});

test("a message of an unknown kind is skipped and the next one is read", () => {
  const unknown = Buffer.from([0, 0, 0, 3, 0xfa, 0x07, 0x00]);
  const { messages, fault } = readAll(
    Buffer.concat([unknown, encodeFrame({ $case: "ping", value: { token: 3 } })]),
    64,
  );
  assert.equal(fault, undefined);
  assert.deepEqual(messages, [{ $case: "ping", value: { token: 3 } }]);
});

function readAll(stream: Buffer, pieceBytes: number) {
  const reader = new FrameReader();
  const messages: Message[] = [];
  for (let at = 0; at < stream.length; at += pieceBytes) {
    const fault = reader.push(stream.subarray(at, at + pieceBytes), (message) => messages.push(message));
    if (fault !== undefined) return { messages, fault };
  }
  return { messages, fault: undefined };
}
