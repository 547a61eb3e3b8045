import { ElMessage } from "element-plus";

/** Says something that is no error of the server, for a few seconds. */
export function notice(message: string): void {
  ElMessage({ message, type: "warning", grouping: true });
}
