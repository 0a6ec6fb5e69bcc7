import type { ComponentChildren } from "preact";
import { loss, milliseconds, rateText } from "../format.ts";
import type { Direction, History } from "../history.ts";
import type { Strand } from "../strands.ts";
import { kindName, roleOf } from "../words.ts";
import { KindIcon } from "./kind-icon.tsx";
import { Sparkline } from "./sparkline.tsx";

/** Column heads of a table of links or paths. On a phone each row becomes a block of its own. */
export function StrandTable({ children }: { children: ComponentChildren }) {
  return (
    <table class="strands">
      <thead>
        <tr>
          <th scope="col">Link</th>
          <th scope="col">Condition</th>
          <th scope="col">Down</th>
          <th scope="col">Up</th>
          <th scope="col">Round trip</th>
          <th scope="col">Loss</th>
          <th scope="col">MTU</th>
          <th scope="col">Role</th>
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}

/** One link with its condition, rates and quality. */
export function StrandRow({ strand, history }: { strand: Strand; history: History }) {
  const { name, colour, condition, status, rttUs, lossPpm } = strand;
  const role = roleOf(status.plan);
  return (
    <tr class={condition.tone}>
      <th scope="row">
        <KindIcon kind={status.link?.kind} colour={colour} />
        <span>
          {name}
          {status.link && <small>{kindName(status.link.kind)}</small>}
        </span>
      </th>
      <td class="condition">
        <span class={`pill ${condition.tone}`}>
          <i aria-hidden="true" />
          {condition.word}
        </span>
        <small>{condition.reason}</small>
      </td>
      <RateCell strand={strand} history={history} direction="down" label="Down" />
      <RateCell strand={strand} history={history} direction="up" label="Up" />
      <td data-label="Round trip">{milliseconds(rttUs)}</td>
      <td data-label="Loss" class={lossPpm > 10_000 ? "much" : ""}>
        {status.path === undefined ? "–" : loss(lossPpm)}
      </td>
      <td data-label="MTU" title="Largest packet that is known to pass">
        {status.path?.mtuBytes || "–"}
      </td>
      <td data-label="Role" title={role.meaning}>
        {role.word}
      </td>
    </tr>
  );
}

interface RateCellProps {
  readonly strand: Strand;
  readonly history: History;
  readonly direction: Direction;
  readonly label: string;
}

function RateCell({ strand, history, direction, label }: RateCellProps) {
  const bps = strand.rates[direction];
  const capacity = strand.capacities[direction];
  return (
    <td data-label={label} class="rate">
      <div>
        <b>{rateText(bps)}</b>
        <small>{capacity === 0 ? "not measured yet" : `of ${rateText(capacity)}`}</small>
        <div class="used" aria-hidden="true">
          <i
            style={{
              width: `${capacity === 0 ? 0 : Math.min(100, (100 * bps) / capacity)}%`,
              background: strand.colour,
            }}
          />
        </div>
      </div>
      <Sparkline values={history[direction].get(strand.key) ?? []} colour={strand.colour} />
    </td>
  );
}
