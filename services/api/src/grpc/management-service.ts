import type { management } from "@edgebos/proto";
import { type handleUnaryCall, type ServerWritableStream, status } from "@grpc/grpc-js";
import { ManagementError } from "../management/errors.ts";
import type { Management } from "../management/management.ts";
import type { RequestMetrics } from "../observe/request-metrics.ts";
import { grpcError } from "./status.ts";

type Report = (method: string, error: unknown) => void;

/** The Management service over gRPC. `report` hears of errors that are not the user's. */
export function managementService(
  core: Management,
  metrics: RequestMetrics,
  report: Report,
): management.ManagementServer {
  const unary = <Request, Response>(
    method: string,
    handle: (request: Request) => Promise<Response>,
  ): handleUnaryCall<Request, Response> => {
    return async (call, callback) => {
      const done = metrics.begin("grpc", method);
      try {
        const response = await handle(call.request);
        done(status[status.OK]);
        callback(null, response);
      } catch (error) {
        if (!(error instanceof ManagementError)) report(method, error);
        const failure = grpcError(error);
        done(status[failure.code]);
        callback(failure);
      }
    };
  };
  return {
    getStatus: unary("GetStatus", () => core.getStatus()),
    listLinks: unary("ListLinks", () => core.listLinks()),
    getLink: unary("GetLink", ({ name }: management.GetLinkRequest) => core.getLink(name)),
    getStatistics: unary("GetStatistics", () => core.getStatistics()),
    getConfiguration: unary("GetConfiguration", () => core.getConfiguration()),
    updateConfiguration: unary("UpdateConfiguration", (request: management.UpdateConfigurationRequest) =>
      core.updateConfiguration(request),
    ),
    watch: (call) => watch(core, metrics, call),
  };
}

function watch(
  core: Management,
  metrics: RequestMetrics,
  call: ServerWritableStream<management.WatchRequest, management.WatchEvent>,
): void {
  const done = metrics.begin("grpc", "Watch");
  try {
    const sink = { send: (event: management.WatchEvent) => call.write(event), end: () => call.end() };
    const opened = core.watch(call.request.topics, sink);
    call.on("drain", () => opened.resume());
    call.on("cancelled", () => {
      opened.close();
      done(status[status.CANCELLED]);
    });
    call.on("finish", () => {
      opened.close();
      done(status[status.OK]);
    });
  } catch (error) {
    const failure = grpcError(error);
    done(status[failure.code]);
    call.emit("error", failure);
  }
}
