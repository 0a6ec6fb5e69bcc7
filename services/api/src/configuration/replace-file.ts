import { type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * Replaces a file's contents so that a reader, or a power cut, finds either the old or the new text and never a mixture. Mode, owner and
 * symbolic links are kept.
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  const target = await realpath(file);
  const { mode, uid, gid } = await stat(target);
  const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.tmp`);
  try {
    await withFile(await open(temporary, "w", 0o600), async (handle) => {
      await handle.writeFile(text);
      await handle.chmod(mode & 0o7777);
      await handle.chown(uid, gid);
      await handle.sync();
    });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await withFile(await open(dirname(target), "r"), (handle) => handle.sync());
}

async function withFile(handle: FileHandle, use: (handle: FileHandle) => Promise<void>): Promise<void> {
  try {
    await use(handle);
  } finally {
    await handle.close();
  }
}
