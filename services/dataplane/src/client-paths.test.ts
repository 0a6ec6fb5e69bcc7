import assert from "node:assert/strict";
import { test } from "node:test";
import { common, link, plan } from "@edgebos/proto";
import { ClientPaths } from "./client-paths.ts";
import type { Message } from "./control/framing.ts";
import type { Command } from "./loop/commands.ts";

test("a link that appears gets a socket, is announced, and ends a wait for the server", () => {
  const end = client();
  end.paths.setLink("eth0", linkOf("eth0"));
  assert.deepEqual(end.commands(), ["set-link"]);
  assert.deepEqual(end.messages(), ["pathOpen 0"]);
  assert.equal(end.wakes(), 1);
});

test("a path says over which IP version it goes", () => {
  const end = client();
  end.paths.setServer({ v4: ["203.0.113.1"], v6: ["2001:db8::1"] });
  end.paths.setLink("eth0", linkOf("eth0"));
  end.paths.setLink("wwan0", { ...linkOf("wwan0"), addresses: ["2001:db8:1::2"], gatewayV6: "fe80::1" });
  const announced = end.sent.flatMap((message) => (message.$case === "pathOpen" ? [message.value] : []));
  assert.deepEqual(
    announced.map(({ link, overIpv6 }) => [link, overIpv6]),
    [
      ["eth0", false],
      ["wwan0", true],
    ],
  );
});

test("news of a link's quality do nothing", () => {
  const end = client();
  end.paths.setLink("eth0", linkOf("eth0"));
  end.reset();
  end.paths.setLink("eth0", { ...linkOf("eth0"), reason: "slow", generation: 9 });
  assert.deepEqual([end.commands(), end.messages()], [[], []]);
});

test("a link with another address is suspended before it is announced again", () => {
  const end = client({ session: 5 });
  end.paths.setLink("eth0", linkOf("eth0"));
  end.reset();
  end.paths.setLink("eth0", { ...linkOf("eth0"), addresses: ["10.1.0.9"] });
  assert.deepEqual(end.commands(), ["set-link", "apply-plan"]);
  assert.deepEqual(end.messages(), ["pathSuspend 0", "pathOpen 0", "pathUpdate 0"]);
  assert.deepEqual(end.left(), ["eth0"]);
});

test("a link that is gone is dropped, and the control connection leaves it", () => {
  const end = client();
  end.paths.setLink("eth0", linkOf("eth0"));
  end.reset();
  end.paths.setLink("eth0", undefined);
  assert.deepEqual([end.commands(), end.messages(), end.left()], [["drop-link"], ["pathSuspend 0"], ["eth0"]]);
});

test("a new session hears of all paths, of those that are out, and of the plan", () => {
  const end = client({ session: 5 });
  for (const name of ["eth0", "wwan0"]) end.paths.setLink(name, linkOf(name));
  end.paths.block(1, "no carrier");
  end.reset();
  end.paths.announceAll();
  assert.deepEqual(end.messages(), ["pathOpen 0", "pathOpen 1", "pathSuspend 1", "pathUpdate 0", "pathUpdate 1"]);
  assert.deepEqual(end.commands(), ["apply-plan"]);
});

test("a plan changes the algorithm, its copies and the announced role of its links", () => {
  const end = client({ session: 5 });
  end.paths.setLink("eth0", linkOf("eth0"));
  assert.equal(end.paths.algorithm(), "adaptive");
  end.paths.setPlan(
    plan.ForwardingPlan.fromPartial({
      algorithm: common.Algorithm.REDUNDANT,
      copies: 3,
      fecOff: true,
      links: [{ link: "eth0", enabled: true, role: common.LinkRole.BACKUP, weight: 2 }],
    }),
  );
  assert.equal(end.paths.algorithm(), "redundant");
  const update = end.sent.findLast((message) => message.$case === "pathUpdate");
  assert.ok(update?.$case === "pathUpdate");
  assert.equal(update.value.role, common.LinkRole.BACKUP);
  assert.equal(update.value.copies, 3);
  assert.equal(update.value.fecOff, true);
});

/** Without a session by default: the plan is then kept for the one to come. */
function client({ session = 0 } = {}) {
  const posted: Command[] = [];
  const sent: Message[] = [];
  const left: string[] = [];
  let wakes = 0;
  const paths = new ClientPaths({
    serverPort: 8443,
    control: {
      connected: false,
      session,
      send: (message) => sent.push(message),
      leaveLink: (name) => left.push(name),
      wake: () => {
        wakes++;
      },
    },
    configuredPolicy: () => ({ algorithm: "adaptive" }),
    post: (command) => posted.push(command),
    onChange: () => undefined,
  });
  paths.setServer({ v4: ["203.0.113.1"], v6: [] });
  const named = (message: Message) => `${message.$case} ${(message.value as { pathId?: number }).pathId}`;
  return {
    paths,
    sent,
    commands: () => posted.map(({ kind }) => kind),
    messages: () => sent.map(named),
    left: () => left,
    wakes: () => wakes,
    reset: () => {
      for (const list of [posted, sent, left]) list.length = 0;
    },
  };
}

function linkOf(name: string): link.Link {
  return link.Link.fromPartial({ name, ifindex: 3, carrier: true, addresses: ["10.1.0.2"], gatewayV4: "10.1.0.1" });
}
