import { openRouteSocket } from "@edgebos/linux-io";
import { runService } from "@edgebos/service";
import { LinkMonitor } from "./link-monitor.ts";
import { ipTool } from "./routing/ip-tool.ts";

await runService("linkmon", async (context) => {
  const monitor = new LinkMonitor(context, openRouteSocket(), ipTool);
  context.onShutdown(() => monitor.stop());
  await monitor.start();
});
