// Loaded with `--import` before a TypeScript entry, which an older Node could only answer with a stack. Plain JavaScript for that reason.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);

if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(
    `moleculer-im: Node ${process.versions.node} cannot run TypeScript; use the npm scripts after \`npm ci\`, which bring Node 24.\n`,
  );
  process.exit(1);
}
