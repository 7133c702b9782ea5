/**
 * What a runner does in another way than the suite shows, so that its subject shows it by a test of its own (`Subject.own`):
 * by the name of the behaviour, with the words for docs/runners.md. Everything else every runner does as the suite says.
 */
export const ownWays = {
  script: {},
  docker: {},
  podman: {},
  compose: {},
  swarm: {
    'a crash is followed by a restart, and its event has the last lines': 'yes, by the swarm, with an event of its own',
    'a check by a command sees what the service sees': 'yes, as the swarm\'s own check',
    'a check by a command that does not end is killed, and fails': 'yes, as the swarm\'s own check',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;

export type RunnerType = keyof typeof ownWays;

/** The words for a behaviour that a runner shows in its own way; null: it does as the suite says. */
export function ownWayOf(runner: RunnerType, behaviour: string): string | null {
  return (ownWays[runner] as Readonly<Record<string, string>>)[behaviour] ?? null;
}
