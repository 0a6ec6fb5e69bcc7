import { runService } from "@edgebos/service";
import { Scheduler } from "./scheduler.ts";

await runService("scheduler", async (context) => {
  const scheduler = new Scheduler(context);
  context.onShutdown(() => scheduler.stop());
  scheduler.start();
});
