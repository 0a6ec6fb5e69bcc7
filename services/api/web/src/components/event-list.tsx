import { clock } from "../format.ts";
import type { NodeEvent, Severity } from "../model.ts";
import type { Tone } from "../words.ts";

const TONES: Readonly<Record<Severity, { readonly tone: Tone; readonly word: string }>> = {
  SEVERITY_UNSPECIFIED: { tone: "idle", word: "Note" },
  SEVERITY_INFO: { tone: "good", word: "Note" },
  SEVERITY_WARNING: { tone: "warn", word: "Warning" },
  SEVERITY_ERROR: { tone: "bad", word: "Error" },
};

/** What happened lately, newest first. */
export function EventList({ events }: { events: readonly NodeEvent[] }) {
  return (
    <section class="card" aria-labelledby="events">
      <div class="title">
        <h2 id="events">What happened</h2>
      </div>
      {events.length === 0 ? (
        <p class="empty">Nothing yet. Links that come, go or stall are told here.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        <ol class="events" tabIndex={0} aria-labelledby="events">
          {events.map((event) => {
            const { tone, word } = TONES[event.severity];
            return (
              <li key={`${event.timeMs}${event.area}${event.code}${event.text}`} class={tone}>
                <time dateTime={new Date(event.timeMs).toISOString()}>{clock(event.timeMs, Date.now())}</time>
                <span class={`pill ${tone}`}>
                  <i aria-hidden="true" />
                  {word}
                </span>
                <span>{event.text}</span>
                <code>{event.area}</code>
              </li>
            );
          })}
        </ol>
      )}
    </section>
  );
}
