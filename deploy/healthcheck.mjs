// `node healthcheck.mjs URL`: ends with 0 if the URL answers with a success, else with 1 and the answer.
const [url] = process.argv.slice(2);
try {
  const response = await fetch(url, { signal: AbortSignal.timeout(3000) });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
} catch (error) {
  console.error(`${url}: ${error.message}`);
  process.exitCode = 1;
}
