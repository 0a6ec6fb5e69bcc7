import { startLoopThread } from "./loop/engine.ts";

const thread = startLoopThread();
// A process that only loads its code ends by itself, and takes the thread with it.
if (process.argv.includes("--load-only")) thread.unref();
const { runService } = await import("@edgebos/service");
await runService("dataplane", async (context) => {
  if (context.config.role === "client") {
    const { startClient } = await import("./client.ts");
    await startClient(context, thread);
  } else {
    const { startServer } = await import("./server.ts");
    await startServer(context, thread);
  }
});
