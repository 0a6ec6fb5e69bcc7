interface Sample {
  readonly value: number;
  readonly at: number;
}

/** Kathleen Nichols' windowed maximum of the three best samples: lib/win_minmax.c. */
export class WindowedMax {
  readonly #window: number;
  #first: Sample = { value: 0, at: 0 };
  #second = this.#first;
  #third = this.#first;

  constructor(window: number) {
    this.#window = window;
  }

  get value(): number {
    return this.#first.value;
  }

  update(value: number, at: number): void {
    const sample = { value, at };
    const isOld = at - this.#third.at > this.#window;
    if (isOld || value >= this.#first.value) this.#first = this.#second = this.#third = sample;
    else if (value >= this.#second.value) this.#second = this.#third = sample;
    else if (value >= this.#third.value) this.#third = sample;
    this.#expire(sample);
  }

  #expire(sample: Sample): void {
    const age = sample.at - this.#first.at;
    if (age > this.#window) {
      this.#first = this.#second;
      this.#second = this.#third;
      this.#third = sample;
      if (sample.at - this.#first.at > this.#window) this.#expire(sample);
    } else if (this.#second.at === this.#first.at && age > this.#window / 4) {
      this.#second = this.#third = sample;
    } else if (this.#third.at === this.#second.at && age > this.#window / 2) {
      this.#third = sample;
    }
  }
}
