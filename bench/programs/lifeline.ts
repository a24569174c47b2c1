/** Ends this helper when the benchmark that started it is gone, however that ended. */
export function endWithParent(): void {
  process.stdin.resume().once('end', () => process.exit(0));
  process.once('SIGTERM', () => process.exit(0));
}

export function numberArgument(position: number): number {
  const value = Number(process.argv[position + 2]);
  if (!Number.isFinite(value)) throw new Error(`argument ${position + 1} is no number`);
  return value;
}

export function textArgument(position: number): string {
  const value = process.argv[position + 2];
  if (value === undefined) throw new Error(`argument ${position + 1} is missing`);
  return value;
}
