import assert from "node:assert/strict";
import { test } from "node:test";
import { drawLine, drawPicture, type Picture } from "./table.ts";

const PICTURE: Picture = {
  elapsedS: 9.4,
  links: [
    {
      device: "wwan0",
      plays: "cellular, 40 Mbit/s, 60 ms",
      nominalMbit: 40,
      rateMbit: 20,
      rttMs: 61.2,
      lossPct: 0.4,
      state: "stalled",
      cut: true,
    },
  ],
  goodputMbit: 71.23,
  doneRatio: 0.5,
  story: ["8.0 s  the cellular link is cut"],
};

test("the picture shows rate, RTT, loss and state of a link, and how far the download is", () => {
  const text = drawPicture(PICTURE, false).join("\n");
  assert.match(
    text,
    /wwan0 {2}cellular, 40 Mbit\/s, 60 ms {3}█{8}·{8} {3}20\.0 Mbit\/s {4}61 ms {4}0\.4 % {3}stalled \(cut\)/,
  );
  assert.match(text, /download .*█{20}·{20} {2}50 % {4}71\.2 Mbit\/s/);
  assert.match(text, /8\.0 s {2}the cellular link is cut/);
});

test("every picture has the same height, so that it can be drawn in place", () => {
  const quiet = drawPicture({ ...PICTURE, story: [] }, true);
  const busy = drawPicture({ ...PICTURE, story: ["a", "b", "c", "d", "e", "f"] }, true);
  assert.equal(quiet.length, busy.length);
  assert.match(busy.at(-1)!, /f/);
});

test("without a terminal one line holds all of it and no escape sequence", () => {
  const line = drawLine(PICTURE);
  assert.match(line, /9 s .*50 % .*71\.2 Mbit\/s .*wwan0 20\.0 Mbit\/s 61 ms 0\.4 % stalled \(cut\)/);
  assert.ok(!line.includes("\u001b"));
});
