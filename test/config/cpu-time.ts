/** The processor time, in milliseconds, that `work` takes: unlike the clock's it does not grow when the machine is busy. */
export function cpuTimeOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
