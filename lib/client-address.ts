import { BlockList, isIP } from "node:net";

/** An address as one text for each host: IPv4 in IPv6 as IPv4, without a zone; null when it is none. */
function normalize(address: string): string | null {
  const text = address
    .trim()
    .replace(/%.*$/, "")
    .replace(/^::ffff:(?=\d+\.)/i, "");
  return isIP(text) === 0 ? null : text.toLowerCase();
}

function networksOf(cidrs: readonly string[]): BlockList {
  const networks = new BlockList();
  for (const cidr of cidrs) {
    const [address = "", bits] = cidr.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    networks.addSubnet(address, bits === undefined ? (family === "ipv6" ? 128 : 32) : Number(bits), family);
  }
  return networks;
}

/** Reads a client's address from its connection and its X-Forwarded-For headers. */
export type AddressReader = (socketAddress: string | undefined, forwardedFor: string | readonly string[] | undefined) => string;

/**
 * X-Forwarded-For is believed only as far as trusted proxies wrote it: from its end, the first address that is none of theirs.
 * What a client itself put in front of that is ignored.
 * @param trustedProxies addresses or networks (CIDR)
 */
export function createAddressReader(trustedProxies: readonly string[]): AddressReader {
  const proxies = networksOf(trustedProxies);
  const isTrusted = (address: string): boolean => proxies.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  return (socketAddress, forwardedFor) => {
    let client = normalize(socketAddress ?? "") ?? "unknown";
    if (trustedProxies.length === 0 || client === "unknown") return client;
    const hops = (Array.isArray(forwardedFor) ? forwardedFor.join(",") : String(forwardedFor ?? "")).split(",");
    while (isTrusted(client)) {
      const before = normalize(hops.pop() ?? "");
      if (before === null) break;
      client = before;
    }
    return client;
  };
}

/** What limits of an address count: the address itself, or for IPv6 the /64 network that one host usually has to itself. */
export function limitKeyOf(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const last = tail === "" ? [] : tail.split(":");
    while (groups.length + last.length < 8) groups.push("0");
    groups.push(...last);
  }
  return `${groups.slice(0, 4).join(":")}::/64`;
}
