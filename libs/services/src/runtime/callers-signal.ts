interface Listener {
  handleEvent(): void;
}

/**
 * Who is told when a signal is aborted. The signal compares each new listener with all that it has, so that thousands
 * of calls with the same one would cost their square: they share a listener.
 */
class Waiting extends Set<Listener> implements Listener {
  handleEvent(): void {
    for (const one of this) one.handleEvent();
  }
}

const waiting = new WeakMap<AbortSignal, Waiting>();

/** Tells `listener` when the caller's signal is aborted; {@link forgetSignal} follows in any case. */
export function watchSignal(signal: AbortSignal, listener: Listener): void {
  let all = waiting.get(signal);
  if (all === undefined) {
    waiting.set(signal, (all = new Waiting()));
    signal.addEventListener('abort', all, { once: true });
  }
  all.add(listener);
}

/** The caller's signal may outlive the call by far, and must not hold it. */
export function forgetSignal(signal: AbortSignal | undefined, listener: Listener): void {
  const all = signal && waiting.get(signal);
  if (all === undefined || signal === undefined || !all.delete(listener) || all.size > 0) return;
  waiting.delete(signal);
  signal.removeEventListener('abort', all);
}
