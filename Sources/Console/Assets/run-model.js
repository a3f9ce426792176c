/**
 * What the events of one execution say, folded in order: the run page draws this and nothing else, so that it shows the
 * same whether it was open from the start or opened at the end. Pure.
 */
export class RunModel {
  constructor(executionID) {
    this.executionID = executionID;
    this.workflow = "";
    this.revision = null;
    this.status = "running";
    this.progress = 0;
    this.total = 0;
    this.startedAt = null;
    this.endedAt = null;
    /** By path, in the order of the definition. */
    this.steps = new Map();
    /** `{step, code, message}` of what failed the execution, or of the step that did. */
    this.failure = null;
    this.approvals = new Map();
    this.riskScore = null;
    this.cancelReason = null;
    this.events = [];
  }

  /** The steps that the definition has, before any event names them. */
  expect(steps) {
    for (const [index, { name, function: action }] of steps.entries()) {
      const step = this.step(name);
      step.number = index + 1;
      step.function = action;
    }
    this.steps = new Map([...this.steps].sort((a, b) => a[1].number - b[1].number));
  }

  step(path) {
    let step = this.steps.get(path);
    if (step === undefined) {
      step = {
        path, number: Infinity, function: "", status: "pending", attempts: [], reason: null, nextAttemptAt: null,
      };
      this.steps.set(path, step);
    }
    return step;
  }

  /** Takes the next event. */
  apply(event) {
    this.events.push(event);
    this.workflow = event.workflow;
    const data = event.data;
    const at = Date.parse(event.time);
    // A failed execution's own `data.progress` is 0 by the contract; the envelope says how far it came.
    this.progress = Math.max(this.progress, event.progress);
    switch (event.type) {
      case "execution_started":
        this.total = data.total_steps;
        this.startedAt = at;
        this.revision = data.definition_revision ?? null;
        break;
      case "step_started": {
        const step = this.stepOf(data);
        step.function = data.function ?? step.function;
        step.status = "running";
        step.nextAttemptAt = null;
        step.attempts.push({ number: data.attempt, startedAt: at, endedAt: null, outcome: "running" });
        break;
      }
      case "step_completed":
        this.endAttempt(data, at, "completed").status = "completed";
        break;
      case "step_retrying": {
        const step = this.endAttempt(data, at, "failed");
        step.status = "retrying";
        step.nextAttemptAt = Date.parse(data.next_attempt_at);
        break;
      }
      case "step_failed": {
        const step = this.endAttempt(data, at, "failed");
        step.status = "failed";
        this.failure = { step: step.path, code: data.error_code ?? null, message: data.error_message ?? "" };
        break;
      }
      case "step_skipped": {
        const step = this.stepOf(data);
        step.status = "skipped";
        step.reason = data.reason ?? null;
        break;
      }
      case "approval_requested":
        this.approvals.set(data.approval_id, { ...data, status: "pending" });
        if (data.step_name) this.step(data.step_name).status = "waiting";
        this.status = "waiting";
        break;
      case "approval_granted":
      case "approval_rejected":
      case "approval_expired": {
        const approval = this.approvals.get(data.approval_id);
        if (approval) approval.status = event.type.slice("approval_".length);
        if (![...this.approvals.values()].some((one) => one.status === "pending")) this.status = "running";
        break;
      }
      case "execution_completed":
        this.status = "completed";
        this.endedAt = at;
        this.riskScore = data.risk_score ?? null;
        break;
      case "execution_failed":
        this.status = "failed";
        this.endedAt = at;
        this.failure = {
          step: data.failed_step ?? this.failure?.step ?? null,
          code: data.error_code ?? this.failure?.code ?? null,
          message: this.failure?.message || data.error_message || "",
        };
        break;
      case "execution_cancelled":
        this.status = "cancelled";
        this.endedAt = at;
        this.cancelReason = data.reason ?? null;
        break;
      default:
      // An event of a later version; it stands among the raw ones.
    }
  }

  stepOf(data) {
    const step = this.step(data.path ?? data.step_name);
    step.number = data.step_number ?? step.number;
    return step;
  }

  endAttempt(data, at, outcome) {
    const step = this.stepOf(data);
    let attempt = step.attempts.at(-1);
    if (attempt === undefined || attempt.endedAt !== null) {
      attempt = { number: data.attempt, startedAt: at - (data.execution_time_ms ?? 0) };
      step.attempts.push(attempt);
    }
    Object.assign(attempt, {
      endedAt: at, outcome, milliseconds: data.execution_time_ms ?? null, queuedMilliseconds: data.queued_ms ?? 0,
      errorCode: data.error_code ?? null, errorMessage: data.error_message ?? null,
    });
    return step;
  }

  get isOver() {
    return this.endedAt !== null;
  }

  /** One sentence that says where the execution stands, or what it waits for. */
  get sentence() {
    const of = (step) => (this.total > 1 && step.number !== Infinity ? ` · step ${step.number} of ${this.total}` : "");
    const waiting = [...this.approvals.values()].filter((approval) => approval.status === "pending");
    switch (this.status) {
      case "completed": {
        if (waiting.length > 0) return `all steps are done · waits for ${decision(waiting[0])}`;
        return `all ${this.total === 1 ? "of 1 step is" : `${this.total} steps are`} done`;
      }
      case "failed":
        return this.failure?.step ? `${this.failure.step} failed` : "the execution failed";
      case "cancelled":
        return this.cancelReason ? `cancelled: ${this.cancelReason}` : "cancelled";
      default:
    }
    if (waiting.length > 0) return `waits for ${decision(waiting[0])}`;
    const running = [...this.steps.values()].filter((step) => step.status === "running");
    if (running.length > 0) {
      const step = running[0];
      const attempt = step.attempts.at(-1)?.number ?? 1;
      const others = running.length > 1 ? ` and ${running.length - 1} more` : "";
      return `${step.path}${others} is running${of(step)}${attempt > 1 ? ` · attempt ${attempt}` : ""}`;
    }
    const retrying = [...this.steps.values()].find((step) => step.status === "retrying");
    if (retrying) return `${retrying.path} waits to try again${of(retrying)}`;
    const last = [...this.steps.values()].findLast((step) => step.status === "completed" || step.status === "skipped");
    if (last) return `${last.path} is ${last.status}${of(last)}`;
    return this.startedAt === null ? "waits for its first event" : "started";
  }
}

function decision(approval) {
  const who = (approval.approvers ?? []).join(", ") || "an approver";
  return approval.step_name ? `a decision by ${who} on ${approval.step_name}` : `its release by ${who}`;
}
