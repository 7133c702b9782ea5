/** Upper bounds of the classes that durations are counted in, in seconds. */
export const durationBounds: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What is counted for one service. */
export interface ServiceFigures {
  /** By the first digit of the status; the first two are not used. */
  readonly answers: number[];
  /** Per class of duration; one more than bounds. */
  readonly durations: number[];
  durationSum: number;
  active: number;
  retries: number;
  ejections: number;
  /** Answers that the backend did not finish. */
  cutOff: number;
  upgrades: number;
  /** Of bodies, to clients. */
  bytesOut: number;
}

/** What one worker has counted. Plain data, so that it can travel and be added up. */
export interface Figures {
  readonly services: Record<string, ServiceFigures>;
  /** Open now. */
  connections: number;
  accepted: number;
  /** Requests that were answered 4xx and never forwarded, because of how they were written. */
  malformed: number;
  /** Requests that no route was for. */
  unrouted: number;
}

export function noFigures(): Figures {
  return { services: Object.create(null) as Record<string, ServiceFigures>, connections: 0, accepted: 0, malformed: 0, unrouted: 0 };
}

export function figuresOf(figures: Figures, service: string): ServiceFigures {
  return (figures.services[service] ??= {
    answers: [0, 0, 0, 0, 0, 0], durations: durationBounds.map(() => 0).concat(0), durationSum: 0,
    active: 0, retries: 0, ejections: 0, cutOff: 0, upgrades: 0, bytesOut: 0,
  });
}

/** @param ms from the first byte of the request to the last one of the answer */
export function countAnswer(figures: ServiceFigures, status: number, ms: number): void {
  const digit = Math.floor(status / 100);
  figures.answers[digit] = (figures.answers[digit] ?? 0) + 1;
  const seconds = ms / 1000;
  figures.durationSum += seconds;
  let index = 0;
  while (index < durationBounds.length && seconds > (durationBounds[index] ?? 0)) index++;
  figures.durations[index] = (figures.durations[index] ?? 0) + 1;
}

/** The sum of what several workers have counted. */
export function addUp(parts: readonly Figures[]): Figures {
  const sum = noFigures();
  for (const part of parts) {
    for (const name of ['connections', 'accepted', 'malformed', 'unrouted'] as const) sum[name] += part[name];
    for (const [service, figures] of Object.entries(part.services)) addService(figuresOf(sum, service), figures);
  }
  return sum;
}

function addService(sum: ServiceFigures, part: ServiceFigures): void {
  part.answers.forEach((count, index) => (sum.answers[index] = (sum.answers[index] ?? 0) + count));
  part.durations.forEach((count, index) => (sum.durations[index] = (sum.durations[index] ?? 0) + count));
  for (const name of ['durationSum', 'active', 'retries', 'ejections', 'cutOff', 'upgrades', 'bytesOut'] as const) sum[name] += part[name];
}
