import { drawLine, drawPicture, type Picture } from "./table.ts";

const PLAIN_PERIOD_MS = 1000;

/** Shows pictures: redrawn in place on a terminal, one line a second elsewhere. */
export class Screen {
  readonly #isTerminal = process.stdout.isTTY === true;
  readonly #color = this.#isTerminal && !process.env.NO_COLOR;
  #drawnLines = 0;
  #lastLineMs = Number.NEGATIVE_INFINITY;

  /** A line of its own, above the next picture. */
  say(text = ""): void {
    this.#drawnLines = 0;
    process.stdout.write(`${text}\n`);
  }

  show(picture: Picture): void {
    if (!this.#isTerminal) {
      this.#showLine(picture);
      return;
    }
    const lines = drawPicture(picture, this.#color);
    const back = this.#drawnLines > 0 ? `\u001b[${this.#drawnLines}A` : "";
    process.stdout.write(`${back}${lines.map((line) => `\u001b[2K${line}\n`).join("")}`);
    this.#drawnLines = lines.length;
  }

  #showLine(picture: Picture): void {
    const nowMs = performance.now();
    if (nowMs - this.#lastLineMs < PLAIN_PERIOD_MS) return;
    this.#lastLineMs = nowMs;
    process.stdout.write(`${drawLine(picture)}\n`);
  }
}
