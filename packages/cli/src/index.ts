/** The commands `edgebos-client` and `edgebos-server`. Other packages have no use for them; they run `main.ts`. */
export { runCommandLine } from "./command-line.ts";
