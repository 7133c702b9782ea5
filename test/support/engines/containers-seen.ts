export interface ContainerSeen {
  readonly id: string;
  readonly name: string;
  /** `running`, `exited`, … */
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The command line of its main process. */
  readonly words: string;
  readonly pid: number;
}

interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly State: { readonly Status: string; readonly Pid: number };
  readonly Path: string;
  readonly Args: readonly string[];
  readonly Config: { readonly Labels: Readonly<Record<string, string>> | null };
}

/** Reads what `inspect` prints. Containers that go while they are looked at are left out. */
export function containersSeen(inspect: () => string): ContainerSeen[] {
  let text: string;
  try {
    text = inspect();
  } catch (error) {
    text = (error as { stdout?: string }).stdout ?? '[]';
  }
  return (JSON.parse(text) as Inspected[]).map(({ Id, Name, State, Path, Args, Config }) => ({
    id: Id, name: Name.replace(/^\//, ''), state: State.Status, labels: Config.Labels ?? {}, words: [Path, ...Args].join(' '), pid: State.Pid,
  }));
}
