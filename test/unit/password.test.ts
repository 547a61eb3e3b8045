import assert from "node:assert/strict";
import { test } from "node:test";
import { isImError } from "../../lib/errors.ts";
import { checkWellFormed, credentialOf, hashPassword, isHashedBelow, verifyPassword } from "../../lib/password.ts";
import { checkStrength } from "../../lib/password-strength.ts";

const ROUNDS = 4;
const isWeak = (error: unknown): boolean => isImError(error, "WEAK_PASSWORD");

test("a password belongs to its own hash and to no other", async () => {
  const hash = await hashPassword("open sesame", ROUNDS);
  assert.equal(await verifyPassword("open sesame", hash, ROUNDS), true);
  assert.equal(await verifyPassword("open sesame ", hash, ROUNDS), false);
  assert.notEqual(hash, await hashPassword("open sesame", ROUNDS));
});

test("long, Chinese and NUL-holding passwords are compared to the last byte", async () => {
  for (const start of ["a".repeat(127), "密".repeat(127), "pass\u0000word"]) {
    const hash = await hashPassword(`${start}x`, ROUNDS);
    assert.equal(await verifyPassword(`${start}x`, hash, ROUNDS), true);
    assert.equal(await verifyPassword(`${start}y`, hash, ROUNDS), false);
  }
});

test("without a hash the answer is no, after the time of one comparison", async () => {
  const rounds = 10;
  const hash = await hashPassword("anything", rounds);
  const time = async (stored: string | null): Promise<number> => {
    const start = performance.now();
    assert.equal(await verifyPassword("something else", stored, rounds), false);
    return performance.now() - start;
  };
  const known: number[] = [];
  const unknown: number[] = [];
  for (let i = 0; i < 5; i++) {
    known.push(await time(hash));
    unknown.push(await time(null));
  }
  assert.ok(
    Math.min(...unknown) > Math.min(...known) * 0.5,
    `unknown ${Math.min(...unknown)} ms, known ${Math.min(...known)} ms`,
  );
});

test("hashes tell their cost and have a name that says nothing of them", async () => {
  const hash = await hashPassword("open sesame", ROUNDS);
  assert.equal(isHashedBelow(hash, ROUNDS), false);
  assert.equal(isHashedBelow(hash, ROUNDS + 1), true);
  assert.equal(credentialOf(hash), credentialOf(hash));
  assert.ok(!hash.includes(credentialOf(hash)));
});

test("lone surrogates are refused with the field named, whole characters are not", () => {
  assert.throws(
    () => checkWellFormed("pass\ud800word", "newPassword"),
    (error) => isImError(error, "VALIDATION") && JSON.stringify(error.data).includes("newPassword"),
  );
  checkWellFormed("pass😀word", "password");
});

test("common and guessable passwords are weak", async () => {
  for (const weak of [
    "password",
    "12345678",
    "qwertyuiop",
    "Passw0rd!",
    "iloveyou",
    "aaaaaaaaaaaa",
    "11111111",
    "密码密码密码密码",
  ]) {
    await assert.rejects(checkStrength(weak, []), isWeak, weak);
  }
  for (const good of ["correct-horse-battery", "tangerine-42-boat", "Tr0ub4dor&3", "床前明月光疑是地上霜吗"])
    await checkStrength(good, []);
});

test("a password made of what is known of the user is weak", async () => {
  await checkStrength("zebulon.krabbeltrog", []);
  await assert.rejects(checkStrength("zebulon.krabbeltrog", ["zebulon.krabbeltrog", null, undefined, ""]), isWeak);
});

test("looking at a long password made to be slow takes no longer than a request may block", async () => {
  await checkStrength("warm-up-horse-battery", []);
  const looks: number[] = [];
  for (let i = 0; i < 3; i++) {
    const start = process.threadCpuUsage();
    await checkStrength("p4$$w0rd@!13".repeat(10), []).catch(() => undefined);
    const { user, system } = process.threadCpuUsage(start);
    looks.push((user + system) / 1_000);
  }
  // What this thread worked for: other processes may have had the processor meanwhile.
  assert.ok(Math.min(...looks) < 500, `${looks.join(", ")} ms`);
});
