/** An entry as somebody may have written it, hostile or not. */
export interface TarEntry {
  readonly name: string;
  readonly content?: string | Uint8Array;
  /** Default: a file. */
  readonly type?: string;
  readonly link?: string;
  /** What the header says, whatever there is. */
  readonly size?: number;
}

/** A tar archive, byte by byte. `end`: two empty blocks after it. */
export function tarOf(entries: readonly TarEntry[], end = true): Buffer {
  const blocks = entries.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? "");
    const rest = Buffer.alloc((512 - (content.length % 512)) % 512);
    return [headerOf(entry, content.length), content, rest];
  });
  return Buffer.concat([...blocks, Buffer.alloc(end ? 1024 : 0)]);
}

function headerOf({ name, type = "0", link = "", size }: TarEntry, length: number): Buffer {
  const block = Buffer.alloc(512);
  block.write(name, 0, 100);
  block.write("0000644\0", 100);
  const told = size ?? length;
  if (told < 8 ** 11) block.write(told.toString(8).padStart(11, "0"), 124);
  else {
    block[124] = 0x80;
    block.writeBigUInt64BE(BigInt(told), 128);
  }
  block.write(type, 156);
  block.write(link, 157, 100);
  block.write("ustar\x0000", 257);
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

/** One record of a pax header. */
export function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}
