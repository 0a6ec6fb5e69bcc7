import { Clients } from "./components/clients.tsx";
import { EventList } from "./components/event-list.tsx";
import { Header } from "./components/header.tsx";
import { Hero } from "./components/hero.tsx";
import { LinkTable } from "./components/link-table.tsx";
import { RateChart } from "./components/rate-chart.tsx";
import { ServiceStrip } from "./components/service-strip.tsx";
import { useLive } from "./live.ts";
import { strandsOf } from "./strands.ts";

/** The one page: the bond in a sentence and a picture, its rates, its links or clients, and what happened lately. */
export function App() {
  const live = useLive();
  const { status } = live;
  if (status === undefined) {
    return <p class="waiting">{live.online ? "Reading the state of this node…" : "Waiting for the service…"}</p>;
  }
  const isServer = status.role === "NODE_ROLE_SERVER";
  const strands = strandsOf(live, isServer);
  return (
    <>
      <Header status={status} online={live.online} />
      <main class={live.online ? "" : "stale"}>
        <Hero live={live} status={status} strands={strands} />
        <RateChart history={live.history} strands={strands} isServer={isServer} />
        {isServer ? (
          <Clients peers={live.statistics?.peers ?? []} strands={strands} history={live.history} />
        ) : (
          <LinkTable strands={strands} history={live.history} plan={live.plan} />
        )}
        <EventList events={live.events} />
        <ServiceStrip services={status.services} />
      </main>
    </>
  );
}
