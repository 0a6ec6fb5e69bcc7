import { mebibytes } from "../format.ts";
import type { Service } from "../model.ts";
import { Help } from "./help.tsx";

const PURPOSES: Readonly<Record<string, string>> = {
  dataplane: "forwards packets",
  linkmon: "watches the links",
  scheduler: "decides which links to use",
  api: "shows this page",
};

/** The processes of this node. */
export function ServiceStrip({ services }: { services: readonly Service[] }) {
  return (
    <section class="card services" aria-labelledby="services">
      <div class="title">
        <h2 id="services">Services</h2>
        <Help topic="Services">
          <p>
            The node is four processes. Packets flow on through the dataplane even while the others are restarted or
            missing; what they would show or decide is then older.
          </p>
        </Help>
      </div>
      <ul>
        {services.map(({ name, healthy, detail, rssBytes }) => (
          <li key={name}>
            <span class={`pill ${healthy ? "good" : "bad"}`}>
              <i aria-hidden="true" />
              {name}
            </span>
            <small>{healthy ? `${PURPOSES[name] ?? ""} · ${mebibytes(rssBytes)}` : detail}</small>
          </li>
        ))}
      </ul>
      <p class="more">
        For programs: <a href="/api/v1/openapi.json">REST interface</a> · <a href="/metrics">metrics</a>
      </p>
    </section>
  );
}
