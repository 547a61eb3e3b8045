/** Ends the process, with one line on stderr, when this Node is older than `major`. Reads on every Node that knows modules. */
export function endBelowNode(major: number): void {
  if (Number.parseInt(process.versions.node, 10) >= major) return;
  process.stderr.write(`moleculer-im needs Node ${major} or newer; this is Node ${process.versions.node}.\n`);
  process.exit(1);
}
