import { duration } from "../format.ts";
import type { Status } from "../model.ts";
import { Help } from "./help.tsx";

export function Header({ status, online }: { status: Status; online: boolean }) {
  const isServer = status.role === "NODE_ROLE_SERVER";
  return (
    <header>
      <Mark />
      <div class="who">
        <h1>{status.node}</h1>
        <p>
          EdgeBOS {isServer ? "aggregation server" : "edge gateway"} · version {status.version} · running for{" "}
          {duration(Date.now() - status.startedMs)}
        </p>
      </div>
      <span class={`pill ${online ? "good" : "bad"}`} role="status">
        <i aria-hidden="true" />
        {online ? "Live" : "Reconnecting"}
      </span>
      <Help topic="Bonding">
        <p>
          A gateway with several ways into the internet (mobile networks, Wi-Fi, cable, satellite) joins them into{" "}
          <strong>one</strong>. Each packet goes out over the link by which it arrives first; an aggregation server
          somewhere in the internet puts the packets back in order.
        </p>
        <p>
          So one download gets the sum of the links, and when a link dies, what was on its way is sent again over the
          others: calls and transfers go on.
        </p>
        <p>This page shows this node live. Nothing has to be set here: capacities are measured all the time.</p>
      </Help>
    </header>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" fill="none" stroke-width="3.4" stroke-linecap="round" aria-hidden="true">
      <path d="M3 7c9 0 8 9 15 9" stroke="#3f8cff" />
      <path d="M3 16h15" stroke="#14b39b" />
      <path d="M3 25c9 0 8-9 15-9" stroke="#f0a020" />
      <path d="M18 16h11" stroke="#7c6cf5" stroke-width="5.4" />
    </svg>
  );
}
