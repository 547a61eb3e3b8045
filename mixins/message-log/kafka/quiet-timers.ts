type EmitWarning = typeof process.emitWarning;

let isFiltered = false;

/**
 * kafkajs 2.2.4 sets a timer of a negative time after each answer that it was not throttled for. Node takes it for 1 ms and
 * warns of it once, which says nothing to those who run the server: that one warning is left out when it comes from there.
 */
export function filterNegativeTimeouts(): void {
  if (isFiltered) return;
  isFiltered = true;
  const emitWarning: EmitWarning = process.emitWarning.bind(process);
  process.emitWarning = ((...args: Parameters<EmitWarning>) => {
    if (!isFromKafka(args)) emitWarning(...args);
  }) as EmitWarning;
}

function isFromKafka([, type]: readonly unknown[]): boolean {
  if (type !== "TimeoutNegativeWarning") return false;
  const { stack = "" } = new Error("where from");
  return /[\\/]kafkajs[\\/]/.test(stack);
}
