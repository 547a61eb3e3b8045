import type { OwnUser } from "@moleculer-im/client";
import { describe, expect, test } from "vitest";
import { changesOf, formOf } from "../../src/settings/profile-form.ts";

const me: OwnUser = {
  userId: "1",
  username: "ada",
  nickname: "Ada",
  avatar: "",
  signature: "",
  gender: "unknown",
  region: "",
  phone: null,
  email: "ada@example.com",
  createdAt: 0,
};

describe("a profile that is being changed", () => {
  test("tells the server nothing while nothing differs", () => {
    expect(changesOf(formOf(me), me)).toEqual({});
    expect(changesOf({ ...formOf(me), nickname: " Ada " }, me)).toEqual({});
  });

  test("tells it only what differs", () => {
    expect(changesOf({ ...formOf(me), region: "London ", gender: "female" }, me)).toEqual({ region: "London", gender: "female" });
  });

  test("takes a phone number as people write it, and an empty one for none", () => {
    expect(changesOf({ ...formOf(me), phone: "+44 (20) 7946-0000" }, me)).toEqual({ phone: "+442079460000" });
    expect(changesOf({ ...formOf(me), email: "" }, me)).toEqual({ email: null });
  });
});
