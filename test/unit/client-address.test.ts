import assert from "node:assert/strict";
import { test } from "node:test";
import { createAddressReader, limitKeyOf } from "../../lib/client-address.ts";

test("nobody's X-Forwarded-For is believed without trusted proxies", () => {
  const addressOf = createAddressReader([]);
  assert.equal(addressOf("203.0.113.9", "198.51.100.1"), "203.0.113.9");
  assert.equal(addressOf("::ffff:203.0.113.9", "198.51.100.1"), "203.0.113.9");
});

test("behind trusted proxies the client is the last address that is none of theirs", () => {
  const addressOf = createAddressReader(["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"]);
  const cases: [string, string | string[] | undefined, string][] = [
    ["10.1.2.3", "198.51.100.1", "198.51.100.1"],
    ["10.1.2.3", "1.2.3.4, 198.51.100.1, 10.9.9.9", "198.51.100.1"],
    ["10.1.2.3", ["1.2.3.4", "198.51.100.1"], "198.51.100.1"],
    ["192.0.2.7", "2001:db9::5", "2001:db9::5"],
    ["::ffff:10.1.2.3", "::ffff:198.51.100.1", "198.51.100.1"],
    ["10.1.2.3", undefined, "10.1.2.3"],
    ["10.1.2.3", "nonsense", "10.1.2.3"],
    ["10.1.2.3", "198.51.100.1, nonsense", "10.1.2.3"],
    ["203.0.113.9", "198.51.100.1", "203.0.113.9"],
    ["2001:db8::1", "10.0.0.1", "10.0.0.1"],
  ];
  for (const [socket, forwarded, client] of cases)
    assert.equal(addressOf(socket, forwarded), client, `${socket} ${String(forwarded)}`);
});

test("a connection that is gone has no address", () => {
  assert.equal(createAddressReader(["10.0.0.0/8"])(undefined, "198.51.100.1"), "unknown");
});

test("IPv6 is limited by its /64 network", () => {
  assert.equal(limitKeyOf("203.0.113.9"), "203.0.113.9");
  assert.equal(limitKeyOf("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assert.equal(limitKeyOf("2001:db8::6"), "2001:db8:0:0::/64");
  assert.equal(limitKeyOf("::1"), "0:0:0:0::/64");
});
