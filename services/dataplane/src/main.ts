import { runService } from "@edgebos/service";
import { startClient } from "./client.ts";
import { startServer } from "./server.ts";

await runService("dataplane", (context) =>
  context.config.role === "client" ? startClient(context) : startServer(context),
);
