/** An event of an execution; `data` is by `type`, see /schemas/events.json. */
export interface ExecutionEvent {
  id: string;
  type: string;
  execution_id: string;
  workflow: string;
  sequence: number;
  time: string;
  progress: number;
  final: boolean;
  data: Record<string, unknown>;
}

/** A refusal by RFC 9457. */
export interface Problem {
  status: number;
  code?: string;
  title?: string;
  detail?: string;
}

export type StreamState =
  | { name: "connecting" }
  | { name: "live" }
  /** Lost; tried again at `retryAt`, in milliseconds since 1970. */
  | { name: "waiting"; retryAt: number }
  /** The execution's last event was handed on. */
  | { name: "ended" }
  /** Refused for good. */
  | { name: "failed"; problem: Problem };

export interface StreamOptions {
  /** Sequence of the last event that is known already; 0: none. */
  after?: number;
  /** Each event once, in order. */
  onEvent?: (event: ExecutionEvent) => void;
  onState?: (state: StreamState) => void;
  /** Frames that are no events, such as `stream_snapshot`. */
  onNotice?: (notice: { type: string } & Record<string, unknown>) => void;
  /** Where the gateway is; the page's own origin by default. */
  url?: string;
}

/** Follows an execution until its last event, whatever happens to the connection. */
export function stream(
  executionID: string,
  options?: StreamOptions,
): { close(): void; readonly sequence: number };
