import { milliseconds, rate } from "../format.ts";
import type { Live } from "../live.ts";
import type { Status } from "../model.ts";
import type { Strand } from "../strands.ts";
import { BondPicture } from "./bond-picture.tsx";
import { Help } from "./help.tsx";

/** The state of the bond in one sentence, four figures and a picture. */
export function Hero({ live, status, strands }: { live: Live; status: Status; strands: readonly Strand[] }) {
  const isServer = status.role === "NODE_ROLE_SERVER";
  const down = sum(strands, (strand) => strand.rates.down);
  const up = sum(strands, (strand) => strand.rates.up);
  const working = strands.filter(({ condition }) => condition.answers).length;
  const rtts = strands.map(({ rttUs }) => rttUs).filter((rttUs) => rttUs > 0);
  const clients = live.statistics?.peers.filter(({ connected }) => connected).length ?? 0;
  return (
    <section class="card hero" aria-labelledby="state">
      <p id="state" class={`sentence ${status.ready ? "good" : "bad"}`} aria-live="polite">
        <i aria-hidden="true" />
        {status.summary}
      </p>
      <dl class="figures">
        <Figure name={isServer ? "To clients" : "Download"} {...rate(down)} mark="↓" />
        <Figure name={isServer ? "From clients" : "Upload"} {...rate(up)} mark="↑" />
        {isServer ? (
          <Figure name="Clients" value={String(clients)} unit={`over ${strands.length} paths`} />
        ) : (
          <Figure name="Links working" value={String(working)} unit={`of ${strands.length}`} />
        )}
        <Figure name="Quickest round trip" value={milliseconds(rtts.length === 0 ? 0 : Math.min(...rtts))} unit="">
          <Help topic="Round trip">
            <p>
              How long a packet takes to the other end and back, measured from real traffic all the time. Small and
              urgent packets always take the quickest link, so this is about the delay that a call or a game sees.
            </p>
          </Help>
        </Figure>
      </dl>
      <BondPicture strands={strands} status={status} />
    </section>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: string;
  readonly unit: string;
  readonly mark?: string;
  readonly children?: preact.ComponentChildren;
}

function Figure({ name, value, unit, mark, children }: FigureProps) {
  return (
    <div>
      <dt>
        {mark && <span aria-hidden="true">{mark} </span>}
        {name}
        {children}
      </dt>
      <dd>
        {value} <small>{unit}</small>
      </dd>
    </div>
  );
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
