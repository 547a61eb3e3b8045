/** Where a MySQL server is and as whom to sign in there. */
export interface MysqlAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** By TLS, with a certificate that names the host. */
  readonly isEncrypted: boolean;
}

const DEFAULT_PORT = 3306;

/** @param url `mysql://user:password@host:port/database` */
export function mysqlAddress(url: string, isEncrypted = false): MysqlAddress {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? DEFAULT_PORT : Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
    isEncrypted,
  };
}

/** For people and logs: without the password. */
export function describeAddress({ host, port, database }: MysqlAddress): string {
  return `MySQL ${host.includes(":") ? `[${host}]` : host}:${port}/${database}`;
}
