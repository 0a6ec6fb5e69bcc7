import { startDialogue } from "../dialogue.ts";

/** A sender of any datagrams to one address, from a port of its own. */
export interface DatagramGun {
  fire(datagram: Uint8Array): void;
  /** How many datagrams came back so far. */
  answers(): Promise<number>;
  stop(): Promise<void>;
}

export async function aimDatagramGun(namespace: string, host: string, port: number): Promise<DatagramGun> {
  const program = startDialogue({
    namespace,
    program: new URL("./datagram-gun-program.ts", import.meta.url),
    arguments: [host, String(port)],
  });
  await program.hear();
  return {
    // A blank keeps an empty datagram apart from the question for the answers.
    fire: (datagram) => program.say(` ${Buffer.from(datagram).toString("hex")}`),
    answers: async () => {
      program.say("");
      return Number(await program.hear());
    },
    stop: () => program.stop(),
  };
}
