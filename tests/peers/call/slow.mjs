// An old phone's processor: a control group whose programs together get a quarter of one core.
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";

/** A short period: a slow processor, not a fast one that stands still. */
const PERIOD_US = 10_000;
const SHARE = 0.25;
const [OLD, NEW] = ["/sys/fs/cgroup/cpu", "/sys/fs/cgroup"];

/** Makes the group. `slowed` is a command that runs in it, with all that it starts; `end` takes it away. */
export function slowness(name) {
  const old = existsSync(path.join(OLD, "cpu.cfs_quota_us"));
  const folder = path.join(old ? OLD : NEW, name);
  mkdirSync(folder, { recursive: true });
  const quota = Math.round(PERIOD_US * SHARE);
  if (old) {
    writeFileSync(path.join(folder, "cpu.cfs_period_us"), String(PERIOD_US));
    writeFileSync(path.join(folder, "cpu.cfs_quota_us"), String(quota));
  } else {
    writeFileSync(path.join(folder, "cpu.max"), `${quota} ${PERIOD_US}`);
  }
  const script = 'echo $$ > "$1" && shift && exec "$@"';
  return {
    slowed: (command, args) => ["sh", ["-c", script, "sh", path.join(folder, "cgroup.procs"), command, ...args]],
    end: () => {
      try {
        rmdirSync(folder);
      } catch {
        // A browser's last process may still be leaving; an empty group costs nothing.
      }
    },
  };
}
