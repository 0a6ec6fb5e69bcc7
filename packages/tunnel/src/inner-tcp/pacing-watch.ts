/** After a shorter silence the bursts of a paced sender, a millisecond each (`sk_pacing_shift`), look like the rest of it. */
const SILENCE_MIN_US = 6_000;
/** What comes within this share of the silence after its end is the burst. */
const BURST_PART = 1 / 8;
/** A sender whose burst is more than this share of what comes within the length of the silence does not pace: BBR makes up for a silence at 2.9 times its rate at most, a third of it in an eighth of the time. */
const BURST_SHARE = 0.5;
/** A window that the next silence cuts off counts if it lasted for this share of its length. */
const WHOLE_SHARE = 0.75;
/** So much has to come for a verdict. */
const JUDGED_BYTES = 40_000;

/**
 * Tells a host that paces, as BBR does, from one that sends all that an ack allows at once, as CUBIC does, by what comes in after a silence of its acks.
 */
export class PacingWatch {
  verdict: "unknown" | "paced" | "bursts" = "unknown";
  #silenceUs = 0.5;
  /** When the first data came after the silence: the way to the host and back does not count. -1: none yet; Infinity: no silence is being watched. */
  #firstAt = Number.POSITIVE_INFINITY;
  /** Of this silence, … */
  #newBurstBytes = 0;
  #newBytes = 0;
  /** … and of all since the last verdict. */
  #burstBytes = 0;
  #bytes = 0;

  /** An ack goes to the host after `silenceUs` without any. */
  noteAck(silenceUs: number, now: number): void {
    if (silenceUs < SILENCE_MIN_US) return;
    this.#close(now);
    this.#silenceUs = silenceUs;
    this.#firstAt = -1;
    this.#newBurstBytes = 0;
    this.#newBytes = 0;
  }

  noteData(bytes: number, now: number): void {
    if (this.#firstAt < 0) this.#firstAt = now;
    const sinceUs = now - this.#firstAt;
    if (sinceUs < 0) return;
    if (sinceUs >= this.#silenceUs) {
      this.#close(now);
      return;
    }
    this.#newBytes += bytes;
    if (sinceUs < this.#silenceUs * BURST_PART) this.#newBurstBytes += bytes;
  }

  #close(now: number): void {
    const isWhole = this.#firstAt >= 0 && now - this.#firstAt >= WHOLE_SHARE * this.#silenceUs;
    this.#firstAt = Number.POSITIVE_INFINITY;
    if (!isWhole) return;
    this.#bytes += this.#newBytes;
    this.#burstBytes += this.#newBurstBytes;
    if (this.#bytes < JUDGED_BYTES) return;
    this.verdict = this.#burstBytes > BURST_SHARE * this.#bytes ? "bursts" : "paced";
    this.#bytes = 0;
    this.#burstBytes = 0;
  }
}
