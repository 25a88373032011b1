/** Every header and every file of a tar archive begins at a multiple of it. */
export const BLOCK = 512;

/** One header of a tar archive (POSIX.1-1988 ustar, and GNU tar's and pax's additions). */
export interface TarHeader {
  readonly name: string;
  /** `0`: a file, `1` and `2`: hard and symbolic link, `L` and `K`: a long name or link for the next one, `x`: its pax records. */
  readonly type: string;
  /** Bytes that follow, before they are filled up to a block. */
  readonly size: number;
  /** Whether there can be any, whatever a header says. */
  readonly empty: boolean;
  readonly link: string;
}

/** Links, devices, folders, pipes. */
const EMPTY = ["1", "2", "3", "4", "5", "6"];

/** @throws Error when it is no header */
export function parseTarHeader(block: Buffer): TarHeader {
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (sum !== Number.parseInt(textAt(block, 148, 8).trim(), 8)) throw new Error("it is no tar archive");
  const type = block[156] === 0 || block[156] === 0x37 ? "0" : String.fromCharCode(block[156] ?? 0);
  const prefix = textAt(block, 257, 8) === "ustar" ? textAt(block, 345, 155) : "";
  const name = textAt(block, 0, 100);
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    type,
    size: EMPTY.includes(type) ? 0 : sizeOf(block.subarray(124, 136)),
    empty: EMPTY.includes(type),
    link: textAt(block, 157, 100),
  };
}

/** Octal digits, or GNU tar's base-256 for what is larger than 8 GiB. */
function sizeOf(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) !== 0) {
    const size = field.readBigUInt64BE(4);
    if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new Error("a file in it is larger than any disk");
    return Number(size);
  }
  const digits = textAt(field, 0, 12).trim();
  if (!/^[0-7]+$/.test(digits)) throw new Error("it is no tar archive");
  return Number.parseInt(digits, 8);
}

function textAt(block: Buffer, from: number, length: number): string {
  const field = block.subarray(from, from + length);
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? length : end).toString("utf8");
}

/** Records of a pax header: `length key=value`, one after the other. @throws Error when they are none */
export function parsePax(bytes: Buffer): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const length = Number(bytes.subarray(at, Math.max(at, space)).toString("latin1") || Number.NaN);
    const record = bytes.subarray(space + 1, at + length - 1).toString("utf8");
    const equals = record.indexOf("=");
    if (space < 0 || !Number.isInteger(length) || at + length > bytes.length || equals < 0 || space >= at + length) {
      throw new Error("a header in it can't be read");
    }
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}
