import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

/** A question mark that opens an explanation. Works by keyboard, closes with Escape. */
export function Help({ topic, children }: { topic: string; children: ComponentChildren }) {
  const id = useId();
  return (
    <>
      <button type="button" class="help" popovertarget={id} aria-label={`What does this mean: ${topic}?`}>
        ?
      </button>
      <div id={id} popover="auto" class="help-text">
        <h3>{topic}</h3>
        {children}
      </div>
    </>
  );
}
