import type { History } from "../history.ts";
import type { Plan } from "../model.ts";
import type { Strand } from "../strands.ts";
import { Help } from "./help.tsx";
import { StrandRow, StrandTable } from "./strand-table.tsx";

interface LinkTableProps {
  readonly strands: readonly Strand[];
  readonly history: History;
  readonly plan: Plan | undefined;
}

/** The links of a client. */
export function LinkTable({ strands, history, plan }: LinkTableProps) {
  return (
    <section class="card" aria-labelledby="links">
      <div class="title">
        <h2 id="links">Links</h2>
        <Help topic="Links">
          <p>A link is one way into the internet: a modem, a Wi-Fi, a cable. It is found by itself when plugged in.</p>
          <dl>
            <dt>Loss</dt>
            <dd>Packets that a link loses. They are sent again over another link before anyone notices.</dd>
            <dt>Capacity</dt>
            <dd>What the link can carry at present, measured. The bar shows how much of it is used.</dd>
            <dt>Role</dt>
            <dd>
              A <em>primary</em> link is used always, a <em>backup</em> only when no primary works, a <em>metered</em>{" "}
              one last, since it costs money.
            </dd>
          </dl>
        </Help>
        {plan !== undefined && plan.summary !== "" && <p class="aside">{plan.summary}</p>}
      </div>
      {strands.length === 0 ? (
        <p class="empty">
          No link was found. Plug in a modem or a cable, or name an interface under <code>interfaces.manual</code> in
          the configuration.
        </p>
      ) : (
        <StrandTable>
          {strands.map((strand) => (
            <StrandRow key={strand.key} strand={strand} history={history} />
          ))}
        </StrandTable>
      )}
    </section>
  );
}
