import { duration, rateText } from "../format.ts";
import type { History } from "../history.ts";
import type { Peer } from "../model.ts";
import type { Strand } from "../strands.ts";
import { Help } from "./help.tsx";
import { StrandRow, StrandTable } from "./strand-table.tsx";

interface ClientsProps {
  readonly peers: readonly Peer[];
  readonly strands: readonly Strand[];
  readonly history: History;
}

/** The clients of a server, each with its paths. */
export function Clients({ peers, strands, history }: ClientsProps) {
  return (
    <section class="card" aria-labelledby="clients">
      <div class="title">
        <h2 id="clients">Clients</h2>
        <Help topic="Clients">
          <p>
            Each client is a gateway that reaches this server over one path per link. Down is towards the client. Add
            one with <code>edgebos-server client add NAME</code>.
          </p>
        </Help>
      </div>
      {peers.length === 0 && (
        <p class="empty">
          No client is connected. <code>edgebos-server client add NAME</code> makes the files for a new one.
        </p>
      )}
      {peers.map((peer) => {
        const own = strands.filter(({ client }) => client === peer.peer);
        return (
          <article key={peer.peer} class="client">
            <h3>
              {peer.peer}
              <span class={`pill ${peer.connected ? "good" : "bad"}`}>
                <i aria-hidden="true" />
                {peer.connected ? `Connected for ${duration(Date.now() - peer.sinceMs)}` : "Not connected"}
              </span>
              <small>
                ↓ {rateText(sum(own, "down"))} · ↑ {rateText(sum(own, "up"))} · {peer.innerV4} {peer.innerV6}
              </small>
            </h3>
            <StrandTable>
              {own.map((strand) => (
                <StrandRow key={strand.key} strand={strand} history={history} />
              ))}
            </StrandTable>
          </article>
        );
      })}
    </section>
  );
}

function sum(strands: readonly Strand[], direction: "down" | "up"): number {
  return strands.reduce((total, { rates }) => total + rates[direction], 0);
}
